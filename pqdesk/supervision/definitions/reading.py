"""Workers as their files have them, whoever wrote these."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import USUAL_START_S, Definitions, ProcessDefinition, WorkerDefinition
from pqdesk.supervision.definitions.secret_files import read_secrets, unwrap
from pqdesk.supervision.definitions.sections import Section, parse_sections, read_configuration, read_sections
from pqdesk.supervision.definitions.stopped_by_hand import FILE_NAME as STOPPED
from pqdesk.supervision.definitions.validation import (
    check_names,
    check_sections,
    clash_of,
    problem_of,
    process_names_of,
    unusable,
)
from pqdesk.supervision.records import RestartPolicy
from pqdesk.worker_checks import check_size, signal_called
from pqdesk.worker_options import MOST_REPLICAS

USUAL_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"
USUAL_FILES = ("workers/*.conf", STOPPED)
_REPLICA = re.compile(r"(.+)-([1-9][0-9]{0,8})")
_ON, _OFF = ("yes", "true", "on", "1"), ("no", "false", "off", "0")  # supervisor/datatypes.py


def read_definitions(paths: WorkspacePaths) -> Definitions:
    """The workers in workers/*.conf and in supervisord.conf itself, whoever wrote them.

    A file that cannot be used becomes a problem; the workers of the others are there all the same.
    """
    read: dict[Path, tuple[Section, ...]] = {}
    texts: dict[Path, str] = {}
    found: dict[Path, list[WorkerDefinition]] = {}
    unfit: dict[Path, str] = {}
    for file in (paths.supervisor_configuration, *definition_files(paths)):
        if file == paths.supervisor_configuration and not file.exists():
            continue
        try:
            texts[file] = text = read_configuration(file)
            found[file] = list(workers_in(text, file, paths))
            read[file] = parse_sections(text, file)
        except SupervisorError as exc:
            unfit[file] = str(exc)
    while (clash := clash_of(read, paths)) is not None:
        file, section, wrong = clash
        unfit[file] = str(unusable(file, ConfigurationText(texts[file]), section, wrong))
        del read[file], found[file]  # what others say of its programs is wrong now
    workers = sorted((one for some in found.values() for one in some), key=lambda worker: worker.name)
    warnings = tuple(warning for one in workers if (warning := _policy_warning(one)) is not None)
    return Definitions(tuple(workers), {file: unfit[file] for file in sorted(unfit)}, warnings)


def beside_workers(paths: WorkspacePaths) -> Iterator[WorkerDefinition]:
    """What supervisord.conf has supervisord run, import or read besides workers, to be shown with them."""
    try:
        sections = read_sections(paths.supervisor_configuration)
    except SupervisorError:
        return
    for one in sections:
        match one.name.partition(":")[0]:
            case "eventlistener" | "fcgi-program":
                command = _split_command(one.get("command"))
            case "rpcinterface" if (factory := one.get("supervisor.rpcinterface_factory")) != USUAL_FACTORY:
                command = ("import", factory)
            case "include":
                command = tuple(file for file in one.get("files").split() if file not in USUAL_FILES)
            case _:
                command = ()
        if handler := one.get("result_handler"):
            yield WorkerDefinition(name=one.name, command=("import", handler))
        if command:
            yield WorkerDefinition(name=one.name, command=command)


def definition_files(paths: WorkspacePaths) -> tuple[Path, ...]:
    """The files in workers/ that supervisord includes, in its order. Empty when there is no such folder."""
    try:
        names = sorted(os.listdir(paths.workers))
    except OSError:
        return ()
    return tuple(paths.workers / name for name in names if name.endswith(".conf") and not name.startswith("."))


def workers_in(text: str, file: Path, paths: WorkspacePaths) -> Iterator[WorkerDefinition]:
    """The workers that `file` defines when `text` is what it holds. Raises SupervisorError."""
    raw = ConfigurationText(text)
    if file != paths.supervisor_configuration:  # which is whoever wrote it by hand's own
        check_sections(parse_sections(text, file), raw, file)
    for name, sections in replica_sections(text, file).items():
        count = 0
        for _, section in sections:
            problem = problem_of(section, raw)
            if problem is not None:
                line, wrong = problem
                raise SupervisorError(f"'{file}', line {line}, {wrong}; supervisord does not take the file; correct it")
            names = process_names_of(section)
            check_names((section.program, *names), section, raw, file)
            count += len(names)
            if count > MOST_REPLICAS:
                raise unusable(file, raw, section, f"worker {name!r} has more than {MOST_REPLICAS} processes")
        yield _worker(name, sections, raw, file, paths)


def replica_sections(text: str, file: Path) -> dict[str, list[tuple[int, Section]]]:
    """By worker, the number and the section of each replica, the first first. Raises SupervisorError.

    Replicas do the same: NAME-2 with another command, or in another folder, is a worker of its own.
    """
    programs = {one.program: one for one in parse_sections(text, file) if one.name.startswith("program:")}
    replicas: dict[str, list[tuple[int, Section]]] = {}
    for program, section in programs.items():
        match = _REPLICA.fullmatch(program)
        first = programs.get(match[1]) if match else None
        if (
            match
            and first
            and all(first.values.get(one) == section.values.get(one) for one in ("command", "directory"))
        ):
            replicas.setdefault(match[1], []).append((int(match[2]), section))
        else:
            replicas.setdefault(program, []).append((1, section))
    return {name: sorted(found, key=lambda one: one[0]) for name, found in replicas.items()}


def _worker(
    name: str, replicas: Sequence[tuple[int, Section]], raw: ConfigurationText, file: Path, paths: WorkspacePaths
) -> WorkerDefinition:
    section = replicas[0][1]
    command, secrets_file = unwrap(_split_command(section.get("command")), section.folder)
    written = [raw.raw(one.name) for _, one in replicas]
    return WorkerDefinition(
        name=name,
        command=command,
        processes=(processes := tuple(one for number, each in replicas for one in _processes(each, number, paths))),
        replicas=len(processes),
        is_autostart=section.is_on("autostart", default=True),
        environment=_environment_of(section),
        secrets=read_secrets(secrets_file),
        folder=_folder_of(section, paths),
        restart=_restart_of(section),
        stop_signal=_signal_of(section),
        stop_wait_s=section.number("stopwaitsecs", 10),
        start_s=_start_s_of(section),
        log_bytes=_log_bytes_of(section),
        log_backups=section.number("stdout_logfile_backups", 10),
        file=file,
        secrets_file=secrets_file,
        breaks_policy=any(_breaks_policy(one) for _, one in replicas),
        version=_version_of(written),
    )


def _version_of(written: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(written).encode()).hexdigest()[:16]


def _processes(section: Section, replica: int, paths: WorkspacePaths) -> Iterator[ProcessDefinition]:
    """One, or several where the section uses supervisor's own numprocs."""
    program = section.program
    first, count = section.number("numprocs_start", 0), max(1, section.number("numprocs", 1))
    for number, process in enumerate(process_names_of(section), first):
        known = {"process_num": number, "numprocs": count}
        yield ProcessDefinition(
            process=program if process == program else f"{program}:{process}",
            replica=replica + number - first,
            stdout_log=_log_of(section, "stdout_logfile", paths.logs / f"{process}.out.log", known),
            stderr_log=_log_of(section, "stderr_logfile", paths.logs / f"{process}.err.log", known),
        )


def _log_of(section: Section, option: str, default: Path, known: Mapping[str, object]) -> Path:
    written = section.get(option, "AUTO", **known)
    if written.lower() in ("auto", "none", "off", "syslog"):
        return default
    return Path(os.path.normpath(section.folder / written))


def _split_command(written: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(written))
    except ValueError:
        return (written,)  # supervisord cannot split it either, and says so when it is started


def _environment_of(section: Section) -> dict[str, str]:
    return {name: value for name, value in section.environment().items() if name != WORKSPACE_VARIABLE}


def _folder_of(section: Section, paths: WorkspacePaths) -> Path | None:
    written = section.get("directory")
    if not written:
        return None  # supervisord's own, which is the workspace when PQDesk has started it
    folder = Path(os.path.normpath(section.folder / written))
    return None if folder in (paths.root, Path(os.path.normpath(section.folder / "../.."))) else folder


def _restart_of(section: Section) -> RestartPolicy:
    written = section.get("autorestart", "unexpected").lower()
    return "always" if written in _ON else "never" if written in _OFF else "if it fails"


def _start_s_of(section: Section) -> int:
    """As writing.start_settings() writes it: without meaning but for a worker that is always started again."""
    has_meaning = _restart_of(section) == "always" or _breaks_policy(section)
    return section.number("startsecs", 1) if has_meaning else USUAL_START_S


def _breaks_policy(section: Section) -> bool:
    """Whether supervisord would run again, as a failed start, what its policy wants to have ended."""
    is_final = _restart_of(section) != "always"
    return is_final and section.number("startsecs", 1) > 0 and section.number("startretries", 3) > 0


def _policy_warning(worker: WorkerDefinition) -> str | None:
    if not worker.breaks_policy:
        return None
    word = worker.restart.replace(" ", "-")
    return (
        f"worker {worker.name!r} is started again although its policy is {worker.restart!r}: supervisord takes an end "
        f"within startsecs for a failed start; write startsecs=0 in '{worker.file}', or run "
        f"`pqdesk edit-worker {worker.name} --restart {word}`"
    )


def _signal_of(section: Section) -> str:
    found = (
        signal_called(section.get("stopsignal", "TERM")) or signal.SIGTERM
    )  # supervisord refuses the file: it says why
    return found.name.removeprefix("SIG")


def _log_bytes_of(section: Section) -> int:
    try:
        return check_size(section.get("stdout_logfile_maxbytes", "50MB"))
    except InvalidInput:
        return 50 * 1024**2


ALL = "all"

_Signature = tuple[tuple[Path, int, int, int], ...]


class ConfiguredWorkers:
    """Reads the definitions for one who asks twice a second. Belongs to one thread."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._seen: _Signature | None = None
        self._definitions = Definitions(())

    def read(self) -> Definitions:
        signature = tuple(map(_state_of, (self._paths.supervisor_configuration, *definition_files(self._paths))))
        if signature != self._seen:
            self._definitions, self._seen = read_definitions(self._paths), signature
        return self._definitions

    def workers_of_processes(self) -> dict[str, str]:
        """By supervisord's name for each process, the worker that it belongs to."""
        return {process.process: worker.name for worker in self.read().workers for process in worker.processes}

    def policies(self) -> dict[str, RestartPolicy]:
        """By supervisord's name for each process, after which ends it is started again."""
        return {process.process: worker.restart for worker in self.read().workers for process in worker.processes}

    def longest_stop_s(self) -> float:
        """How long a process may take to stop before supervisord kills it, at most."""
        return max((worker.stop_wait_s for worker in self.read().workers), default=10)

    def file_of(self, process: str) -> Path | None:
        """Where a process is defined."""
        return next(
            (one.file for one in self.read().workers if process in (each.process for each in one.processes)), None
        )


def _state_of(file: Path) -> tuple[Path, int, int, int]:
    try:
        info = os.stat(file)
    except OSError:
        return file, 0, 0, 0
    return file, info.st_mtime_ns, info.st_size, info.st_ino
