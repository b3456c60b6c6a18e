"""A log with mouse and keyboard: selecting, copying, going from line to line, asking for the message of a line."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from pqdesk.gui.shell.actions import Action, ActionSet, fill_menu
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.log.canvas import LogCanvas
from pqdesk.gui.widgets.log.lines import LogPlace, word_at

_DRAG_TICK_MS = 50
_HERE = "log"
SHOW_MESSAGE = Action(
    "log_message",
    "Show the message of the line",
    None,
    ("Return", "Enter"),
    tip="Or Ctrl+click",
    widget=_HERE,
)
FOLLOW = Action("log_follow", "Follow the newest line", None, ("End", "Ctrl+End"), widget=_HERE)
COPY = Action("log_copy", "Copy", None, ("Ctrl+C", "Ctrl+Ins"), tip="The selected lines", group=9, widget=_HERE)
COPY_WITH_NAMES = Action(
    "log_copy_names", "Copy with names", None, ("Ctrl+Shift+C",), tip="Who wrote each line", group=9, widget=_HERE
)
SELECT_ALL = Action("log_select_all", "Select all", None, ("Ctrl+A",), tip="All lines", group=9, widget=_HERE)


class LogText(LogCanvas):
    """Signals:
    message_asked: The id of a message whose line was chosen.
    """

    message_asked = Signal(object)

    def __init__(self, theme: Theme, actions: ActionSet, parent: QWidget | None = None) -> None:
        """`actions` of its page get those of the log too."""
        super().__init__(theme, parent)
        self._grip: tuple[LogPlace, LogPlace] | None = None  # what the drag began with: a place, a word or a line
        self._unit = "character"
        self._pointer = QPoint()
        self._since_double = QElapsedTimer()
        self._dragging = QTimer(self)  # scrolls on while the pointer is held outside
        self._dragging.timeout.connect(self._drag_on)
        self.mirror.menu_asked.connect(self._show_menu_at_line)
        self._add_actions(actions)

    def _add_actions(self, actions: ActionSet) -> None:
        self._actions = actions
        actions.add(
            SHOW_MESSAGE,
            lambda: self.message_asked.emit(self._message_id()),
            lambda: "Go to a line that names a message" if self._message_id() is None else "",
            says=lambda: SHOW_MESSAGE.verb if self._message_id() is None else f"Show message {self._message_id()}",
        )
        actions.add(FOLLOW, self._follow)
        actions.add(COPY, self.copy, self._why_not_copy)
        actions.add(
            COPY_WITH_NAMES,
            lambda: self.copy(has_heads=True),
            lambda: self._why_not_copy() if self.columns.cells else "These lines have no names",
        )
        actions.add(SELECT_ALL, self.select_all)

    def _why_not_copy(self) -> str:
        return "" if self.selection else "Select lines first"

    # --- mouse ------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        number = self.place_at(event.pos()).number
        self.set_current_line(number if number in self.lines else None)
        self._show_menu(event.pos())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press(event.position().toPoint(), event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press_again(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self._pointer = event.position().toPoint()
            self._drag_on()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = None
            self._dragging.stop()

    def _press(self, point: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        place = self.place_at(point)
        self.mirror.setFocus(Qt.FocusReason.MouseFocusReason)
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.set_current_line(place.number if place.number in self.lines else None)
            if self._message_id() is not None:
                self.message_asked.emit(self._message_id())
            return
        is_third = self._unit == "word" and not self._since_double.hasExpired(QApplication.doubleClickInterval())
        self._unit = "line" if is_third else "character"
        grip = self._line(place.number) if is_third else (place, place)
        if modifiers & Qt.KeyboardModifier.ShiftModifier and self.selection:
            grip = (self.selection.anchor, self.selection.anchor)
        self._grip, self._pointer = grip, point
        self.set_current_line(place.number if place.number in self.lines else None)
        self._stretch(place)

    def _press_again(self, point: QPoint) -> None:
        place = self.place_at(point)
        if place.number in self.lines:
            start, end = word_at(self.lines[place.number].plain, place.column)
            self._unit, self._pointer = "word", point
            self._since_double.start()
            self._grip = LogPlace(place.number, start), LogPlace(place.number, end)
            self._stretch(place)

    def _drag_on(self) -> None:
        """Select up to the pointer; outside, scroll towards it."""
        height = self.viewport().height()
        outside = min(self._pointer.y(), 0) or max(self._pointer.y() - height, 0)
        if outside:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (outside // 20 - 1 if outside < 0 else outside // 20 + 1))
            if not self._dragging.isActive():
                self._dragging.start(_DRAG_TICK_MS)
        else:
            self._dragging.stop()
        self._stretch(self.place_at(QPoint(self._pointer.x(), min(max(self._pointer.y(), 0), height - 1))))

    def _stretch(self, place: LogPlace) -> None:
        """From what was gripped up to `place`, by characters, words or lines."""
        if self._grip is None:
            return
        start, end = self._grip
        low, high = place, place
        if place.number in self.lines:
            if self._unit == "line":
                low, high = self._line(place.number)
            elif self._unit == "word":
                columns = word_at(self.lines[place.number].plain, place.column)
                low, high = (LogPlace(place.number, column) for column in columns)
        self.select(end, low) if low < start else self.select(start, max(high, end))

    def _line(self, number: int) -> tuple[LogPlace, LogPlace]:
        length = len(self.lines[number].plain) if number in self.lines else 0
        return LogPlace(number, 0), LogPlace(number, length)

    # --- keyboard ---------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._press_key(event):
            event.ignore()

    def _press_key(self, event: QKeyEvent) -> bool:
        """Whether the key means something here."""
        if self._actions.press(event, _HERE):
            return True
        has_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return not has_alt and self._press_plain(event)

    def _press_plain(self, event: QKeyEvent) -> bool:
        key = event.key()
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps: dict[int, int] = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -self.page_rows,
            Qt.Key.Key_PageDown: self.page_rows,
        }
        if key == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
            self._go_to(self.lines.first, has_shift)
        elif key in steps:
            self._step(steps[key], has_shift)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() + (bar.singleStep() if key == Qt.Key.Key_Right else -bar.singleStep()))
        elif key == Qt.Key.Key_Escape and (self.selection or self.current_line is not None):
            self.clear_selection()
            self.set_current_line(None)
        else:
            return False
        return True

    def _follow(self) -> None:
        self.set_current_line(None)
        self.jump_to_newest()

    def _step(self, step: int, has_shift: bool) -> None:
        """From the current line on; without one, from that at the edge which lies in the way."""
        current = self.current_line
        if current is None:
            bar = self.verticalScrollBar()
            edge = bar.value() + (self.page_rows - 1 if step < 0 else 0)
            current = self.lines.place_of(min(edge, max(0, self.lines.row_count - 1)))[0] if len(self.lines) else 0
            step = 0 if abs(step) == 1 else step
        self._go_to(current + step, has_shift)

    def _go_to(self, number: int, has_shift: bool) -> None:
        if not len(self.lines):
            return
        number = min(max(number, self.lines.first), self.lines.end - 1)
        if has_shift:
            anchor = self.selection.anchor.number if self.selection else self.current_line
            self._select_lines(number if anchor is None else anchor, number)
        else:
            self.clear_selection()
        self.set_current_line(number)
        self.step_into_sight(number)

    def _select_lines(self, anchor: int, number: int) -> None:
        """Whole lines from one to the other, whichever comes first."""
        low, high = self._line(anchor), self._line(number)
        self.select(low[0], high[1]) if anchor <= number else self.select(low[1], high[0])

    # --- what a line leads to ---------------------------------------------------------------------

    def _message_id(self) -> int | None:
        """That which the current line names."""
        return None if self.current_line is None else self.lines[self.current_line].message_id

    def _show_menu_at_line(self) -> None:
        """The keyboard asks for the menu."""
        self._show_menu(QPoint(8, 8) if self.current_line is None else self.bottom_of(self.current_line))

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setObjectName("log_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        self._actions.refresh()
        fill_menu(menu, [self._actions.entry(one.name) for one in (SHOW_MESSAGE, COPY, COPY_WITH_NAMES, SELECT_ALL)])
        menu.popup(self.viewport().mapToGlobal(point))
