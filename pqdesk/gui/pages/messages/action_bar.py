"""The line above the table that says what is selected and what can be done to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from pqdesk.gui.formatting import format_capped, format_number
from pqdesk.gui.pages.messages.message_actions import ACTIONS, MessageActions
from pqdesk.gui.threads.orders import Matching
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel


class ActionBar(QWidget):
    """Always there: a bar that came and went with the selection would move the rows under the pointer.

    A button is named by its verb alone; the count stands in its text and its description.

    Signals:
        all_asked: All that match shall be selected, and not only the rows that are loaded.
    """

    all_asked = Signal()

    def __init__(self, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("action_bar")
        self._actions = actions
        self._text = PlainLabel("", self, look="muted")
        self._text.setObjectName("selection_text")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 8)
        row.setSpacing(8)
        for action in ACTIONS:
            row.addWidget(actions.button(action.name, self))
        row.addSpacing(8)
        row.addWidget(self._text)
        self._all = make_button("", "select_all_matching", self, look="link")
        self._all.clicked.connect(self.all_asked)
        row.addWidget(self._all)
        row.addStretch(1)
        self._matching: Matching | None = None
        actions.changed.connect(self._update)
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
            self._text.setText(f"All {format_capped(target.matched.count())} that match are selected")
        elif not target.states:
            self._text.setText("Nothing selected")
        else:
            of = f" of {format_capped(matching.matched.count())}" if matching is not None else ""
            self._text.setText(f"{format_number(len(target.states))}{of} selected")
        self._all.setVisible(matching is not None and target != matching)
        if matching is not None:
            self._all.setText(f"Select all {format_capped(matching.matched.count())} that match")
