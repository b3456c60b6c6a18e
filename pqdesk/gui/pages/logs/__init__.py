"""The logs page: the merged log of all workers, or that of one."""

from __future__ import annotations

from pqdesk.gui.pages.logs.logs_page import LogsPage
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink

__all__ = ["LogsPage", "build"]


def build(link: SupervisorLink, theme: Theme) -> LogsPage:
    """The page over this link's log reader, which lives in a thread of its own."""
    return LogsPage(link, theme)
