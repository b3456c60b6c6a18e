"""The messages page as it looks: filter bar, action bar, table with its pill, footer, detail pane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.pages.messages.action_bar import ActionBar
from pqdesk.gui.pages.messages.detail_pane import DetailPane
from pqdesk.gui.pages.messages.filter_bar import FilterBar
from pqdesk.gui.pages.messages.held_pill import HeldPill
from pqdesk.gui.pages.messages.message_actions import DETAIL_PANE, MessageActions
from pqdesk.gui.pages.messages.message_table import MessageTable
from pqdesk.gui.palette import Role
from pqdesk.gui.records import RecordModel
from pqdesk.gui.shell.kept import mapping, numbers
from pqdesk.gui.shell.page import Page
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import ElidedLabel, Hairline, PlainLabel
from pqdesk.gui.widgets.pane_splitter import PaneSplitter
from pqdesk.messages.records import MessageRecord

_DETAIL_RIGHT_PX = 1280  # a page this wide has the detail pane at its right
_DETAIL_WIDTH_PX = 440
_DETAIL_SHARE = 0.42
_FOOTER_PX = 28


class MessagesView(Page):
    """Holds the widgets and lays them out; the controller fills them."""

    def __init__(self, model: RecordModel[MessageRecord], theme: Theme) -> None:
        super().__init__()
        self.setObjectName("messages_page")
        self._theme = theme
        self.filter_bar = FilterBar(theme, self)
        self.action_set = self.actions_on_messages = MessageActions(self, theme)
        self.action_bar = ActionBar(self.actions_on_messages, self)
        self.table = MessageTable(model, theme, self)
        self.pill = HeldPill(self.table.viewport())
        self.empty = EmptyState(theme, "messages_empty", self.table.viewport())
        self.footer = ElidedLabel("", self, look="muted")
        self.footer.setObjectName("messages_footer")
        self.hidden_columns = PlainLabel("", self, look="muted")
        self.detail = DetailPane(theme, self)
        self.show_detail = self.action_set.add(DETAIL_PANE)
        self.show_detail.setChecked(True)
        self.show_detail.toggled.connect(self.detail.setVisible)
        self._splitter = PaneSplitter(1, _detail_px, self)
        self._lay_out()
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.table.columns.fitted.connect(self._on_fitted)

    def _lay_out(self) -> None:
        upper = QWidget(self)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 16, 0)
        foot.addWidget(self.footer, 1)
        foot.addWidget(self.hidden_columns)
        self.footer.setFixedHeight(max(_FOOTER_PX, self.fontMetrics().height() + 8))
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.filter_bar, self.action_bar, Hairline(upper)):
            column.addWidget(widget)
        inset = QHBoxLayout()  # so that the first column begins at the page's margin
        inset.setContentsMargins(8, 0, 0, 0)
        inset.addWidget(self.table)
        column.addLayout(inset, 1)
        column.addWidget(Hairline(upper))
        column.addLayout(foot)
        self._splitter.addWidget(upper)
        self._splitter.addWidget(self.detail)
        self.detail.setMinimumSize(280, 140)
        self.table.setMinimumHeight(120)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._splitter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_right = self.width() >= _DETAIL_RIGHT_PX
        self._splitter.lie(Qt.Orientation.Horizontal if is_right else Qt.Orientation.Vertical)

    def kept(self) -> dict[str, Any]:
        return {
            "detail": self.show_detail.isChecked(),
            "sizes": self._splitter.sizes_dragged,
            "columns": self.table.columns.state(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.show_detail.setChecked(kept.get("detail") is not False)
        self._splitter.restore(numbers(kept.get("sizes")))
        self.table.columns.restore(mapping(kept.get("columns")))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    def _show_menu(self, point: QPoint) -> None:
        if self.table.record_at(point) is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        self.action_set.fill(menu, range(3))
        menu.popup(self.table.viewport().mapToGlobal(point))

    def _on_fitted(self, left_out: int) -> None:
        self.hidden_columns.setText(f"{format_count(left_out, 'column')} hidden" if left_out else "")


def _detail_px(orientation: Qt.Orientation, room: int) -> int:
    return _DETAIL_WIDTH_PX if orientation is Qt.Orientation.Horizontal else round(room * _DETAIL_SHARE)
