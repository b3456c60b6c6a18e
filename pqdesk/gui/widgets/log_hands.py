"""Mouse and keyboard in a log: selecting, copying, going from line to line, asking for the message of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu

from pqdesk.gui.widgets.log_selection import LogPlace, word_at

if TYPE_CHECKING:
    from pqdesk.gui.widgets.log_text import LogText

_DRAG_TICK_MS = 50
_COPY_KEYS = (QKeySequence("Ctrl+C"), QKeySequence("Ctrl+Insert"))
_COPY_WITH_NAMES = QKeySequence("Ctrl+Shift+C")


class LogHands(QObject):
    """Belongs to one log; looks at what happens in its viewport."""

    def __init__(self, log: LogText) -> None:
        super().__init__(log)
        self._log = log
        self._grip: tuple[LogPlace, LogPlace] | None = None  # what the drag began with: a place, a word or a line
        self._unit = "character"
        self._pointer = QPoint()
        self._since_double = QElapsedTimer()
        self._timer = QTimer(self)  # scrolls on while the pointer is held outside
        self._timer.timeout.connect(self._drag_on)
        log.viewport().installEventFilter(self)

    # --- mouse ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QContextMenuEvent):
            self._show_menu(event.pos(), self._log.place_at(event.pos()).number)
            return True
        if not isinstance(event, QMouseEvent):
            return False
        point, is_left = event.position().toPoint(), event.button() == Qt.MouseButton.LeftButton
        if event.type() == QEvent.Type.MouseButtonPress and is_left:
            self._press(point, event.modifiers())
        elif event.type() == QEvent.Type.MouseButtonDblClick and is_left:
            self._press_again(point)
        elif event.type() == QEvent.Type.MouseMove and self._grip is not None:
            self._pointer = point
            self._drag_on()
        elif event.type() == QEvent.Type.MouseButtonRelease and is_left:
            self._grip = None
            self._timer.stop()
        else:
            return False
        return True

    def _press(self, point: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        log, place = self._log, self._log.place_at(point)
        log.mirror.setFocus(Qt.FocusReason.MouseFocusReason)
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.ask_message(place.number)
            return
        is_third = self._unit == "word" and not self._since_double.hasExpired(QApplication.doubleClickInterval())
        self._unit = "line" if is_third else "character"
        grip = self._line(place.number) if is_third else (place, place)
        if modifiers & Qt.KeyboardModifier.ShiftModifier and log.selection:
            grip = (log.selection.anchor, log.selection.anchor)
        self._grip, self._pointer = grip, point
        log.set_current_line(place.number if place.number in log.lines else None)
        self._stretch(place)

    def _press_again(self, point: QPoint) -> None:
        place = self._log.place_at(point)
        if place.number in self._log.lines:
            start, end = word_at(self._log.lines[place.number].plain, place.column)
            self._unit, self._pointer = "word", point
            self._since_double.start()
            self._grip = LogPlace(place.number, start), LogPlace(place.number, end)
            self._stretch(place)

    def _drag_on(self) -> None:
        """Select up to the pointer; outside, scroll towards it."""
        log, height = self._log, self._log.viewport().height()
        outside = min(self._pointer.y(), 0) or max(self._pointer.y() - height, 0)
        if outside:
            bar = log.verticalScrollBar()
            bar.setValue(bar.value() + (outside // 20 - 1 if outside < 0 else outside // 20 + 1))
            if not self._timer.isActive():
                self._timer.start(_DRAG_TICK_MS)
        else:
            self._timer.stop()
        self._stretch(log.place_at(QPoint(self._pointer.x(), min(max(self._pointer.y(), 0), height - 1))))

    def _stretch(self, place: LogPlace) -> None:
        """From what was gripped up to `place`, by characters, words or lines."""
        if self._grip is None:
            return
        start, end = self._grip
        low, high = place, place
        if place.number in self._log.lines:
            if self._unit == "line":
                low, high = self._line(place.number)
            elif self._unit == "word":
                columns = word_at(self._log.lines[place.number].plain, place.column)
                low, high = (LogPlace(place.number, column) for column in columns)
        self._log.select(end, low) if low < start else self._log.select(start, max(high, end))

    def _line(self, number: int) -> tuple[LogPlace, LogPlace]:
        length = len(self._log.lines[number].plain) if number in self._log.lines else 0
        return LogPlace(number, 0), LogPlace(number, length)

    # --- keyboard ---------------------------------------------------------------------------------

    def press_key(self, event: QKeyEvent) -> bool:
        """Whether the key means something here."""
        log, pressed = self._log, QKeySequence(event.keyCombination())
        if pressed == _COPY_WITH_NAMES or pressed in _COPY_KEYS:
            log.copy(has_heads=pressed == _COPY_WITH_NAMES)
        elif pressed == QKeySequence("Ctrl+A"):
            log.select_all()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return False
        else:
            return self._press_plain(event)
        return True

    def _press_plain(self, event: QKeyEvent) -> bool:
        log, key = self._log, event.key()
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps: dict[int, int] = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -log.page_rows,
            Qt.Key.Key_PageDown: log.page_rows,
        }
        if key == Qt.Key.Key_End:
            log.set_current_line(None)
            log.jump_to_newest()
        elif key == Qt.Key.Key_Home:
            log.verticalScrollBar().setValue(0)
            self._go_to(log.lines.first, has_shift)
        elif key in steps:
            self._step(steps[key], has_shift)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            bar = log.horizontalScrollBar()
            bar.setValue(bar.value() + (bar.singleStep() if key == Qt.Key.Key_Right else -bar.singleStep()))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return log.current_line is not None and self.ask_message(log.current_line)
        elif key == Qt.Key.Key_Escape and (log.selection or log.current_line is not None):
            log.clear_selection()
            log.set_current_line(None)
        else:
            return False
        return True

    def _step(self, step: int, has_shift: bool) -> None:
        """From the current line on; without one, from that at the edge which lies in the way."""
        log = self._log
        current = log.current_line
        if current is None:
            bar = log.verticalScrollBar()
            edge = bar.value() + (log.page_rows - 1 if step < 0 else 0)
            current = log.lines.place_of(min(edge, max(0, log.lines.row_count - 1)))[0] if len(log.lines) else 0
            step = 0 if abs(step) == 1 else step
        self._go_to(current + step, has_shift)

    def _go_to(self, number: int, has_shift: bool) -> None:
        log = self._log
        if not len(log.lines):
            return
        number = min(max(number, log.lines.first), log.lines.end - 1)
        if has_shift:
            anchor = log.selection.anchor.number if log.selection else log.current_line
            self._select_lines(number if anchor is None else anchor, number)
        else:
            log.clear_selection()
        log.set_current_line(number)
        log.step_into_sight(number)

    def _select_lines(self, anchor: int, number: int) -> None:
        """Whole lines from one to the other, whichever comes first."""
        low, high = self._line(anchor), self._line(number)
        self._log.select(low[0], high[1]) if anchor <= number else self._log.select(low[1], high[0])

    # --- what a line leads to ---------------------------------------------------------------------

    def ask_message(self, number: int) -> bool:
        """Whether the line names a message; then whoever listens shows it."""
        message_id = self._log.lines[number].message_id if number in self._log.lines else None
        if message_id is not None:
            self._log.message_asked.emit(message_id)
        return message_id is not None

    def show_menu_at_line(self) -> None:
        """The keyboard asks for the menu."""
        number = self._log.current_line
        point = QPoint(8, 8) if number is None else self._log.bottom_of(number)
        self._show_menu(point, -1 if number is None else number)

    def _show_menu(self, point: QPoint, number: int) -> None:
        log = self._log
        menu = QMenu(log)
        menu.setObjectName("log_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        message_id = log.lines[number].message_id if number in log.lines else None
        if message_id is not None:
            show = menu.addAction(f"Show message {message_id}")
            show.triggered.connect(lambda: log.message_asked.emit(message_id))
            menu.addSeparator()
        copy = menu.addAction("Copy\tCtrl+C")
        copy.triggered.connect(lambda: log.copy())
        with_names = menu.addAction("Copy with names\tCtrl+Shift+C")
        with_names.triggered.connect(lambda: log.copy(has_heads=True))
        with_names.setVisible(bool(log.columns.cells))
        for action in (copy, with_names):
            action.setEnabled(bool(log.selection))
        menu.addAction("Select all\tCtrl+A").triggered.connect(log.select_all)
        menu.popup(log.viewport().mapToGlobal(point))
