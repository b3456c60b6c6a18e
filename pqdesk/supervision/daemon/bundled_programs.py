"""supervisord and supervisorctl, the programs, inside PQDesk's own."""

from __future__ import annotations

import getopt
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pqdesk.bundle import path_with_program, program_command
from pqdesk.door import check_workspace
from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths, choose_workspace
from pqdesk.supervision.definitions.addresses import address_of

_WITHOUT_CONFIGURATION = {"-c", "--configuration", "-h", "-?", "--help", "-v", "--version"}

_DAEMON_LONG = (
    "help configuration= version nodaemon user= umask= directory= logfile= logfile_maxbytes= logfile_backups= "
    "loglevel= pidfile= identifier= childlogdir= minfds= minprocs= nocleanup strip_ansi profile_options= silent"
)
# As in supervisor/options.py 4.3, for getopt.
_OPTIONS = {
    "supervisord": ("h?c:vnu:m:d:l:y:z:e:j:i:q:a:kts", _DAEMON_LONG),
    "supervisorctl": ("h?c:is:u:p:r:", "help configuration= interactive serverurl= username= password= history="),
}


def supervisord(args: Sequence[str], paths: WorkspacePaths | None = None) -> int:
    """Be supervisord, with its own options; on the workspace's configuration when no `-c` is given. Its exit status.

    Raises:
        SupervisorError: supervisor is not installed, or the workspace has no configuration.
        WorkspaceError: The workspace is refused at the door.
    """
    os.environ["PATH"] = path_with_program(os.environ)
    os.umask(0o077)  # its logs are for this user; workers get what their configuration says
    return _be("supervisord", args, paths)


def supervisorctl(args: Sequence[str], paths: WorkspacePaths | None = None) -> int:
    """The same of supervisorctl; on the workspace's configuration when neither `-c` nor `-s` is given."""
    return _be("supervisorctl", args, paths)


def daemon_command(configuration: Path) -> list[str]:
    """How to start supervisord in the foreground on `configuration`: this program again."""
    return program_command("supervisord", "-n", "-c", str(configuration))


def _be(program: str, args: Sequence[str], paths: WorkspacePaths | None) -> int:
    try:
        if program == "supervisord":
            from supervisor.supervisord import main
        else:
            from supervisor.supervisorctl import main
    except ModuleNotFoundError as exc:
        raise SupervisorError(
            f"{program} is not installed; queues and messages are unaffected; install it with "
            "`pip install 'pqdesk[workers]'`"
        ) from exc
    arguments = _with_configuration(args, program, paths)
    sys.argv[0] = program  # what it calls itself in its messages
    try:
        main(arguments)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0


def _with_configuration(args: Sequence[str], program: str, paths: WorkspacePaths | None) -> list[str]:
    if _needs_no_configuration(args, program):
        return list(args)
    paths = paths or choose_workspace()
    check_workspace(paths)
    if not paths.supervisor_configuration.exists():
        raise SupervisorError(
            f"workspace '{paths.root}' has no supervisor/supervisord.conf yet; make it with `pqdesk start all`, or "
            "name one with -c"
        )
    address = address_of(paths)
    address.prepare()
    return ["-c", str(address.configuration), *args]


def _needs_no_configuration(args: Sequence[str], program: str) -> bool:
    short, long = _OPTIONS[program]
    try:
        given, _ = getopt.getopt(list(args), short, long.split())
    except getopt.GetoptError:
        return True  # the program itself says what is wrong with them
    names = {name for name, _ in given}
    return not names.isdisjoint(_WITHOUT_CONFIGURATION) or (
        program == "supervisorctl" and bool(names & {"-s", "--serverurl"})
    )
