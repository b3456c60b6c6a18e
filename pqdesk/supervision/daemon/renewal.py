"""supervisord started anew, from the PQDesk of now, with the workers as they were.

supervisord's own restart keeps the process, so after an upgrade it would go on with the old program.
"""

from __future__ import annotations

from pqdesk.errors import SupervisorError
from pqdesk.supervision.daemon.client import DaemonDown
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.processes.control import Control, Progress


def restart_daemon(daemon: Daemon, control: Control, wait_s: float | None, on_progress: Progress | None) -> None:
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
    stopped = control.programs([one.process for one in infos if one.is_settled]) - control.stopped.read()
    control.stopped.add(stopped)
    try:
        control.shutdown(wait_s, on_progress)
        control.ensure_daemon()
    finally:
        control.stopped.discard(stopped)
    up = [one.process for one in infos if one.is_up]
    if up:
        control.start_processes(up)
