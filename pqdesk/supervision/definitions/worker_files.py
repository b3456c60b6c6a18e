"""Adding, changing and removing workers' files: in place, whole or not at all, one program at a time.

Says what a running supervisord then has to be told; doing so is in processes/changing_workers.py.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pqdesk.errors import DiskFull, InvalidInput, NotFound, SupervisorError
from pqdesk.messages.json_text import load_json
from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.planning import Change, normal_definition, plan_change
from pqdesk.supervision.definitions.quoting import check_written_name, is_variable
from pqdesk.supervision.definitions.reading import read_definitions, replica_sections, workers_in
from pqdesk.supervision.definitions.secret_files import (
    forget_old_secrets,
    forget_secrets,
    new_secrets_file,
    read_secrets,
    read_secrets_text,
    secrets_text,
)
from pqdesk.supervision.definitions.sections import parse_sections, read_configuration
from pqdesk.supervision.definitions.writing import (
    check_definition,
    definition_text,
    write_definition,
    write_supervisor_configuration,
)
from pqdesk.supervision.private_files import remove_file, write_private_file
from pqdesk.supervision.records import RemovedWorker
from pqdesk.supervision.waiting import held_lock

_LOCK_S = 10.0
_LARGEST_BYTES = 4 * 1024 * 1024
_MOST_PREVIOUS = 20  # changes of a worker that can be taken back one after the other


class WorkerFiles:
    """The files in workers/ and secrets/ of one workspace. Keeps nothing open."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths

    def read(self, name: str) -> WorkerDefinition:
        """Raises NotFound; SupervisorError when its file cannot be read."""
        found = read_definitions(self._paths)
        for worker in found.workers:
            if worker.name == name:
                return worker
        raise found.unknown(name)

    def preview(self, definition: WorkerDefinition) -> str:
        """The text of the file as it would be. Raises InvalidInput, and what read() and change() do."""
        if definition.file is not None:
            return self._planned(definition).after
        check_definition(definition)
        secrets_text(definition.secrets, besides=definition.environment)
        secrets_file = new_secrets_file(self._paths, definition.name) if definition.secrets else None
        return definition_text(definition, secrets_file)

    def check_new(self, definition: WorkerDefinition) -> None:
        """Raises InvalidInput, SupervisorError when add() would."""
        self.preview(replace(normal_definition(definition, self._paths), file=None))
        self._refuse_known(definition.name, self._file_of(definition.name))

    def add(self, definition: WorkerDefinition) -> Path:
        """Write the file of a worker that is not there yet. Raises InvalidInput, SupervisorError, DiskFull."""
        definition = normal_definition(definition, self._paths)
        self.preview(replace(definition, file=None))
        with self._lock():
            self._refuse_known(definition.name, self._file_of(definition.name))
            write_supervisor_configuration(self._paths)
            return write_definition(self._paths, definition)

    def change(self, definition: WorkerDefinition) -> Change:
        """Change the sections of a worker in place. Raises as Supervision.change()."""
        with self._lock():
            change = self._planned(definition)
            if change.new_secrets is not None:
                write_private_file(change.new_secrets, secrets_text(definition.secrets, besides=definition.environment))
            try:
                if change.after != change.before:
                    _write(change.file, change.after)
                    self._keep_previous(definition.name, change)
            except BaseException:
                forget_secrets(change.new_secrets)
                raise
            forget_old_secrets(self._paths, definition.name, keep=(change.new_secrets, change.kept_secrets))
            return change

    def previous(self, name: str, version: str | None = None) -> WorkerDefinition:
        """A worker as it was before its last change, or at an older `version`. Raises NotFound."""
        try:
            check_written_name(name)
            now, kept = self.read(name).version, self._kept_previous(name)
            [one] = [one for one in kept if version in (None, one["before"])][:1]
            [worker] = workers_in(one["text"], self._file_of(name), self._paths)
            secrets = one["secrets"]
            secrets_text(secrets, besides=worker.environment)
            if worker.name != name or (version is None and one["after"] != now):
                raise ValueError(name)  # changed by hand since
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SupervisorError) as exc:
            raise NotFound(f"no change of worker {name!r} is known that could be taken back") from exc
        return replace(worker, secrets=secrets, secrets_file=None, version=None)

    def take_back(self, change: Change) -> None:
        """Put the old text back, unless somebody has changed the file again since."""
        with self._lock():
            if read_configuration(change.file) == change.after:
                _write(change.file, change.before)
                forget_secrets(change.new_secrets)

    def take_back_new(self, file: Path) -> None:
        """Remove the file that add() has written."""
        with self._lock():
            remove_file(file, "nothing was changed")
            forget_old_secrets(self._paths, file.stem, keep=())

    def remove(self, name: str, running: Collection[str]) -> RemovedWorker:
        """Take a worker's sections out of its file, and keep them in supervisor/removed/."""
        with self._lock():
            worker = self._editable(self.read(name))
            assert worker.file is not None
            text = ConfigurationText(read_configuration(worker.file))
            sections = self._sections(worker, text.text)
            before = text.text
            taken = [text.remove(section) for section in sections]
            removed = RemovedWorker(
                name=name,
                file=worker.file,
                text="\n".join(taken) if text.has_sections else before,
                secrets=_text_of(worker.secrets_file),
                secrets_file=worker.secrets_file,
                running=tuple(running),
            )
            self._keep(removed)
            if text.has_sections:
                _write(worker.file, text.text)
            else:
                remove_file(worker.file, "nothing was changed")
            forget_old_secrets(self._paths, name, keep=())
            return removed

    def removed(self, name: str) -> RemovedWorker:
        """The last one of this name that was removed.

        Raises:
            NotFound: There is none.
            SupervisorError: What was kept of it is damaged: it is no worker of this name. Nothing was changed.
        """
        unknown = f"no worker {name!r:.80} was removed that could be brought back"
        try:
            check_written_name(name)
            data = read_plain(self._removed_file(name), _LARGEST_BYTES)
        except (FileNotFoundError, InvalidInput) as exc:
            raise NotFound(unknown) from exc
        except OSError as exc:
            raise SupervisorError(f"cannot read '{self._removed_file(name)}': {exc.strerror}") from exc
        try:
            return removed_worker(load_json(data), name, self._paths)
        except (ValueError, KeyError, TypeError, SupervisorError) as exc:
            raise SupervisorError(
                f"'{self._removed_file(name)}' is damaged, not what PQDesk keeps of a removed worker; nothing was "
                "changed; remove it"
            ) from exc

    def bring_back(self, removed: RemovedWorker) -> None:
        """Undo remove(). Raises SupervisorError, DiskFull."""
        with self._lock():
            self._refuse_known(removed.name, None)
            if removed.secrets_file is not None and removed.secrets:
                write_private_file(removed.secrets_file, removed.secrets)
            if removed.file.exists():
                text = ConfigurationText(read_configuration(removed.file))
                text.append(removed.text)
                write_private_file(removed.file, text.text)
            else:
                write_private_file(removed.file, removed.text)
            remove_file(self._removed_file(removed.name), "nothing was changed")

    def _planned(self, definition: WorkerDefinition) -> Change:
        old = self._editable(self.read(definition.name))
        if (definition.restart, definition.start_s) != (old.restart, old.start_s):
            definition = replace(definition, breaks_policy=False)
        wanted = normal_definition(definition, self._paths)
        check_definition(wanted)
        if wanted.version is not None and wanted.version != old.version:
            raise SupervisorError(
                f"worker {wanted.name!r} was changed meanwhile, by hand or in another window; nothing was changed; "
                "look at it anew and change it again"
            )
        secrets_text(wanted.secrets, besides=wanted.environment)
        secrets_file = old.secrets_file
        if dict(wanted.secrets) != dict(old.secrets):
            secrets_file = new_secrets_file(self._paths, wanted.name) if wanted.secrets else None
        return plan_change(old, wanted, secrets_file, self._paths)

    def _editable(self, worker: WorkerDefinition) -> WorkerDefinition:
        if worker.file is None or worker.file.parent != self._paths.workers:
            raise SupervisorError(
                f"worker {worker.name!r} is defined in '{worker.file}', which PQDesk does not write; change it there "
                "by hand, then run `pqdesk supervisorctl update`"
            )
        return worker

    def has(self, name: str) -> bool:
        return any(one.name == name for one in read_definitions(self._paths).workers)

    def _sections(self, worker: WorkerDefinition, text: str) -> list[str]:
        """The names of a worker's sections as written, in the order of its replicas."""
        assert worker.file is not None
        return [section.name for _, section in replica_sections(text, worker.file)[worker.name]]

    def _refuse_known(self, name: str, file: Path | None) -> None:
        known = next((one for one in read_definitions(self._paths).workers if one.name == name), None)
        if known is not None or (file is not None and file.exists()):
            where = known.file if known is not None else file
            raise SupervisorError(
                f"there is a worker {name!r} already, in '{where}'; nothing was changed; change it with edit-worker, "
                "put this one in its place with add-worker --replace, or choose another name"
            )

    # --- keeping what is removed --------------------------------------------------------------------

    def _keep(self, removed: RemovedWorker) -> None:
        kept = {
            "name": removed.name,
            "file": removed.file.name,
            "text": removed.text,
            "secrets": removed.secrets,
            "secrets_file": removed.secrets_file.name if removed.secrets_file is not None else None,
            "running": removed.running,
        }
        file = self._removed_file(removed.name)
        write_private_file(file, json.dumps(kept, ensure_ascii=False, indent=1))

    def _keep_previous(self, name: str, change: Change) -> None:
        text = ConfigurationText(change.before)
        sections = [one.name for _, one in replica_sections(change.before, change.file)[name]]
        kept = {
            "text": "\n".join(map(text.raw, sections)),
            "secrets": read_secrets(change.kept_secrets),
            "before": change.version,
            "after": self.read(name).version,
        }
        file = self._previous_file(name)
        try:
            older = [one for one in self._kept_previous(name) if one["before"] != kept["before"]]
        except (OSError, ValueError, KeyError, TypeError):
            older = []
        try:
            write_private_file(file, json.dumps([kept, *older[: _MOST_PREVIOUS - 1]], ensure_ascii=False, indent=1))
        except (DiskFull, SupervisorError):
            pass  # the change counts; it cannot be taken back

    def _kept_previous(self, name: str) -> list[dict[str, Any]]:
        """The newest first. Raises OSError, ValueError."""
        return list(load_json(read_plain(self._previous_file(name), _LARGEST_BYTES)))

    def _previous_file(self, name: str) -> Path:
        return self._paths.supervisor / "previous" / f"{name}.json"

    def _file_of(self, name: str) -> Path:
        return self._paths.workers / f"{name}.conf"

    def _removed_file(self, name: str) -> Path:
        return self._paths.removed / f"{name}.json"

    def _lock(self) -> AbstractContextManager[None]:
        return held_lock(self._paths.run / "workers.lock", _LOCK_S, "changing workers")


def _write(file: Path, text: str) -> None:
    """In place of what is there; of a link, what it leads to: somebody keeps it elsewhere on purpose."""
    write_private_file(Path(os.path.realpath(file)), text)


def _text_of(file: Path | None) -> str:
    try:
        return read_secrets_text(file) if file is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""


_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.conf")


def removed_worker(kept: Any, name: str, paths: WorkspacePaths) -> RemovedWorker:
    """The worker `name` in `kept`, which is JSON out of its file.

    Raises ValueError, KeyError, TypeError, SupervisorError: it is not what PQDesk keeps: it would write another
    file, or another worker.
    """
    file, text, secrets, secrets_file = (_text(kept, key) for key in ("file", "text", "secrets", "secrets_file"))
    if kept["name"] != name or not _FILE.fullmatch(file):
        raise ValueError("it is of another worker")
    if secrets_file and not re.fullmatch(re.escape(name) + r"\.[0-9a-f]{8}\.env", secrets_file):
        raise ValueError("its secrets are of another worker")
    if not all(sign and is_variable(word) for word, sign, _ in map(_parted, shlex.split(secrets, comments=True))):
        raise ValueError("its secrets are no variables")
    path = paths.workers / file
    if any(not one.name.startswith("program:") for one in parse_sections(text, path)):
        raise ValueError("it holds other sections")
    workers = list(workers_in(text, path, paths))
    if [one.name for one in workers] != [name]:
        raise ValueError("it holds other workers")
    running = kept["running"]
    if not isinstance(running, list) or not {one.process for one in workers[0].processes}.issuperset(running):
        raise ValueError("it had no such processes")
    return RemovedWorker(
        name=name,
        file=path,
        text=text,
        secrets=secrets,
        secrets_file=paths.secrets / secrets_file if secrets_file else None,
        running=tuple(running),
    )


def _text(kept: Any, key: str) -> str:
    value = kept[key]
    if value is None and key == "secrets_file":
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _parted(word: str) -> tuple[str, str, str]:
    return word.partition("=")
