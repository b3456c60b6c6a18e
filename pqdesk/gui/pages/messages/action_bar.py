"""The line above the table that says what is selected and what can be done to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from pqdesk.gui.formatting import format_capped, format_number
from pqdesk.gui.pages.messages.message_actions import ACTIONS, MessageActions
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Matching
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel


class ActionBar(QWidget):
    """Always there: a bar that came and went with the selection would move the rows under the pointer.

    A button is named by its verb alone; the count stands in its text and its description.

    Signals:
        all_asked: All that match shall be selected, and not only the rows that are loaded.
    """

    all_asked = Signal()

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
        row.addWidget(self._text)
        self._all = make_button("", "select_all_matching", self, look="link")
        self._all.clicked.connect(self.all_asked)
        row.addWidget(self._all)
        row.addStretch(1)
        self._matching: Matching | None = None
        actions.changed.connect(self._update)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self._update()

    @property
    def matching(self) -> Matching | None:
        """What is offered."""
        return self._matching

    def offer_all(self, matching: Matching | None) -> None:
        """Offer to select all that match; None: what is selected is not all the rows there are."""
        self._matching = matching
        self._update()

    def _update(self) -> None:
        target, matching = self._actions.target, self._matching
        if isinstance(target, Matching):
            self._text.setText(f"All {format_capped(target.count())} that match are selected")
        elif not target.states:
            self._text.setText("Nothing selected")
        else:
            of = f" of {format_capped(matching.count())}" if matching is not None else ""
            self._text.setText(f"{format_number(len(target.states))}{of} selected")
        self._all.setVisible(matching is not None and target != matching)
        if matching is not None:
            self._all.setText(f"Select all {format_capped(matching.count())} that match")
        for look in ACTIONS:
            button, capped = self._buttons[look.name], self._actions.count(look)
            count = format_capped(capped)
            button.setEnabled(capped.count > 0)
            button.setText(f"{look.text} {count}" if capped.count > 1 else look.text)
            reason = self._actions.reason(look)
            button.setToolTip(as_tooltip(reason))
            unit = "message" if capped.count == 1 else "messages"
            button.setAccessibleDescription(f"{look.text} {count} {unit}" if capped.count else reason)

    def _take_looks(self) -> None:
        for look in ACTIONS:
            self._buttons[look.name].setIcon(self._theme.icon(look.icon))
