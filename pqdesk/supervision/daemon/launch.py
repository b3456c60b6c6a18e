"""Starting a workspace's supervisord, once, detached from whoever starts it.

It outlives the window and the terminal: its parent is a shell that ends at once, it has a session of its own, and
nothing of ours stays open in it. Of several starters one starts and the others attach, by a lock in run/.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil

from pqdesk.door import check_workspace
from pqdesk.errors import SupervisorError
from pqdesk.opening import open_plain, read_at_most
from pqdesk.paths import VERSION_VARIABLE, WorkspacePaths
from pqdesk.supervision.daemon.bundled_programs import daemon_command
from pqdesk.supervision.daemon.client import SHUTDOWN_STATE, STOPPING, DaemonDown, Fault, SupervisorClient
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.daemon.known_starts import remember_start
from pqdesk.supervision.definitions.addresses import DaemonAddress, address_of
from pqdesk.supervision.definitions.broken_files import BrokenFiles
from pqdesk.supervision.definitions.reading import definition_files, read_definitions
from pqdesk.supervision.definitions.sections import read_configuration
from pqdesk.supervision.definitions.stopped_by_hand import StoppedByHand
from pqdesk.supervision.definitions.validation import located
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from pqdesk.supervision.processes.trees import end_orphans
from pqdesk.supervision.waiting import held_lock, wait_for
from pqdesk.version import installed_version

_LOCK_S = 30.0
_ANSWER_S = 20.0
_STOPPING_S = 10.0
_BOOT_LOG_BYTES = 64 * 1024

# The shell's child is adopted by the system when the shell ends, so it never becomes a zombie of the window.
_DETACH = '"$@" >/dev/null & echo $!'


def ensure_daemon(paths: WorkspacePaths, *, timeout_s: float = 2.0) -> None:
    """Return when the workspace's supervisord answers: one that runs, or else one that was started here.

    Makes the workspace's folders and its supervisord.conf when they are missing. Before a start, workers that a
    killed supervisord left behind are ended.

    Raises:
        WorkspaceError: Others could have put something into the workspace; see pqdesk.door.
        SupervisorError: It cannot be started, with the reason; or one is there that does not answer.
    """
    check_workspace(paths)
    if _is_answering(address_of(paths), timeout_s):
        return
    with held_lock(paths.run / "supervisord.lock", _LOCK_S, "starting supervisord", "end it, then try again"):
        write_supervisor_configuration(paths)
        address = address_of(paths)
        address.prepare()
        if not _is_answering(address, timeout_s):
            end_orphans(known_sockets(paths, address))
            with BrokenFiles(paths) as broken:
                _start(paths, address, broken, timeout_s)
            remember_start(paths)


def _start(paths: WorkspacePaths, address: DaemonAddress, broken: BrokenFiles, timeout_s: float) -> None:
    """Start it, without the workers' files that it refuses: at its start one such file would keep all from running."""
    while True:
        StoppedByHand(paths).keep_only(read_definitions(paths).programs)
        pid = _launch(address, paths)
        try:
            _wait_until_it_answers(address, pid, paths.boot_log, timeout_s)
        except _Refused as exc:
            if not broken.set_aside(exc.reason):
                raise
        else:
            return


def known_sockets(paths: WorkspacePaths, address: DaemonAddress) -> tuple[Path, ...]:
    """The names that the socket has for workers: through a link, or not."""
    return (address.socket, paths.supervisor / "supervisord.sock", paths.socket)


def end_unreachable(paths: WorkspacePaths, wait_s: float) -> None:
    """End a supervisord of the workspace that does not answer: it still reads its files, or its socket is gone.

    Raises SupervisorError: it has not ended after `wait_s`.
    """
    found = [one for one in psutil.process_iter() if _is_supervisord_of(paths, one)]
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    pids = [process.pid for process in found]
    if not wait_for(lambda: all(map(is_process_gone, pids)), wait_s):
        told = " ".join(str(pid) for pid in pids if not is_process_gone(pid))
        raise SupervisorError(
            f"supervisord (pid {told}) of this workspace is there, does not answer and has not ended; messages are "
            f"unaffected; end it with `kill -9 {told}`, then try again"
        )


def _is_supervisord_of(paths: WorkspacePaths, process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
        if process.uids().real != os.getuid() or not any(os.path.basename(word) == "supervisord" for word in words):
            return False
        named = {os.path.realpath(os.path.join(process.cwd(), word)) for word in words}
    except (psutil.Error, OSError):
        return False  # ended meanwhile, or closed to us
    return os.path.realpath(paths.supervisor_configuration) in named


def is_process_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class _Refused(SupervisorError):
    """It ended at once, for this reason of its own."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"supervisord does not start: {reason}; messages are unaffected; correct that and try again")
        self.reason = reason


@lru_cache(1)
def version_of(pid: int) -> str | None:
    """Which PQDesk started a supervisord, asked of the system once; None when it was by hand, or cannot be told."""
    try:
        return psutil.Process(pid).environ().get(VERSION_VARIABLE)
    except (psutil.Error, OSError):
        return None


def boot_error(log: Path) -> str:
    """What supervisord said on stderr before it gave up, as one line; empty when it said nothing."""
    try:
        with open(log, "rb", buffering=0, opener=open_plain) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _BOOT_LOG_BYTES))
            text = read_at_most(file.fileno(), _BOOT_LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    _, found, error = text.rpartition("Error: ")
    if found:
        return " ".join(error.partition("For help, use")[0].split())
    lines = text.split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _is_answering(address: DaemonAddress, timeout_s: float) -> bool:
    """Whether a supervisord runs there; waits for one that is about to end."""
    client = SupervisorClient(address.socket, timeout_s=timeout_s)

    def is_settled() -> bool:
        answer = client.try_call("supervisor.getState")
        return not (isinstance(answer, Fault) and answer.code == SHUTDOWN_STATE)

    try:
        if not wait_for(is_settled, _STOPPING_S):
            raise SupervisorError(STOPPING)
    except DaemonDown:
        return False
    return True


def _launch(address: DaemonAddress, paths: WorkspacePaths) -> int:
    """Start supervisord; its pid."""
    command = ["/bin/sh", "-c", _DETACH, "sh", *daemon_command(address.configuration)]
    environment = clean_environment(_configuration(paths))
    environment[VERSION_VARIABLE] = installed_version()
    try:
        log = open_plain(paths.boot_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        try:
            started = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,  # errors in the configuration are told there and only there
                cwd=paths.root,
                env=environment,
                start_new_session=True,
                timeout=_ANSWER_S,
                check=True,
            )
        finally:
            os.close(log)
        return int(started.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        raise SupervisorError(f"cannot start supervisord: {exc}; messages are unaffected") from exc


def _configuration(paths: WorkspacePaths) -> Iterator[str]:
    for file in (paths.supervisor_configuration, *definition_files(paths)):
        with suppress(SupervisorError):  # supervisord says what is wrong with it
            yield read_configuration(file)


def _wait_until_it_answers(address: DaemonAddress, pid: int, boot_log: Path, timeout_s: float) -> None:
    has_ended = False

    def is_decided() -> bool:
        nonlocal has_ended
        has_ended = is_process_gone(pid)  # asked first: another one, started by hand, may have been quicker
        try:
            return _is_answering(address, timeout_s) or has_ended
        except SupervisorError:
            return has_ended

    if not wait_for(is_decided, _ANSWER_S):
        raise SupervisorError(
            f"supervisord (pid {pid}) was started and has not answered for {_ANSWER_S:g} s; messages are unaffected; "
            f"see '{boot_log}'"
        )
    if has_ended and not _is_answering(address, timeout_s):
        reason = located(boot_error(boot_log)) or "it ended without a word"
        raise _Refused(reason)
