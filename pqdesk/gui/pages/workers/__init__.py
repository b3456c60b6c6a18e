"""The workers page: add workers, see each process and the message it holds, control them, read why one fails.

worker_rows       what a row says, worked out from what the threads know (pure), with worker_watch, worker_notices
workers_table     shows them
worker_actions    what can be done to the selected_workers, and why not
worker_dialogs    the dialogs (pqdesk.gui.dialogs) and their questions to the threads
workers_controller joins them with supervisord's link and the reader
"""

from __future__ import annotations

from pqdesk.gui.pages.workers.workers_page import WorkersPage

__all__ = ["WorkersPage"]
