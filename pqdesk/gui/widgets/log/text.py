"""A log with mouse and keyboard: selecting, copying, going from line to line, asking for the message of a line."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.log.canvas import LogCanvas
from pqdesk.gui.widgets.log.lines import LogPlace, word_at

_DRAG_TICK_MS = 50
_COPY_KEYS = (QKeySequence("Ctrl+C"), QKeySequence("Ctrl+Insert"))
_COPY_WITH_NAMES = QKeySequence("Ctrl+Shift+C")


class LogText(LogCanvas):
    """Signals:
    message_asked: The id of a message whose line was chosen.
    """

    message_asked = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._grip: tuple[LogPlace, LogPlace] | None = None  # what the drag began with: a place, a word or a line
        self._unit = "character"
        self._pointer = QPoint()
        self._since_double = QElapsedTimer()
        self._dragging = QTimer(self)  # scrolls on while the pointer is held outside
        self._dragging.timeout.connect(self._drag_on)
        self.mirror.menu_asked.connect(self._show_menu_at_line)

    # --- mouse ------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._show_menu(event.pos(), self.place_at(event.pos()).number)

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
            self.ask_message(place.number)
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
        pressed = QKeySequence(event.keyCombination())
        if pressed == _COPY_WITH_NAMES or pressed in _COPY_KEYS:
            self.copy(has_heads=pressed == _COPY_WITH_NAMES)
        elif pressed == QKeySequence("Ctrl+A"):
            self.select_all()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return False
        else:
            return self._press_plain(event)
        return True

    def _press_plain(self, event: QKeyEvent) -> bool:
        key = event.key()
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps: dict[int, int] = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -self.page_rows,
            Qt.Key.Key_PageDown: self.page_rows,
        }
        if key == Qt.Key.Key_End:
            self.set_current_line(None)
            self.jump_to_newest()
        elif key == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
            self._go_to(self.lines.first, has_shift)
        elif key in steps:
            self._step(steps[key], has_shift)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() + (bar.singleStep() if key == Qt.Key.Key_Right else -bar.singleStep()))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return self.current_line is not None and self.ask_message(self.current_line)
        elif key == Qt.Key.Key_Escape and (self.selection or self.current_line is not None):
            self.clear_selection()
            self.set_current_line(None)
        else:
            return False
        return True

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

    def ask_message(self, number: int) -> bool:
        """Whether the line names a message; then whoever listens shows it."""
        message_id = self.lines[number].message_id if number in self.lines else None
        if message_id is not None:
            self.message_asked.emit(message_id)
        return message_id is not None

    def _show_menu_at_line(self) -> None:
        """The keyboard asks for the menu."""
        number = self.current_line
        point = QPoint(8, 8) if number is None else self.bottom_of(number)
        self._show_menu(point, -1 if number is None else number)

    def _show_menu(self, point: QPoint, number: int) -> None:
        menu = QMenu(self)
        menu.setObjectName("log_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        message_id = self.lines[number].message_id if number in self.lines else None
        if message_id is not None:
            show = menu.addAction(f"Show message {message_id}")
            show.triggered.connect(lambda: self.message_asked.emit(message_id))
            menu.addSeparator()
        copy = menu.addAction("Copy\tCtrl+C")
        copy.triggered.connect(lambda: self.copy())
        with_names = menu.addAction("Copy with names\tCtrl+Shift+C")
        with_names.triggered.connect(lambda: self.copy(has_heads=True))
        with_names.setVisible(bool(self.columns.cells))
        for action in (copy, with_names):
            action.setEnabled(bool(self.selection))
        menu.addAction("Select all\tCtrl+A").triggered.connect(self.select_all)
        menu.popup(self.viewport().mapToGlobal(point))
