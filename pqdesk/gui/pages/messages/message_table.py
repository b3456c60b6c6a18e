"""The table of messages: which columns a view has, and the keys that lead out of it."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from pqdesk.gui.pages.messages.columns import COLUMNS, HEADING, phrase, usual_columns
from pqdesk.gui.records import RecordModel, RecordTable
from pqdesk.gui.theme import Theme
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.states import State


def make_model(now: datetime) -> RecordModel[MessageRecord]:
    """A window of the messages, newest first."""
    return RecordModel(COLUMNS, lambda record: record.id, phrase=phrase, heading=HEADING, now=now)


class MessageTable(RecordTable[MessageRecord]):
    """What is selected outside of the window of rows stays selected.

    Signals:
        newest_wanted: Home was pressed.
        filter_wanted: / was pressed.
    """

    newest_wanted = Signal()
    filter_wanted = Signal()

    def __init__(self, model: RecordModel[MessageRecord], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, "messages", "Messages", parent, is_whole=False)

    def set_view(self, states: tuple[State, ...]) -> None:
        """Show the columns that a view of `states` has."""
        self.columns.set_usual(usual_columns(states))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() == "/":
            self.filter_wanted.emit()
        elif event.key() == Qt.Key.Key_Home and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.newest_wanted.emit()
        else:
            super().keyPressEvent(event)
