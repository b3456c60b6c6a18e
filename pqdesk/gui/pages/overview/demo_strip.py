"""The line on top of the Overview that tells how far the demo is, and what to try in it."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from pqdesk.gui.pages.overview.demo_guide import demo_progress, demo_story
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Done, Order
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.banner import Banner
from pqdesk.messages.records import Counts
from pqdesk.supervision.records import SupervisionStatus


class DemoStrip(Banner):
    """Hidden while nothing runs and nobody started it."""

    def __init__(self, link: SupervisorLink, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, "demo_strip", parent, is_card=True)
        self._is_starting = False
        self._status: SupervisionStatus | None = None
        self._counts = Counts()
        link.status_changed.connect(self._on_status_changed)
        link.began.connect(self._on_began)
        link.done.connect(self._on_done)

    def show_counts(self, counts: Counts) -> None:
        """The story goes on with the first failure."""
        self._counts = counts
        self._show()

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        self._show()

    @Slot(object)
    def _on_began(self, order: Order) -> None:
        self._is_starting = self._is_starting or order.action == "start_daemon"
        self._show()

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        self._is_starting = self._is_starting and done.error is None
        self._show()

    def _show(self) -> None:
        progress = demo_progress(self._status)
        if progress is None:
            self._is_starting = False
            self.show_text("info", *demo_story(self._counts))
        elif self._is_starting:
            self.show_text("info", progress)
        else:
            self.hide()
