"""supervisord started anew, from the PQDesk of now, with the workers as they were.

supervisord's own restart keeps the process, so after an upgrade it would go on with the old program.
"""

from __future__ import annotations

from collections.abc import Sequence

from pqdesk.errors import SupervisorError
from pqdesk.supervision.client import DaemonDown
from pqdesk.supervision.control import Control, Progress
from pqdesk.supervision.planning import Change
from pqdesk.supervision.processes import Daemon
from pqdesk.supervision.replicas import ProcessInfo
from pqdesk.supervision.worker_files import WorkerFiles


def restart_daemon(
    daemon: Daemon, control: Control, files: WorkerFiles, wait_s: float | None, on_progress: Progress | None
) -> None:
    """Stop all workers and supervisord, start it and what was up. What was stopped stays so.

    Raises:
        SupervisorError: It is not the workspace's own; or as Control.shutdown() and ensure_daemon().
    """
    try:
        if daemon.is_foreign():
            raise SupervisorError(
                "the supervisord that runs here was started on another configuration than this workspace's; restart "
                "it where it was started"
            )
        infos = daemon.infos()
    except DaemonDown:
        control.ensure_daemon()
        return
    held = _hold_stopped(infos, files)
    try:
        control.shutdown(wait_s, on_progress)
        control.ensure_daemon()
    finally:
        for change in held:
            files.take_back(change)
    up = [one.process for one in infos if one.is_up]
    if up:
        control.start_processes(up)


def _hold_stopped(infos: Sequence[ProcessInfo], files: WorkerFiles) -> list[Change]:
    """Let what was stopped on purpose not start with supervisord, this once; what has to be taken back."""
    stopped = {one.group for one in infos if one.is_settled}
    return [files.set_autostart(sections, False, file) for file, sections in files.autostarting(stopped) if sections]
