"""Workers as plain supervisor configuration: NAME.conf ↔ WorkerDefinition, and supervisord.conf itself.

One [program:…] section per replica, each its own group, so that scaling restarts nobody (supervisor's numprocs would
restart all). The files are the truth: they work by hand and are read as they are, also those PQDesk did not write.
Writing a definition replaces its whole file.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.addresses import socket_setting, stale_socket_folder
from pqdesk.supervision.commands import kind_of, queues_of
from pqdesk.supervision.files import make_private_folder, write_private_file
from pqdesk.supervision.quoting import check_worker_name, quote_command, quote_environment, split_environment
from pqdesk.supervision.records import RestartPolicy, WorkerKind
from pqdesk.supervision.sections import Section, read_sections

MOST_REPLICAS = 500

_REPLICA = re.compile(r"(.+)-([1-9][0-9]*)")

_SUPERVISORD = """\
; supervisord of this PQDesk workspace; plain supervisor configuration (http://supervisord.org), works by hand too:
;   supervisord -c supervisor/supervisord.conf          (goes to the background)
;   supervisorctl -c supervisor/supervisord.conf status
; Workers are in workers/*.conf.

[unix_http_server]
file={socket_folder}/supervisord.sock
chmod=0700

[supervisord]
nodaemon=false
nocleanup=true
umask=077
logfile=%(here)s/../logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=3
pidfile={socket_folder}/supervisord.pid
childlogdir=%(here)s/../logs
identifier=pqdesk
minfds=256
minprocs=50

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket_folder}/supervisord.sock

[include]
files=workers/*.conf
"""

_WORKER = """\
; A worker of this PQDesk workspace: plain supervisor configuration, a section per process. After a change by hand,
; stop and start the worker, or run supervisorctl update.
"""

# TERM goes to a consumer or producer alone, which then finishes what it has in hand; a command may be a shell script
# whose children have to be told too. What is left after stopwaitsecs is killed with all its children.
_PROGRAM = """\
[program:{process}]
command={command}
directory=%(here)s/../..
environment={environment}
umask=022
autostart={autostart}
startsecs={start_s}
startretries=1000000
autorestart={autorestart}
exitcodes=0
stopsignal=TERM
stopwaitsecs={stop_wait_s}
stopasgroup={stopasgroup}
killasgroup=true
stdout_logfile=%(here)s/../../logs/{process}.out.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=3
stderr_logfile=%(here)s/../../logs/{process}.err.log
stderr_logfile_maxbytes=1MB
stderr_logfile_backups=3
"""


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """One process of a worker, as its file has it.

    Attributes:
        process: supervisord's name for it: `NAME`, or `group:process` where the two differ.
    """

    process: str
    replica: int
    stdout_log: Path
    stderr_log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDefinition:
    """A worker: what it runs, how often and how.

    Attributes:
        name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, not ending in `-` and digits, not `all`.
        command: Program and arguments; no shell reads them.
        is_autostart: Starts with supervisord.
        environment: Besides PQDESK_WORKSPACE, which is always set. Anybody who may read the file sees it.
        secrets: More of it, kept in a file of their own (0600), not in the .conf file and in no list of processes.
            Values may hold anything but NUL. Not in repr().
        folder: Where it runs, an absolute path; None is the workspace.
        restart: After which ends supervisord starts it again; usual_restart() has a proposal.
        stop_signal: The name, without SIG, of the signal that asks it to end.
        stop_wait_s: How long it may take to end after that before it is killed.
        start_s: How long it must stay up to count as started.
        log_bytes, log_backups: Size at which each log file is rotated (0: never), and how many old ones are kept.
        processes: As read from a file; empty in a definition that is to be written.
        file: Where it was read from.
        version: Names the state of the file as read; Supervision.change() refuses when it is another by then.
    """

    name: str
    command: tuple[str, ...]
    replicas: int = 1
    is_autostart: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    restart: RestartPolicy = "if it fails"
    stop_signal: str = "TERM"
    stop_wait_s: int = 30
    start_s: int = 3
    log_bytes: int = 1024 * 1024
    log_backups: int = 3
    processes: tuple[ProcessDefinition, ...] = ()
    file: Path | None = None
    version: str | None = None

    @property
    def kind(self) -> WorkerKind:
        """By what it runs: `pqdesk consume …`, `pqdesk produce …`, or anything else."""
        return kind_of(self.command)

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues named in a `pqdesk consume` or `pqdesk produce` command."""
        return queues_of(self.command)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All workers of a workspace, by name, and what is wrong with its files, a sentence each."""

    workers: tuple[WorkerDefinition, ...]
    problems: tuple[str, ...] = ()


def process_names(name: str, replicas: int) -> tuple[str, ...]:
    """NAME, NAME-2, NAME-3 …"""
    return (name, *(f"{name}-{number}" for number in range(2, replicas + 1)))


def definition_text(definition: WorkerDefinition) -> str:
    """`definition` as the text of its file.

    Raises:
        InvalidInput: A name, number or value that the file cannot hold.
    """
    check_worker_name(definition.name)
    _check_number(definition, "replicas", 1, MOST_REPLICAS)
    _check_number(definition, "stop_wait_s", 0, 86_400)
    _check_number(definition, "start_s", 0, 86_400)
    others = {name: value for name, value in definition.environment.items() if name != WORKSPACE_VARIABLE}
    environment = f'{WORKSPACE_VARIABLE}="%(here)s/../.."'
    values = {
        "command": quote_command(definition.command),
        "environment": ",".join(filter(None, (environment, quote_environment(others)))),
        "autostart": str(definition.is_autostart).lower(),
        "autorestart": "true" if _runs_for_ever(definition) else "unexpected",
        "start_s": definition.start_s,
        "stop_wait_s": definition.stop_wait_s,
        "stopasgroup": str(definition.kind == "command").lower(),
    }
    names = process_names(definition.name, definition.replicas)
    return "\n".join((_WORKER, *(_PROGRAM.format(process=process, **values) for process in names)))


def _runs_for_ever(definition: WorkerDefinition) -> bool:
    """Whether it never ends by itself, so that a plain `kill`, after which it exits with 0, is no end either."""
    return definition.kind == "consumer" and "--drain" not in definition.command


def write_definition(paths: WorkspacePaths, definition: WorkerDefinition) -> Path:
    """Write `definition` to its NAME.conf, in place of what is there; supervisord reads it at its next start or reload.

    Raises:
        InvalidInput: The definition cannot be written as configuration; nothing was changed.
        SupervisorError: The file cannot be written; nothing was changed.
    """
    text = definition_text(definition)
    make_private_folder(paths.workers)
    make_private_folder(paths.logs)  # supervisord refuses a log in a folder that is not there
    file = paths.workers / f"{definition.name}.conf"
    write_private_file(file, text)
    return file


def write_supervisor_configuration(paths: WorkspacePaths) -> Path:
    """Write the workspace's supervisord.conf if there is none, and make the folders that it names.

    One that was copied along from a workspace with a long path is led away from that one's socket.

    Raises:
        SupervisorError: The file or a folder cannot be made.
    """
    make_private_folder(paths.workers)
    make_private_folder(paths.logs)
    file = paths.supervisor_configuration
    stale_folder = stale_socket_folder(paths)
    if not file.exists():
        write_private_file(file, _SUPERVISORD.format(socket_folder=socket_setting(paths)))
    elif stale_folder is not None:
        write_private_file(file, file.read_text(encoding="utf-8").replace(stale_folder, socket_setting(paths)))
    return file


def read_definitions(paths: WorkspacePaths) -> Definitions:
    """The workers in workers/*.conf and in supervisord.conf itself, whoever wrote them.

    A file that cannot be read becomes a problem; the workers of the others are there all the same.
    """
    workers: list[WorkerDefinition] = []
    problems: list[str] = []
    for file in (paths.supervisor_configuration, *definition_files(paths)):
        try:
            workers += _workers_of(file, paths)
        except SupervisorError as exc:
            problems.append(str(exc))
    return Definitions(tuple(sorted(workers, key=lambda worker: worker.name)), tuple(problems))


def definition_files(paths: WorkspacePaths) -> tuple[Path, ...]:
    """The files in workers/ that supervisord includes, in its order. Empty when there is no such folder."""
    try:
        names = sorted(os.listdir(paths.workers))
    except OSError:
        return ()
    return tuple(paths.workers / name for name in names if name.endswith(".conf") and not name.startswith("."))


def _check_number(definition: WorkerDefinition, what: str, least: int, most: int) -> None:
    value = getattr(definition, what)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{what} of worker {definition.name!r} is {value!r}; use a whole number, {least} to {most}")


def _workers_of(file: Path, paths: WorkspacePaths) -> Iterator[WorkerDefinition]:
    if file == paths.supervisor_configuration and not file.exists():
        return
    sections = {
        one.name.partition(":")[2].strip(): one for one in read_sections(file) if one.name.startswith("program:")
    }
    replicas: dict[str, list[tuple[int, Section]]] = {}
    for program, section in sections.items():
        match = _REPLICA.fullmatch(program)
        if match and match[1] in sections:
            replicas.setdefault(match[1], []).append((int(match[2]), section))
        else:
            replicas.setdefault(program, []).append((1, section))
    for name, found in replicas.items():
        yield _worker(name, sorted(found, key=lambda one: one[0]), file, paths)


def _worker(name: str, replicas: Sequence[tuple[int, Section]], file: Path, paths: WorkspacePaths) -> WorkerDefinition:
    section = replicas[0][1]
    if "command" not in section.values:
        raise SupervisorError(
            f"'{file}' names no command for worker {name!r}; supervisord does not start until it does"
        )
    processes = tuple(one for number, replica in replicas for one in _processes(replica, number, paths))
    return WorkerDefinition(
        name=name,
        command=_split_command(section.get("command")),
        replicas=len(processes),
        is_autostart=section.is_on("autostart", default=True),
        environment=_environment_of(section),
        stop_wait_s=section.number("stopwaitsecs", 10),
        start_s=section.number("startsecs", 1),
        processes=processes,
        file=file,
    )


def _processes(section: Section, replica: int, paths: WorkspacePaths) -> Iterator[ProcessDefinition]:
    """One, or several where the section uses supervisor's own numprocs."""
    program = section.name.partition(":")[2].strip()
    first, count = section.number("numprocs_start", 0), max(1, min(section.number("numprocs", 1), MOST_REPLICAS))
    for number in range(first, first + count):
        known = {"process_num": number, "numprocs": count}
        process = section.get("process_name", program, **known)
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
    try:
        variables = split_environment(section.get("environment"))
    except ValueError:
        return {}
    variables.pop(WORKSPACE_VARIABLE, None)
    return variables
