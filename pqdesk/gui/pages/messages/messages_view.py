"""The messages page as it looks: filter bar, action bar, table with its pill, footer, detail pane."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QVBoxLayout, QWidget

from pqdesk.gui.pages.messages.action_bar import ActionBar
from pqdesk.gui.pages.messages.detail_pane import DetailPane
from pqdesk.gui.pages.messages.filter_bar import FilterBar
from pqdesk.gui.pages.messages.held_pill import HeldPill
from pqdesk.gui.pages.messages.message_actions import ACTIONS, MessageActions
from pqdesk.gui.pages.messages.message_table import MessageTable
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import ElidedLabel, Hairline, PlainLabel

_DETAIL_RIGHT_PX = 1280  # a page this wide has the detail pane at its right
_DETAIL_WIDTH_PX = 440
_DETAIL_SHARE = 0.42
_FOOTER_PX = 28


class MessagesView(QWidget):
    """Holds the widgets and lays them out; the controller fills them."""

    def __init__(self, model: MessageTableModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messages_page")
        self._theme = theme
        self.filter_bar = FilterBar(theme, self)
        self.actions_on_messages = MessageActions(self, theme)
        self.action_bar = ActionBar(self.actions_on_messages, theme, self)
        self.table = MessageTable(model, theme, self)
        self.pill = HeldPill(theme, self.table.viewport())
        self.empty = EmptyState(theme, "messages_empty", self.table.viewport())
        self.footer = ElidedLabel("", self, look="muted")
        self.footer.setObjectName("messages_footer")
        self.hidden_columns = PlainLabel("", self, look="muted")
        self.detail = DetailPane(theme, self)
        self.show_detail = QAction("Detail pane", self)
        self.show_detail.setObjectName("action_detail_pane")
        self.show_detail.setCheckable(True)
        self.show_detail.setChecked(True)
        self.show_detail.setShortcut("Ctrl+I")
        self.show_detail.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.show_detail.toggled.connect(self.detail.setVisible)
        self.addAction(self.show_detail)
        self._splitter = QSplitter(Qt.Orientation.Vertical, self)
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
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self.detail.setMinimumSize(280, 140)
        self.table.setMinimumHeight(120)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._splitter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_right = self.width() >= _DETAIL_RIGHT_PX
        orientation = Qt.Orientation.Horizontal if is_right else Qt.Orientation.Vertical
        if orientation != self._splitter.orientation() or event.oldSize().height() <= 0:
            self._splitter.setOrientation(orientation)
            size = _DETAIL_WIDTH_PX if is_right else round(self.height() * _DETAIL_SHARE)
            self._splitter.setSizes([(self.width() if is_right else self.height()) - size, size])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    def _show_menu(self, point: QPoint) -> None:
        if self.table.record_at(point) is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.actions_on_messages.actions[look.name] for look in ACTIONS])
        menu.popup(self.table.viewport().mapToGlobal(point))

    def _on_fitted(self, left_out: int) -> None:
        self.hidden_columns.setText(f"{left_out} column{'s' if left_out > 1 else ''} hidden" if left_out else "")
