"""The table of messages: which columns a view has, and the keys that lead out of it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from pqdesk.gui.pages.messages.columns import USUAL, usual_columns
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.records import RecordTable
from pqdesk.gui.records.selected import SelectedRecords
from pqdesk.gui.theme import Theme
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.states import State


class SelectedMessages(SelectedRecords[MessageRecord]):
    @property
    def states(self) -> Mapping[int, State]:
        """The state last seen of each selected message, by id."""
        return {message_id: record.state for message_id, record in self.records.items()}


class MessageTable(RecordTable[MessageRecord]):
    """A window of the messages, newest first; what is selected outside of it stays so.

    Signals:
        newest_wanted: Home was pressed.
        filter_wanted: / was pressed.
    """

    newest_wanted = Signal()
    filter_wanted = Signal()
    selected: SelectedMessages

    def __init__(self, model: MessageTableModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, "messages", "Messages", parent)
        self.columns.set_usual(USUAL)

    def _make_selected(self) -> SelectedMessages:
        return SelectedMessages(self._records, self.selectionModel(), is_whole=False)

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
