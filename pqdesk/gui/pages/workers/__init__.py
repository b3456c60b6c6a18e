"""The workers page: add workers, see each process and the message it holds, control them, read why one fails.

worker_rows       what a row says, worked out from what the threads know (pure), with worker_watch, worker_notices
workers_table     shows them
worker_actions    what can be done to the selected_workers, and why not
worker_dialogs    the dialogs (pqdesk.gui.dialogs) and their questions to the threads
workers_controller joins them with supervisord's link and the reader
"""

from __future__ import annotations

from pqdesk.clock import SystemClock
from pqdesk.gui.pages.workers.workers_page import WorkersPage
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink

__all__ = ["WorkersPage", "build"]


def build(link: SupervisorLink, reader: Reader, theme: Theme, *, has_workspace: bool = True) -> WorkersPage:
    """The page over this link with its log reader and side jobs, and the reader, which live in their threads.

    Without a workspace (the queues are in an application's own file) no worker can be added.
    """
    page = WorkersPage(link, reader, theme, SystemClock())
    if not has_workspace:
        page.forbid_adding()
    return page
