"""The list of what needs a person: an icon, a sentence and one button each."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from pqdesk.gui.pages.overview.attention import AttentionItem
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import ElidedLabel, PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox

_ROLES = (Role.ERROR, Role.WARNING, Role.ERROR, Role.PAUSED)  # by severity


class AttentionRow(QWidget):
    """One item; shows another one of the same key in place."""

    remedy_chosen = Signal(object)

    def __init__(self, item: AttentionItem, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._item = theme, item
        self._icon = QLabel(self)
        self._text = ElidedLabel("", self)
        self._detail = ElidedLabel("", self, look="muted", font=theme.font(92))
        self._button = make_button("", f"attention_{item.key.replace(' ', '_')}", self, look="link")
        self._button.clicked.connect(lambda: self.remedy_chosen.emit(self._item))
        words = vbox(self._text, self._detail, spacing=0)
        hbox(
            (self._icon, Qt.AlignmentFlag.AlignVCenter),
            (words, 1),
            (self._button, Qt.AlignmentFlag.AlignVCenter),
            on=self,
            margins=(0, 4, 0, 4),
            spacing=10,
        )
        self.show_item(item)

    def show_item(self, item: AttentionItem) -> None:
        self._item = item
        self._text.setText(item.text)
        self._detail.setText(item.detail)
        self._detail.setVisible(bool(item.detail))
        self._button.setText("" if item.remedy is None else item.remedy.value)
        self._button.setVisible(item.remedy is not None)
        self._button.setAccessibleDescription(item.text)
        self._theme.picture(self._icon, item.icon, _ROLES[item.severity])


class AttentionList(QWidget):
    """Rows, worst first; `All quiet` when there are none.

    Signals:
        remedy_chosen: The AttentionItem whose button was pressed.
    """

    remedy_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attention_list")
        self._theme = theme
        self._rows: dict[str, AttentionRow] = {}
        self._column = vbox(on=self, spacing=0)
        self._quiet = QWidget(self)
        quiet_row = hbox(on=self._quiet, margins=(0, 4, 0, 4), spacing=10)
        quiet_icon = QLabel(self._quiet)
        theme.picture(quiet_icon, "tick-in-ring", Role.HEALTHY)
        quiet_row.addWidget(quiet_icon)
        quiet_row.addWidget(PlainLabel("All quiet", self._quiet, look="muted"), 1)
        self._quiet.hide()  # until it is known
        self._column.addWidget(self._quiet)

    def show_items(self, items: tuple[AttentionItem, ...]) -> None:
        """Rows of the same key stay, so that a button does not move away from under the pointer without need."""
        keys = [item.key for item in items]
        for key in [key for key in self._rows if key not in keys]:
            row = self._rows.pop(key)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for at, item in enumerate(items):
            row = self._rows.get(item.key) or self._added(item)
            row.show_item(item)
            if self._column.indexOf(row) != at:
                self._column.insertWidget(at, row)
        self._quiet.setVisible(not items)

    def _added(self, item: AttentionItem) -> AttentionRow:
        row = AttentionRow(item, self._theme, self)
        row.remedy_chosen.connect(self.remedy_chosen)
        self._rows[item.key] = row
        return row
