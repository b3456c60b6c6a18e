"""The line above the table that says what is selected and what can be done to it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.pages.messages.message_actions import ACTIONS, MessageActions
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel


class ActionBar(QWidget):
    """Always there: a bar that came and went with the selection would move the rows under the pointer.

    A button is named by its verb alone; the count stands in its text and its description.
    """

    def __init__(self, actions: MessageActions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("action_bar")
        self._actions = actions
        self._theme = theme
        self._text = PlainLabel("", self, look="muted")
        self._text.setObjectName("selection_text")
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 8)
        row.setSpacing(8)
        for look in ACTIONS:
            button = make_button(look.text, f"{look.name}_button", self)
            button.setAccessibleName(look.text)
            button.clicked.connect(actions.actions[look.name].trigger)
            self._buttons[look.name] = button
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self._text, 1)
        actions.changed.connect(self._update)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self._update()

    def _update(self) -> None:
        selected = self._actions.selected_count
        self._text.setText(f"{format_number(selected)} selected" if selected else "Nothing selected")
        for look in ACTIONS:
            button, count = self._buttons[look.name], self._actions.count(look)
            button.setEnabled(count > 0)
            button.setText(f"{look.text} {format_number(count)}" if count > 1 else look.text)
            reason = self._actions.reason(look)
            button.setToolTip(as_tooltip(reason))
            button.setAccessibleDescription(f"{look.text} {format_count(count, 'message')}" if count else reason)

    def _take_looks(self) -> None:
        for look in ACTIONS:
            self._buttons[look.name].setIcon(self._theme.icon(look.icon))
