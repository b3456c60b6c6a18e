"""The logs page: what one worker, several or all of them write, merged, each line after the name of its process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock, SystemClock
from pqdesk.gui.log_feed import LogFeed
from pqdesk.gui.pages.logs.source_list import SourceList
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.kept import numbers
from pqdesk.gui.shell.page import Page, Parts
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.layouts import vbox
from pqdesk.gui.widgets.log.pane import LogPane
from pqdesk.gui.widgets.pane_splitter import PaneSplitter
from pqdesk.messages.filters import parse_filter
from pqdesk.supervision.records import SupervisionStatus

_LIST_PX = 200


class LogsPage(Page):
    """A list of workers at the left, their merged log at the right."""

    key, title, icon = "logs", "Logs", "logs"

    def __init__(self, link: SupervisorLink, theme: Theme, clock: Clock | None = None) -> None:
        super().__init__()
        self.setObjectName("logs_page")
        self._theme = theme
        self.action_set = ActionSet(self, theme, self.title)
        self._list = SourceList(theme, self)
        self.log = LogPane(theme, self.action_set, self)
        self.feed = LogFeed("logs page", self.log, link.logs, clock or SystemClock())
        self._lay_out()
        self._list.chosen_changed.connect(self._choose)
        self.log.message_asked.connect(lambda one: self.route_asked.emit(Route("messages", filter=f"id:{one}")))
        self.feed.told.connect(lambda text: self.told.emit(text, False))
        link.status_changed.connect(self._on_status_changed)

    def _lay_out(self) -> None:
        self._splitter = PaneSplitter(0, lambda _orientation, _room: _LIST_PX, self)
        self._splitter.addWidget(self._list)
        self._splitter.addWidget(self.log)
        vbox(self._splitter, on=self)

    # --- what the window asks ---------------------------------------------------------------------

    @classmethod
    def make(cls, parts: Parts) -> LogsPage:
        return cls(parts.link, parts.theme, parts.clock)

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self._list, self.log.text.mirror]

    def set_live(self, is_live: bool) -> None:
        self.feed.set_live(is_live)

    def places(self, typed: str) -> Iterator[tuple[str, Route]]:
        for replica in self._list.replicas:
            yield f"Log of {replica.process}", Route(self.key, subject=replica.process)

    def begin_find(self) -> None:
        self.log.focus_find()

    @property
    def route(self) -> Route:
        chosen = self._list.chosen
        return Route(self.key, subject=chosen[0].process if len(chosen) == 1 else "")

    def go(self, route: Route) -> None:
        """The log of one process, or of all for ""; there, what was written around the newest line about a message.

        Which message is what the route's filter says: `id:7`.
        """
        if route.subject is not None and not self._list.choose(route.subject):
            self._list.choose(None)
        if ids := parse_filter(route.filter or "").ids:
            self.feed.show_around(ids[0], route.subject or "")

    def kept(self) -> dict[str, Any]:
        return {"sizes": self._splitter.sizes_dragged}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self._splitter.restore(numbers(kept.get("sizes")))

    # --- which log --------------------------------------------------------------------------------

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        had_none = not self._list.replicas
        self._list.set_replicas(status.replicas)
        if had_none and not status.replicas:
            self._choose()  # "No workers defined" instead of nothing

    def _choose(self) -> None:
        """Follow and show what the list says."""
        everyone = self._list.replicas
        self.feed.show_processes(self._list.title, self._list.chosen, everyone, nothing="No workers defined")
