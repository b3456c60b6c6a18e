"""The logs page: the merged log of all workers, or that of one."""

from __future__ import annotations

from pqdesk.gui.pages.logs.logs_page import LogsPage

__all__ = ["LogsPage"]
