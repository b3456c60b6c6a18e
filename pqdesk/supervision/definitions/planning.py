"""What a change of a worker does to the text of its file. Reads the file, writes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import USUAL_START_S, WorkerDefinition, process_name
from pqdesk.supervision.definitions.reading import replica_sections, workers_in
from pqdesk.supervision.definitions.sections import Section, read_configuration
from pqdesk.supervision.definitions.writing import changed_settings, log_settings, start_settings
from pqdesk.worker_options import RUN_OPTIONS

_COMPARED = ("name", "command", "environment", *(row.field for row in RUN_OPTIONS))


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after, and the sections (supervisord's groups) it is about.

    Attributes:
        changed: Sections that are other than before in more than whether they start with supervisord.
        new_secrets: A file of secrets that has to be written before.
        kept_secrets: The file that the sections before name: what runs, or is started again by itself, needs it.
        version: Of the worker before.
    """

    file: Path
    before: str
    after: str
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    new_secrets: Path | None = None
    kept_secrets: Path | None = None
    version: str | None = None


def normal_definition(definition: WorkerDefinition, paths: WorkspacePaths) -> WorkerDefinition:
    """The same as it would be read back."""
    folder = definition.folder
    if folder is not None and folder.is_absolute():
        folder = Path(os.path.normpath(folder))
    environment = {name: value for name, value in definition.environment.items() if name != WORKSPACE_VARIABLE}
    signal = definition.stop_signal.strip().upper().removeprefix("SIG")
    return replace(
        definition,
        folder=None if folder == paths.root else folder,
        environment=environment,
        stop_signal=signal,
        start_s=definition.start_s if definition.restart == "always" or definition.breaks_policy else USUAL_START_S,
    )


def plan_change(
    old: WorkerDefinition, new: WorkerDefinition, secrets_file: Path | None, paths: WorkspacePaths
) -> Change:
    """`old`, as its file has it, made `new`.

    Raises:
        InvalidInput: A value that the file cannot hold.
        SupervisorError: The file is written in a way that makes it unsafe.
    """
    assert old.file is not None
    before = read_configuration(old.file)
    text = ConfigurationText(before)
    sections = [section for _, section in replica_sections(before, old.file)[old.name]]
    settings = changed_settings(old, new, secrets_file)
    if old.breaks_policy and not new.breaks_policy:
        settings |= start_settings(new)
    for section in sections:
        text.set(section.name, settings)
    added, removed = _scale(text, old, new, sections)
    _check(text.text, before, new, old.file, paths)
    kept = [section.name for section in sections if section.name not in removed]
    return Change(
        file=old.file,
        before=before,
        after=text.text,
        changed=tuple(map(group_of, kept)) if set(settings) - {"autostart"} else (),
        added=tuple(map(group_of, added)),
        removed=tuple(map(group_of, removed)),
        new_secrets=None if secrets_file == old.secrets_file else secrets_file,
        kept_secrets=old.secrets_file,
        version=old.version,
    )


def group_of(section: str) -> str:
    """supervisord's name for what `program:NAME` defines."""
    return section.partition(":")[2].strip()


def _scale(
    text: ConfigurationText, old: WorkerDefinition, new: WorkerDefinition, sections: list[Section]
) -> tuple[list[str], list[str]]:
    """Bring the number of sections to that of the replicas; which were added, and removed, highest first."""
    if new.replicas == old.replicas:
        return [], []
    if len(sections) != old.replicas:
        raise InvalidInput(
            f"worker {new.name!r} uses supervisor's numprocs in '{old.file}'; change that number there, or take it out "
            "and scale again"
        )
    removed = [section.name for section in reversed(sections[new.replicas :])]
    for name in removed:
        text.remove(name)
    added: list[str] = []
    taken = {one.replica for one in old.processes}
    free = (number for number in range(1, new.replicas + old.replicas + 1) if number not in taken)
    last = sections[-1].name
    for number in [next(free) for _ in range(new.replicas - old.replicas)]:
        process = process_name(new.name, number)
        name = f"program:{process}"
        text.add_copy(sections[0].name, name, after=last, values=_own_logs(sections[0], process))
        added.append(name)
        last = name
    return added, removed


def _own_logs(source: Section, process: str) -> dict[str, str]:
    """Log files of its own for a copy of a section, where the copied setting would name the same ones."""
    return {
        key: value
        for key, value in log_settings(process).items()
        if key in source.values
        and "%(program_name)s" not in source.values[key]
        and source.values[key].lower() not in ("auto", "none", "off", "syslog")
    }


def _check(text: str, before: str, wanted: WorkerDefinition, file: Path, paths: WorkspacePaths) -> None:
    """Raises SupervisorError unless `text` is read as `wanted`, and as before for everything else in the file."""
    now = {one.name: one for one in workers_in(text, file, paths)}
    others = {one.name: one for one in workers_in(before, file, paths) if one.name != wanted.name}
    mine = now.pop(wanted.name, None)
    if now != others or any(getattr(mine, name, None) != getattr(wanted, name) for name in _COMPARED):
        raise SupervisorError(
            f"'{file}' is written in a way that PQDesk cannot change safely; nothing was changed; change it by hand"
        )
