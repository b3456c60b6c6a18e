"""The sidebar: which page is shown, and how many things there wait for a person."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QWidget

from pqdesk.gui.formatting import format_number
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.labels import ElidedLabel
from pqdesk.gui.widgets.layouts import vbox
from pqdesk.messages.counting import counted

WIDTH = 220
_COMPACT_WIDTH = 56
_ENTRY_HEIGHT = 34
_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class SidebarEntry(QAbstractButton):
    """One page. Named exactly as the page; its badge is in the description."""

    def __init__(self, key: str, title: str, icon: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._icon = theme, icon
        self._badge, self._badge_role, self._meaning = "", Role.ERROR, ""
        self._is_current = self._is_compact = self._has_ring = False
        self.setText(title)
        self.setObjectName(f"sidebar_{key}")
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(_COMPACT_WIDTH - 16, max(_ENTRY_HEIGHT, self.fontMetrics().height() + 14))

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._has_ring = event.reason() in _BY_KEYBOARD
        super().focusInEvent(event)

    @property
    def is_current(self) -> bool:
        return self._is_current

    def set_current(self, is_current: bool) -> None:
        self._is_current = is_current
        self._describe()
        self.update()

    def set_badge(self, count: int, meaning: str, role: Role) -> None:
        """`meaning` says what is counted: `failed message`."""
        self._badge, self._badge_role = (format_number(count) if count < 10_000 else "9,999+") if count else "", role
        self._meaning = counted(count, meaning, number=self._badge) if count else ""
        self._describe()
        self.update()

    def set_compact(self, is_compact: bool) -> None:
        self._is_compact = is_compact
        self.setToolTip(as_tooltip(self.text()) if is_compact else "")
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self._is_current or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color(Role.SELECTION if self._is_current else Role.HOVER))
            painter.drawRoundedRect(area, 5, 5)
        if self.hasFocus() and self._has_ring:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(Role.ACCENT), 2))
            painter.drawRoundedRect(area, 5, 5)
        role = Role.ACCENT if self._is_current else Role.MUTED
        left = (self.width() - 20) // 2 if self._is_compact else 10
        picture = self._theme.pixmap(self._icon, role, 20, self.devicePixelRatioF())
        painter.drawPixmap(left, (self.height() - 20) // 2, picture)
        if self._is_compact:
            self._draw_dot(painter)
        else:
            self._draw_words(painter)
        painter.end()

    def _draw_words(self, painter: QPainter) -> None:
        font = self._theme.font(100, is_semibold=self._is_current)
        painter.setFont(font)
        painter.setPen(self._theme.color(Role.TEXT))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect().adjusted(40, 0, -8, 0), middle | Qt.AlignmentFlag.AlignLeft, self.text())
        if not self._badge:
            return
        painter.setFont(self._theme.font(90, is_semibold=True))
        width = max(painter.fontMetrics().horizontalAdvance(self._badge) + 14, 24)
        box = QRectF(self.width() - width - 8, (self.height() - 20) / 2, width, 20)
        fill = self._theme.color(self._badge_role)
        fill.setAlphaF(0.12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 10, 10)
        painter.setPen(self._theme.color(self._badge_role))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._badge)

    def _draw_dot(self, painter: QPainter) -> None:
        if self._badge:
            painter.setPen(QPen(self._theme.color(Role.WINDOW), 2))
            painter.setBrush(self._theme.color(self._badge_role))
            painter.drawEllipse(QRectF(self.width() / 2 + 5, 4, 10, 10))

    def _describe(self) -> None:
        parts = [self._meaning, "current page" if self._is_current else ""]
        self.setAccessibleDescription(", ".join(part for part in parts if part))


class Sidebar(QFrame):
    """The pages, one below the other, under the workspace's name. Up and Down move between the entries.

    Signals:
        page_chosen: The key of the page.
    """

    page_chosen = Signal(str)

    def __init__(self, pages: Sequence[tuple[str, str, str]], theme: Theme, parent: QWidget | None = None) -> None:
        """`pages` are key, title and icon of each."""
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setProperty("look", "sidebar")
        self._workspace = ElidedLabel("", self, objectName="workspace_name", font=theme.font(100, is_semibold=True))
        self._entries: dict[str, SidebarEntry] = {}
        column = vbox(self._workspace, on=self, margins=(8, 12, 8, 8), spacing=2)
        self._workspace.setContentsMargins(10, 4, 8, 10)
        for key, title, icon in pages:
            entry = SidebarEntry(key, title, icon, theme, self)
            entry.clicked.connect(lambda _checked=False, key=key: self.page_chosen.emit(key))
            self._entries[key] = entry
            column.addWidget(entry)
        column.addStretch(1)
        self.set_compact(False)

    def entry(self, key: str) -> SidebarEntry:
        return self._entries[key]

    def set_workspace(self, name: str, location: str) -> None:
        self._workspace.setText(name)
        self._workspace.setToolTip(as_tooltip(location))

    def set_current(self, key: str) -> None:
        for one, entry in self._entries.items():
            entry.set_current(one == key)

    def take_focus(self, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason) -> None:
        """To the entry of the current page; without a ring unless a key was the reason."""
        for entry in self._entries.values():
            if entry.is_current:
                entry.setFocus(reason)

    def set_compact(self, is_compact: bool) -> None:
        """Icons only, for narrow windows."""
        self.setFixedWidth(_COMPACT_WIDTH if is_compact else WIDTH)
        self._workspace.setVisible(not is_compact)
        for entry in self._entries.values():
            entry.set_compact(is_compact)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        entries = list(self._entries.values())
        focus = self.focusWidget()
        step = steps.get(Qt.Key(event.key()), 0)
        if step and isinstance(focus, SidebarEntry):
            entries[(entries.index(focus) + step) % len(entries)].setFocus(Qt.FocusReason.TabFocusReason)
            return
        super().keyPressEvent(event)
