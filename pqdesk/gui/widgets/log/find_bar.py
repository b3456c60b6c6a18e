"""Finding in a log: hits are counted bit by bit as lines come and go; the field, previous and next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.palette import Role
from pqdesk.gui.shell.actions import Action, ActionSet
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox
from pqdesk.gui.widgets.log.choosing import Sought
from pqdesk.gui.widgets.log.lines import LogPlace
from pqdesk.gui.widgets.log.text import LogText

_BUDGET_MS = 8  # of one turn of the event loop
_LINES_BETWEEN_LOOKS = 50  # at the clock
_FIELD_PX = 210
_CLEAR_PX = 26  # of the field's own button at its right
_TIP = "Enter goes to the one above, Shift+Enter to the one below; F3 and Shift+F3 do it from anywhere"
ABOVE = Action("log_find_previous", "Previous match", None, ("F3",), icon="arrow-up", tip="The match above in the log")
BELOW = Action("log_find_next", "Next match", None, ("Shift+F3",), icon="arrow-down", tip="The match below in the log")
REGEX = Action("log_find_regex", "Regular expression", None, tip="What is looked for is one", is_checkable=True)


class LogFinder(QObject):
    """Looks through the lines of one log and goes from hit to hit.

    Signals:
        counted: How many lines were found has changed, or on which of them one stands.
        settled: Everything was looked through; for an announcement.
    """

    counted = Signal()
    settled = Signal()

    def __init__(self, log: LogText) -> None:
        super().__init__(log)
        self._log = log
        self._sought = Sought("", is_regex=False)
        self._hits: list[int] = []  # numbers of lines, rising
        self._next = 0  # the first line not looked at
        self._wish: bool | None = None  # go down or up, when all is looked through
        self._is_settled = True
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look_on)
        log.lines_taken.connect(self._on_lines_taken)

    @property
    def sought(self) -> Sought:
        return self._sought

    @property
    def is_looking(self) -> bool:
        return self._timer.isActive()

    @property
    def count(self) -> int:
        """Lines with a hit."""
        return len(self._hits)

    @property
    def position(self) -> int | None:
        """Which of them one stands on, from 1, the oldest, on; None for none of them."""
        at = self._log.current_line
        if at is None:
            return None
        place = bisect_left(self._hits, at)
        return place + 1 if place < len(self._hits) and self._hits[place] == at else None

    def seek(self, sought: Sought) -> None:
        """Look for this from now on."""
        self._sought = sought
        self._hits.clear()
        self._wish = None
        self._next = self._log.lines.first
        self._log.mark_hits(sought)
        self._is_settled = False
        self._look_soon()
        self.counted.emit()

    def go(self, *, is_down: bool) -> None:
        """To the next hit from the current line on, else from what is in sight; at the end begin anew."""
        if not self._sought:
            return
        if self.is_looking:
            self._wish = is_down
            return
        if not self._hits:
            return
        at = self._log.current_line
        if at is None:
            bar = self._log.verticalScrollBar()
            row = bar.value() if is_down else min(bar.value() + self._log.page_rows, self._log.lines.row_count) - 1
            at = self._log.lines.place_of(max(0, row))[0] + (-1 if is_down else 1)
        place = bisect_right(self._hits, at) if is_down else bisect_left(self._hits, at) - 1
        self._stand_on(self._hits[place % len(self._hits)])

    def _stand_on(self, number: int) -> None:
        log = self._log
        start, end = next(iter(self._sought.spans(log.lines[number].plain)), (0, 0))
        log.select(LogPlace(number, start), LogPlace(number, end))
        log.set_current_line(number)
        log.show_line(number)
        log.mark_hits(self._sought, number)
        self.counted.emit()

    def _on_lines_taken(self) -> None:
        gone = bisect_left(self._hits, self._log.lines.first)
        if gone:
            del self._hits[:gone]
        self._next = max(self._next, self._log.lines.first)
        self._look_soon()

    def _look_soon(self) -> None:
        if self._sought and self._next < self._log.lines.end:
            self._timer.start(0)
        else:
            self._next = self._log.lines.end
            self._timer.stop()

    def _look_on(self) -> None:
        spent = QElapsedTimer()
        spent.start()
        before, lines = len(self._hits), self._log.lines
        while self._next < lines.end and spent.elapsed() < _BUDGET_MS:
            until = min(self._next + _LINES_BETWEEN_LOOKS, lines.end)
            self._hits += [n for n, line in lines.numbered(self._next, until) if self._sought.is_in(line.plain)]
            self._next = until
        is_done = self._next >= lines.end
        if is_done:
            self._timer.stop()
        if is_done or len(self._hits) != before:
            self.counted.emit()
        if is_done and not self._is_settled:
            self._is_settled = True
            self.settled.emit()
        if is_done and self._wish is not None:
            wish, self._wish = self._wish, None
            self.go(is_down=wish)


class LogFindBar(QWidget):
    """Finds in one log; Ctrl+F of the page comes here."""

    def __init__(self, log: LogText, theme: Theme, actions: ActionSet, parent: QWidget | None = None) -> None:
        """`actions` of the page get those of finding too."""
        super().__init__(parent)
        self._theme, self._log, self._actions = theme, log, actions
        self.finder = LogFinder(log)
        self._has_hits = False
        self.field = self._make_field()
        self._count = PlainLabel("", self.field, look="muted", objectName="log_find_count")
        self.field.installEventFilter(self)
        why_not = lambda: "" if self.finder.count else "Nothing is found"  # noqa: E731
        actions.add(ABOVE, lambda: self.finder.go(is_down=False), why_not)
        actions.add(BELOW, lambda: self.finder.go(is_down=True), why_not)
        self.regex = actions.add(REGEX)
        actions.entry(REGEX.name).label = ".*"
        tools = [actions.button(one.name, self, look="quiet") for one in (REGEX, ABOVE, BELOW)]
        for tool in tools:
            tool.set_words(tool is tools[0])
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        hbox(self.field, *tools, on=self, spacing=2)
        self.field.textChanged.connect(lambda _: self._seek())
        self.regex.toggled.connect(lambda _: self._seek())
        self.finder.counted.connect(self._show_count)
        self.finder.settled.connect(self._announce)
        self._show_count()

    def _make_field(self) -> QLineEdit:
        field = QLineEdit(self)
        field.setObjectName("log_find")
        field.setAccessibleName("Find in log")
        field.setPlaceholderText("Find")
        field.setToolTip(as_tooltip(_TIP))
        field.setClearButtonEnabled(True)
        field.setFixedWidth(_FIELD_PX)
        self._icon = QAction(field)
        self._theme.picture(self._icon, "search", Role.MUTED)
        field.addAction(self._icon, QLineEdit.ActionPosition.LeadingPosition)
        return field

    def focus_field(self) -> None:
        """A word that is selected in the log is what one wants to find."""
        chosen = self._log.selected_text()
        if chosen and "\n" not in chosen and not self.field.text():
            self.field.setText(chosen)
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place_count()
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finder.go(is_down=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return True
        if event.key() == Qt.Key.Key_Escape:
            if self.field.text():
                self.field.clear()
            else:
                self._log.mirror.setFocus(Qt.FocusReason.OtherFocusReason)
            return True
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._log.mirror.setFocus(Qt.FocusReason.OtherFocusReason)
            return True
        return False

    def _seek(self) -> None:
        self.finder.seek(Sought(self.field.text(), is_regex=self.regex.isChecked()))

    def _show_count(self) -> None:
        sought, text = self.finder.sought, self.field.text()
        if bool(self.finder.count) != self._has_hits:
            self._has_hits = bool(self.finder.count)
            self._actions.refresh()
        self._count.setText(self._words() if text else "")
        self._count.setVisible(bool(text))
        self._place_count()
        is_bad = bool(text) and (bool(sought.problem) or sought.is_slow)
        self._count.setToolTip(as_tooltip(self._problem()) if is_bad else "")
        set_look(self.field, "bad" if is_bad else "")
        self._theme.picture(self._icon, "search", Role.ERROR if is_bad else Role.MUTED)

    def _place_count(self) -> None:
        self._count.adjustSize()
        size, room = self._count.size(), self.field.size()
        self._count.move(room.width() - _CLEAR_PX - size.width(), (room.height() - size.height()) // 2)
        self.field.setTextMargins(0, 0, size.width() if self._count.text() else 0, 0)

    def _words(self) -> str:
        if self.finder.sought.problem:
            return "Bad pattern"
        position, count = self.finder.position, self.finder.count
        if self.finder.sought.is_slow:
            return "Too slow"
        if position is not None:
            return f"{format_number(position)} of {format_number(count)}"
        return format_count(count, "line") if count or not self.finder.is_looking else "…"

    def _problem(self) -> str:
        return (
            self.finder.sought.problem or "This expression takes too many steps on some lines; those were passed over"
        )

    def _announce(self) -> None:
        if QAccessible.isActive() and self.field.text():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.field, self._words()))
