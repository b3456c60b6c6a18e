"""The palette: everything that can be done and every place to go to, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.gui.widgets.layouts import vbox

_WIDTH_PX, _ROWS, _TOP_PX = 600, 12, 72
_MOST_SHOWN = 60
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette.

    Attributes:
        text: What it does, or where it leads; by it the palette remembers what was chosen.
        hint: Its key, or what kind of place it is.
        reason: Why it cannot be chosen now; empty when it can.
    """

    text: str
    hint: str
    run: Callable[[], object]
    reason: str = ""


def best_matches(commands: Iterable[Command], typed: str, recent: Sequence[str]) -> list[Command]:
    """Those whose text has every word of `typed`: what can be done first, then what was chosen lately, then how well.

    Args:
        recent: Texts of what was chosen, newest first.
    """
    words = typed.casefold().split()
    first = words[0] if words else ""
    lately = {text: at for at, text in enumerate(recent)}

    def rank(command: Command) -> tuple[bool, int, bool]:
        is_begun_so = command.text.casefold().startswith(first)
        return bool(command.reason), lately.get(command.text, len(lately)), not is_begun_so

    found = [one for one in commands if all(word in one.text.casefold() for word in words)]
    return sorted(found, key=rank)[:_MOST_SHOWN]


class CommandPalette(QDialog):
    """Floats over the window until something is chosen, or Escape.

    Signals:
        chosen: The Command; nobody has run it yet.
    """

    chosen = Signal(object)

    def __init__(
        self, commands: Callable[[str], Iterable[Command]], recent: Sequence[str], theme: Theme, parent: QWidget
    ) -> None:
        """`commands` answers to what is typed: a number may be an id."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("command_palette")
        self.setWindowTitle("Find an action or a place")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands, self._recent, self._theme = commands, recent, theme
        self._found: list[Command] = []
        self._field = QLineEdit(self)
        self._field.setObjectName("palette_field")
        self._field.setAccessibleName("Find an action or a place")
        self._field.setPlaceholderText("An action, a page, a queue, a worker, or the id of a message")
        self._field.addAction(theme.icon("search", Role.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        self._list = self._make_list()
        vbox(self._field, self._list, on=self, margins=(8, 8, 8, 8), spacing=8)
        self._field.textChanged.connect(lambda _: self._search())
        self._field.returnPressed.connect(self._choose)
        self._field.installEventFilter(self)
        self._field.setFocus()
        self._list.itemClicked.connect(lambda _: self._choose())
        self._search()
        row_px = self._list.sizeHintForRow(0)
        self._list.setFixedHeight(row_px * _ROWS + 4)
        self.setFixedWidth(min(_WIDTH_PX, parent.width() - 32))
        self.move(parent.mapToGlobal(QPoint((parent.width() - self.width()) // 2, _TOP_PX)))

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget(self)
        made.setObjectName("palette_list")
        made.setAccessibleName("Actions and places")
        made.setColumnCount(2)
        made.setHeaderHidden(True)
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setFrameShape(QFrame.Shape.NoFrame)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.header().setStretchLastSection(False)
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        made.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        made.setProperty("look", "palette")
        return made

    def _search(self) -> None:
        typed = self._field.text()
        self._found = best_matches(self._commands(typed), typed, self._recent)
        self._list.clear()
        muted = self._theme.color(Role.MUTED)
        for command in self._found:
            hint = command.reason or command.hint
            item = QTreeWidgetItem([visible_line(command.text), visible_line(hint)])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setForeground(1, muted)
            item.setToolTip(0, as_tooltip(command.reason or command.text))
            if command.reason:
                item.setDisabled(True)
            self._list.addTopLevelItem(item)
        if (first := self._list.topLevelItem(0)) is not None:
            self._list.setCurrentItem(first)

    def _choose(self) -> None:
        at = self._list.currentIndex().row()
        if 0 <= at < len(self._found) and not self._found[at].reason:
            command = self._found[at]
            self.accept()
            self.chosen.emit(command)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down move in the list while one types."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self._list.keyPressEvent(event)
            return True
        return False
