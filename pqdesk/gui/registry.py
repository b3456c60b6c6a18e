"""The pages of the window, in the order of the sidebar and of Ctrl+1 … Ctrl+8.

Sidebar, View menu, palette, `pqdesk open --page` and the screenshots take them from here.
"""

from __future__ import annotations

from pqdesk.gui.pages.logs import LogsPage
from pqdesk.gui.pages.messages import MessagesPage
from pqdesk.gui.pages.overview import OverviewPage
from pqdesk.gui.pages.workers import WorkersPage
from pqdesk.gui.shell.page import Page

PAGES: tuple[type[Page], ...] = (OverviewPage, MessagesPage, WorkersPage, LogsPage)
