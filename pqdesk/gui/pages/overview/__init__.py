"""The Overview page."""

from __future__ import annotations

from pqdesk.gui.pages.overview.overview_page import OverviewPage

__all__ = ["OverviewPage"]
