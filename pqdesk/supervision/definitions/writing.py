"""Workers as plain supervisor configuration: NAME.conf ↔ WorkerDefinition, and supervisord.conf itself.

One [program:…] section per replica, each its own group, so that scaling restarts nobody (supervisor's numprocs would
restart all). The files are the truth: they work by hand and are read as they are, also those PQDesk did not write.
Changing a worker in place is in worker_files.py; reading.py is the other direction.
"""

from __future__ import annotations

import signal
from dataclasses import fields
from pathlib import Path

from pqdesk.errors import InvalidInput
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.definitions.addresses import socket_setting, stale_socket_folder
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import WorkerDefinition, process_names
from pqdesk.supervision.definitions.quoting import check_worker_name, quote_command, quote_environment, quote_folder
from pqdesk.supervision.definitions.reading import USUAL_FILES
from pqdesk.supervision.definitions.secret_files import new_secrets_file, secrets_setting, secrets_text
from pqdesk.supervision.definitions.sections import read_configuration
from pqdesk.supervision.private_files import make_private_folder, write_private_file
from pqdesk.worker_options import RUN_OPTIONS

_HEAD = """\
; A worker of this PQDesk workspace: plain supervisor configuration, a section per process. After a change by hand,
; stop and start the worker, or run supervisorctl update.
"""
# In the order of the file. TERM goes to a consumer or producer alone, which then finishes what it has in hand; a
# command may be a shell script whose children have to be told too. What is left after stopwaitsecs is killed with its
# children.
_KEYS = (
    *("command", "directory", "environment", "umask", "autostart", "startsecs", "startretries", "autorestart"),
    *("exitcodes", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup"),
    *("stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups"),
    *("stderr_logfile", "stderr_logfile_maxbytes", "stderr_logfile_backups"),
)
_FIXED = {"umask": "022", "exitcodes": "0", "killasgroup": "true"}
START_KEYS = ("startsecs", "startretries")
_OF_FIELD = {
    "command": ("command", "stopasgroup"),
    "secrets": ("command",),
    "folder": ("directory",),
    "environment": ("environment",),
    "is_autostart": ("autostart",),
    "start_s": ("startsecs",),
    "restart": ("autorestart", *START_KEYS),
    "stop_signal": ("stopsignal",),
    "stop_wait_s": ("stopwaitsecs",),
    "log_bytes": ("stdout_logfile_maxbytes", "stderr_logfile_maxbytes"),
    "log_backups": ("stdout_logfile_backups", "stderr_logfile_backups"),
}
_RESTARTS = {"always": "true", "if it fails": "unexpected", "never": "false"}


def check_definition(definition: WorkerDefinition) -> None:
    """Raises InvalidInput for a name, number or word that cannot be; quoting tells the rest."""
    check_worker_name(definition.name)
    for row in RUN_OPTIONS:
        value = getattr(definition, row.field)
        if row.form == "number" and (type(value) is not int or not row.least <= value <= row.most):
            raise InvalidInput(
                f"{row.field} of worker {definition.name!r} is {value!r}; use a whole number, {row.least} to {row.most}"
            )
    if definition.restart not in _RESTARTS:
        words = ", ".join(map(repr, _RESTARTS))
        raise InvalidInput(f"restart of worker {definition.name!r} is {definition.restart!r}; use one of {words}")
    if f"SIG{definition.stop_signal}" not in signal.Signals.__members__:
        raise InvalidInput(
            f"stop signal of worker {definition.name!r} is {definition.stop_signal!r}; use a name such as TERM or INT"
        )


def definition_text(definition: WorkerDefinition, secrets_file: Path | None = None) -> str:
    """`definition` as the text of its file; `secrets_file` is where its secrets are, or will be.

    Raises InvalidInput: a name, number or value that the file cannot hold.
    """
    check_definition(definition)
    names = process_names(definition.name, definition.replicas)
    return "\n".join((_HEAD, *(section_text(process, definition, secrets_file) for process in names)))


def section_text(process: str, definition: WorkerDefinition, secrets_file: Path | None) -> str:
    """The section of one process."""
    values = {**_FIXED, **_values(definition, secrets_file), **log_settings(process)}
    return "".join((f"[program:{process}]\n", *(f"{key}={values[key]}\n" for key in _KEYS)))


def log_settings(process: str) -> dict[str, str]:
    """The keys that differ from replica to replica."""
    return {
        f"{stream}_logfile": f"%(here)s/../../logs/{process}.{end}.log"
        for stream, end in (("stdout", "out"), ("stderr", "err"))
    }


def changed_settings(old: WorkerDefinition, new: WorkerDefinition, secrets_file: Path | None) -> dict[str, str]:
    """The keys whose values are others in `new`; what is the same stays as it was written.

    Raises InvalidInput: a value that the file cannot hold.
    """
    changed = [one.name for one in fields(new) if getattr(old, one.name) != getattr(new, one.name)]
    keys = {key for name in changed for key in _OF_FIELD.get(name, ())}
    if old.kind == new.kind:
        keys.discard("stopasgroup")
    values = _values(new, secrets_file)
    return {key: values[key] for key in _KEYS if key in keys}


def _values(definition: WorkerDefinition, secrets_file: Path | None) -> dict[str, str]:
    others = {name: value for name, value in definition.environment.items() if name != WORKSPACE_VARIABLE}
    environment = f'{WORKSPACE_VARIABLE}="%(here)s/../.."'
    wrap = secrets_setting(secrets_file) if definition.secrets and secrets_file is not None else ""
    return {
        "command": wrap + quote_command(definition.command),
        "directory": "%(here)s/../.." if definition.folder is None else quote_folder(definition.folder),
        "environment": ",".join(filter(None, (environment, quote_environment(others)))),
        "autostart": str(definition.is_autostart).lower(),
        "autorestart": _RESTARTS[definition.restart],
        **start_settings(definition),
        "stopsignal": definition.stop_signal,
        "stopwaitsecs": str(definition.stop_wait_s),
        "stopasgroup": str(definition.kind == "command").lower(),
        **{f"{stream}_logfile_maxbytes": _size(definition.log_bytes) for stream in ("stdout", "stderr")},
        **{f"{stream}_logfile_backups": str(definition.log_backups) for stream in ("stdout", "stderr")},
    }


def start_settings(definition: WorkerDefinition) -> dict[str, str]:
    """What makes supervisord keep to the policy however short a run was (supervisor/process.py, finish()).

    It takes an end within startsecs for a failed start and tries again, whatever `autorestart` says and with whatever
    code the program ended. With 0 each end is judged by its code; only what is to run for ever can have it otherwise.
    """
    return {
        "startsecs": str(definition.start_s if definition.restart == "always" else 0),
        "startretries": "0" if definition.restart == "never" else "1000000",
    }


def _size(count: int) -> str:
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)


_SUPERVISORD = """\
; supervisord of this PQDesk workspace; plain supervisor configuration (http://supervisord.org), works by hand too:
;   supervisord -c supervisor/supervisord.conf          (goes to the background)
;   supervisorctl -c supervisor/supervisord.conf status
; Workers are in workers/*.conf, those that somebody stopped are named in stopped.conf.

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
files=workers/*.conf stopped.conf
"""


def write_definition(paths: WorkspacePaths, definition: WorkerDefinition) -> Path:
    """Write `definition` to its NAME.conf, in place of what is there; supervisord reads it at its next start or reload.

    Raises:
        InvalidInput: The definition cannot be written as configuration; nothing was changed.
        DiskFull, SupervisorError: The file cannot be written; nothing was changed.
    """
    secret = secrets_text(definition.secrets, besides=definition.environment)
    secrets_file = new_secrets_file(paths, definition.name) if definition.secrets else None
    text = definition_text(definition, secrets_file)
    make_private_folder(paths.logs)  # supervisord refuses a log in a folder that is not there
    if secrets_file is not None:
        write_private_file(secrets_file, secret)
    file = paths.workers / f"{definition.name}.conf"
    write_private_file(file, text)
    return file


def write_supervisor_configuration(paths: WorkspacePaths) -> Path:
    """Write the workspace's supervisord.conf if there is none, and make the folders that it names.

    One that was copied along from a workspace with a long path is led away from that one's socket. Raises
    SupervisorError: the file or a folder cannot be made.
    """
    make_private_folder(paths.workers)
    make_private_folder(paths.logs)
    file = paths.supervisor_configuration
    stale_folder = stale_socket_folder(paths)
    if not file.exists():
        write_private_file(file, _SUPERVISORD.format(socket_folder=socket_setting(paths)))
        return file
    before = read_configuration(file)
    text = before if stale_folder is None else before.replace(stale_folder, socket_setting(paths))
    text = _with_stopped(text)
    if text != before:
        write_private_file(file, text)
    return file


def _with_stopped(text: str) -> str:
    """The same with what was stopped by hand included, if that is of before there was such a thing."""
    known = ConfigurationText(text)
    for name, value, _ in known.options("include"):
        if name == "files" and value.split() == [USUAL_FILES[0]]:
            known.set("include", {"files": " ".join(USUAL_FILES)})
    return known.text
