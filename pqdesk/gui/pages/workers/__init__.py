"""The workers page: every process of the workspace, start and stop, and the log of the selected one."""

from __future__ import annotations

from pqdesk.clock import SystemClock
from pqdesk.gui.pages.workers.workers_page import WorkersPage
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink

__all__ = ["WorkersPage", "build"]


def build(link: SupervisorLink, theme: Theme) -> WorkersPage:
    """The page over this link and its log reader, which live in threads of their own."""
    return WorkersPage(link, theme, SystemClock())
