"""Finds the log lines of the shown message: which logs to search, when, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.gui.formatting import format_size
from pqdesk.gui.log_feed import LogSource, owners_of
from pqdesk.gui.pages.messages.log_view import MessageLogView
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.log.lines import LogLine
from pqdesk.messages.records import MessageDetail
from pqdesk.messages.states import State
from pqdesk.supervision.logs.message_lines import FoundLines
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of a process; others, such as `pid 12`, have no log
_TICKS_BETWEEN = 3  # seconds from look to look while the message runs


class MessageLog(QObject):
    """Searches when its tab is shown, when the message has changed, and now and then while it runs.

    Signals:
        search_asked: For the log reader: the logs, the message's id, the token of the question.
        around_asked: For the page Logs: the message's id, and the process to look at, or "".
    """

    search_asked = Signal(object, object, int)
    around_asked = Signal(object, str)

    def __init__(self, view: MessageLogView, link: SupervisorLink) -> None:
        super().__init__(view)
        self._view = view
        self._replicas: tuple[ReplicaRecord, ...] = ()
        self._detail: MessageDetail | None = None
        self._token = 0
        self._is_asking = False
        self._ticks = 0
        self._process = ""  # that wrote the newest of the shown lines
        view.open_asked.connect(self._on_open_asked)
        self.search_asked.connect(link.logs.find_message)
        link.logs.message_searched.connect(self._on_searched)
        link.status_changed.connect(self._on_status_changed)

    def show_message(self, detail: MessageDetail) -> None:
        """The tab is shown and the message is this one, or it has changed."""
        if self._detail is None or detail.id != self._detail.id:
            self._view.show_looking()
        self._detail = detail
        self._ask()

    def tick(self) -> None:
        """A second has passed while the tab is shown."""
        self._ticks += 1
        is_running = self._detail is not None and self._detail.state is State.RUNNING
        if is_running and not self._is_asking and self._ticks % _TICKS_BETWEEN == 0:
            self._ask()

    def _ask(self) -> None:
        detail, logs = self._detail, self._logs()
        if detail is None:
            return
        if not logs:
            self._view.show_nothing("No logs", "No worker of this workspace writes a log.")
            return
        self._token += 1
        self._is_asking = True
        self.search_asked.emit(logs, detail.id, self._token)

    def _logs(self) -> tuple[Path, ...]:
        """Of all workers; those that had the message come last, since who put it was first."""
        had = {one.worker for one in self._detail.attempts} if self._detail is not None else set()
        sources = sorted(self._sources(), key=lambda source: source.process in had)
        return tuple(path for _, *paths in sources for path in paths)

    def _sources(self) -> list[LogSource]:
        """Processes with their logs: those that there are, and those that had the message and are gone since.

        A worker that was scaled down or removed leaves its logs where they were.
        """
        sources = [LogSource.of(one) for one in self._replicas]
        if not sources or self._detail is None:
            return sources
        known, folder = {one.process for one in sources}, sources[0].output.parent
        had = {one.worker for one in self._detail.attempts if one.worker and _NAME.fullmatch(one.worker)}
        gone = sorted(had - known)
        return sources + [LogSource(one, folder / f"{one}.out.log", folder / f"{one}.err.log") for one in gone]

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        had_none, self._replicas = not self._replicas, status.replicas
        if had_none and self._replicas and self._view.isVisible():
            self._ask()

    @Slot(int, object)
    def _on_searched(self, token: int, found: FoundLines) -> None:
        if token != self._token or self._detail is None:
            return
        self._is_asking = False
        note = "; ".join(found.problems)
        if found.skipped_bytes:
            note = f"the oldest {format_size(found.skipped_bytes)} not searched" + (f"; {note}" if note else "")
        lines = self._lines(found)
        if lines:
            self._view.show_lines(lines, note)
        else:
            self._view.show_nothing(f"No line names message {self._detail.id}", note)

    def _lines(self, found: FoundLines) -> Sequence[LogLine]:
        everyone, paths = self._sources(), {one.path for one in found.lines}
        owners = owners_of([one for one in everyone if paths & {one.output, one.errors}], everyone)
        known = [(owners[one.path], one.text) for one in found.lines if one.path in owners]
        self._process = known[-1][0].process if known else ""
        return [owner.line(text) for owner, text in known]

    def _on_open_asked(self) -> None:
        if self._detail is not None:
            self.around_asked.emit(self._detail.id, self._process)
