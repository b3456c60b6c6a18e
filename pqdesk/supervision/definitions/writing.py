"""Workers as plain supervisor configuration: NAME.conf ↔ WorkerDefinition, and supervisord.conf itself.

One [program:…] section per replica, each its own group, so that scaling restarts nobody (supervisor's numprocs would
restart all). The files are the truth: they work by hand and are read as they are, also those PQDesk did not write.
Changing a worker in place is in worker_files.py; reading.py and rendering.py are the two directions.
"""

from __future__ import annotations

from pathlib import Path

from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.addresses import socket_setting, stale_socket_folder
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.rendering import definition_text
from pqdesk.supervision.definitions.secret_files import new_secrets_file, secrets_text
from pqdesk.supervision.definitions.sections import read_configuration
from pqdesk.supervision.definitions.stopped_by_hand import FILE_NAME as STOPPED
from pqdesk.supervision.private_files import make_private_folder, write_private_file

_WORKERS = "workers/*.conf"
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
        if name == "files" and value.split() == [_WORKERS]:
            known.set("include", {"files": f"{_WORKERS} {STOPPED}"})
    return known.text
