"""Every delivery of a message, newest first, and the whole error of the chosen one."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QSplitter, QWidget

from pqdesk.clock import local_time
from pqdesk.gui.formatting import format_absolute
from pqdesk.gui.pages.messages.timeline import OUTCOME_ROLES, first_line
from pqdesk.gui.palette import Role
from pqdesk.gui.records import Grows, RecordColumn, RecordModel, RecordTable
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line, visible_text
from pqdesk.gui.widgets.text_pane import TextPane
from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import AttemptRecord

_MOST_SHOWN = 500


def _outcome(attempt: AttemptRecord, _now: datetime) -> str:
    return attempt.outcome.word.capitalize() if attempt.outcome is not None else "Running"


def _started(attempt: AttemptRecord, _now: datetime) -> str:
    return f"{local_time(attempt.started_at):%H:%M:%S}" if attempt.started_at else ""


def _ran(attempt: AttemptRecord, _now: datetime) -> str:
    if attempt.started_at is None or attempt.ended_at is None:
        return ""
    return format_duration(max(0.0, (attempt.ended_at - attempt.started_at).total_seconds()))


_COLUMNS: tuple[RecordColumn[AttemptRecord], ...] = (
    RecordColumn("number", "#", lambda attempt, _now: str(attempt.attempt), 44, is_right=True, ink=Role.MUTED),
    RecordColumn("outcome", "Outcome", _outcome, 116, ink=lambda attempt, _text: OUTCOME_ROLES[attempt.outcome]),
    RecordColumn(
        "started",
        "Started",
        _started,
        92,
        is_right=True,
        ink=Role.MUTED,
        tip=lambda attempt: format_absolute(attempt.started_at) if attempt.started_at else "",
        given_up=1,
    ),
    RecordColumn("ran", "Ran", _ran, 92, is_right=True, ink=Role.MUTED),
    RecordColumn(
        "worker",
        "Worker",
        lambda attempt, _now: visible_line(attempt.worker or ""),
        116,
        Grows.SOME,
        ink=Role.MUTED,
        given_up=2,
    ),
    RecordColumn("error", "Error", lambda attempt, _now: visible_line(first_line(attempt.error)), 150, Grows.MUCH),
)


class AttemptsView(QSplitter):
    """Selecting an attempt shows its error below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._message_id = 0
        model = RecordModel(_COLUMNS, lambda attempt: attempt.attempt, phrase=_phrase, heading=(0, 1))
        self._table = RecordTable(model, theme, "attempts", "Attempts", self)
        model.setParent(self._table)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._trace = TextPane("Error of the attempt", "attempt_trace", theme, self)
        self._table.selected.changed.connect(self._show_trace)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 2)
        self.setChildrenCollapsible(False)

    def show_attempts(self, attempts: tuple[AttemptRecord, ...], message_id: int) -> None:
        """`attempts` oldest first, as the record has them."""
        is_same = message_id == self._message_id
        is_newest_chosen = not is_same or self._table.currentIndex().row() <= 0  # as it stays
        self._message_id = message_id
        newest_first = attempts[: -_MOST_SHOWN - 1 : -1]
        self._table.show_records(newest_first, at_once=not is_same)
        if is_newest_chosen and newest_first:
            self._table.choose(newest_first[0].attempt)
        self._show_trace()

    def _show_trace(self) -> None:
        attempt = next(iter(self._table.selected.records.values()), None)
        text = (attempt.error or "") if attempt is not None else ""
        caption = "" if attempt is None else f"Attempt {attempt.attempt}" + ("" if text else ": no error")
        self._trace.show_text(
            (attempt, text), iter((visible_text(text),)), caption=caption, copied=lambda: iter((text,))
        )


def _phrase(attempt: AttemptRecord) -> str:
    words = (f"Attempt {attempt.attempt}", attempt.outcome.word if attempt.outcome is not None else "running")
    return ", ".join((*words, *filter(None, [visible_line(first_line(attempt.error))])))
