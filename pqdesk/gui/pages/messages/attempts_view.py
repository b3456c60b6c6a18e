"""Every delivery of a message, newest first, and the whole error of the chosen one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSplitter, QTableWidget, QTableWidgetItem, QWidget

from pqdesk.clock import local_time
from pqdesk.gui.formatting import format_absolute
from pqdesk.gui.pages.messages.timeline import OUTCOME_ROLES, first_line
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line, visible_text
from pqdesk.gui.widgets.ink_delegate import InkDelegate
from pqdesk.gui.widgets.text_pane import TextPane
from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import AttemptRecord

_HEADERS = ("#", "Outcome", "Started", "Ran", "Worker", "Error")
_WIDTHS = (44, 116, 100, 92, 116)
_MOST_SHOWN = 500


class AttemptsView(QSplitter):
    """Selecting an attempt shows its error below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._theme = theme
        self._attempts: tuple[AttemptRecord, ...] = ()
        self._message_id = 0
        self._table = QTableWidget(0, len(_HEADERS), self)
        self._table.setObjectName("attempts")
        self._table.setAccessibleName("Attempts")
        self._table.setHorizontalHeaderLabels(_HEADERS)
        self._table.setFrameShape(QFrame.Shape.NoFrame)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setTabKeyNavigation(False)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self._table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        for column, width in enumerate(_WIDTHS):
            self._table.setColumnWidth(column, width)
        self._table.setItemDelegate(InkDelegate(self._table))
        self._table.setStyleSheet("QTableView::item { padding: 0 5px; }")
        self._trace = TextPane("Error of the attempt", "attempt_trace", theme, self)
        self._table.currentCellChanged.connect(lambda row, *_: self._show_trace(row))
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 2)
        self.setChildrenCollapsible(False)
        theme.changed.connect(self._take_looks)
        self._take_looks()

    def show_attempts(self, attempts: tuple[AttemptRecord, ...], message_id: int) -> None:
        """`attempts` oldest first, as the record has them."""
        newest_first = tuple(reversed(attempts))[:_MOST_SHOWN]
        if newest_first == self._attempts:
            return
        is_same = message_id == self._message_id and self._table.currentRow() > 0  # the newest stays the chosen one
        chosen = self._table.currentRow() + len(newest_first) - len(self._attempts) if is_same else 0
        self._attempts, self._message_id = newest_first, message_id
        self._table.setRowCount(len(newest_first))
        for row, attempt in enumerate(newest_first):
            for column, text in enumerate(_texts(attempt)):
                self._set_cell(row, column, text, attempt)
        self._table.setCurrentCell(min(chosen, len(newest_first) - 1), 0)
        self._show_trace(self._table.currentRow())

    def _set_cell(self, row: int, column: int, text: str, attempt: AttemptRecord) -> None:
        item = QTableWidgetItem(text)
        if column == 1:
            item.setForeground(self._theme.color(OUTCOME_ROLES[attempt.outcome]))
        tip = format_absolute(attempt.started_at) if column == 2 and attempt.started_at else text
        item.setToolTip(as_tooltip(tip))
        self._table.setItem(row, column, item)

    def _show_trace(self, row: int) -> None:
        attempt = self._attempts[row] if 0 <= row < len(self._attempts) else None
        text = (attempt.error or "") if attempt is not None else ""
        caption = "" if attempt is None else f"Attempt {attempt.attempt}" + ("" if text else ": no error")
        self._trace.show_text(
            (attempt, text), iter((visible_text(text),)), caption=caption, copied=lambda: iter((text,))
        )

    def _take_looks(self) -> None:
        height = self._table.fontMetrics().height() + 10
        self._table.verticalHeader().setDefaultSectionSize(height)
        for row, attempt in enumerate(self._attempts):
            item = self._table.item(row, 1)
            if item is not None:
                item.setForeground(self._theme.color(OUTCOME_ROLES[attempt.outcome]))


def _texts(attempt: AttemptRecord) -> tuple[str, ...]:
    ran = ""
    if attempt.started_at and attempt.ended_at:
        ran = format_duration(max(0.0, (attempt.ended_at - attempt.started_at).total_seconds()))
    return (
        str(attempt.attempt),
        attempt.outcome.word.capitalize() if attempt.outcome is not None else "Running",
        f"{local_time(attempt.started_at):%H:%M:%S}" if attempt.started_at else "",
        ran,
        visible_line(attempt.worker or ""),
        visible_line(first_line(attempt.error)),
    )
