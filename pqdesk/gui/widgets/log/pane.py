"""A log with its controls: title, stream, level, find, wrap, columns, clear."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QVBoxLayout, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.shell.actions import Action, ActionSet, fill_menu
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import ElidedLabel, Hairline
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.gui.widgets.log.choosing import LogFilter
from pqdesk.gui.widgets.log.find_bar import LogFindBar
from pqdesk.gui.widgets.log.lines import LINES_KEPT, LogLine
from pqdesk.gui.widgets.log.painter import LogColumns
from pqdesk.gui.widgets.log.text import LogText
from pqdesk.supervision.logs.levels import Level

_WORDS_FROM_PX = 940  # narrower, Wrap and Clear view have room for their pictures only
_ALL_LEVELS = "All levels"
_CLEARED = "Cleared. New lines appear here"
WRAP = Action("log_wrap", "Wrap", None, icon="wrap", tip="Wrap long lines", is_checkable=True)
CLEAR = Action("log_clear", "Clear view", None, icon="close", tip="Clear what is shown here; the file stays as it is")
TIME = Action("log_time_column", "Time column", None, tip="When each line came", is_checkable=True)
SOURCE = Action("log_source_column", "Source column", None, tip="Output or errors", is_checkable=True)
OPEN_FILE = Action("log_open_file", "Open log file", None, tip="In the program for it", group=10)
CLEAR_FILE = Action("log_clear_file", "Clear log file…", None, tip="Empty it, and delete what was rotated", group=10)


class LogPane(QWidget):
    """Signals:
    cleared: The user cleared the view; the file is untouched.
    clear_files_asked: tuple[Path, ...]: the user wants these log files emptied; nobody has been asked yet.
    open_file_asked: The Path of a log to be opened in another program.
    message_asked: The id of the message that a line names.
    """

    cleared = Signal()
    clear_files_asked = Signal(object)
    open_file_asked = Signal(object)
    message_asked = Signal(object)

    def __init__(self, theme: Theme, actions: ActionSet, parent: QWidget | None = None) -> None:
        """`actions` of its page get those of the log too."""
        super().__init__(parent)
        self.setObjectName("log_pane")
        self.theme = theme
        self._kept: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._filter = LogFilter()
        self._empty_text = ""
        self._files: tuple[Path, ...] = ()
        self.text = LogText(theme, actions, self)
        self.text.message_asked.connect(self.message_asked)
        self.title = ElidedLabel("", self, look="strong", objectName="log_title")
        self.stream = QComboBox(self)
        self.stream.setObjectName("log_stream")
        self.stream.setAccessibleName("Stream")
        self.stream.addItems(["Output and errors", "Output", "Errors"])
        self._level = self._make_level()
        self.empty = EmptyState(theme, "log_empty", self.text.viewport())
        self.empty.pressed.connect(lambda: self._level.setCurrentIndex(0))
        self.find_bar = LogFindBar(self.text, theme, actions, self)
        self._add_actions(actions)
        self._wrap, self._clear = (actions.button(one.name, self, look="quiet") for one in (WRAP, CLEAR))
        self._more = self._make_more(actions)
        self.text.mirror.installEventFilter(self)
        self._lay_out()

    def _add_actions(self, actions: ActionSet) -> None:
        self._actions = actions
        actions.add(WRAP).toggled.connect(self.text.set_wrapped)
        actions.add(CLEAR, self._on_clear)
        self._time, self._source = actions.add(TIME), actions.add(SOURCE)
        for column in (self._time, self._source):
            column.toggled.connect(lambda _: self._update_columns())
        why_not = lambda: "" if self._files else "Choose one worker first"  # noqa: E731
        actions.add(OPEN_FILE, lambda: self.open_file_asked.emit(self._files[0]), why_not)
        actions.add(CLEAR_FILE, lambda: self.clear_files_asked.emit(self._files), why_not)

    def _make_level(self) -> QComboBox:
        picker = QComboBox(self)
        picker.setObjectName("log_level")
        picker.setAccessibleName("Level")
        picker.setToolTip("Lines of this level and above; a line without a level belongs to the one before it")
        picker.addItem(_ALL_LEVELS, None)
        for level in Level:
            text = level.word if level is Level.CRITICAL else f"{level.word} and above"
            picker.addItem(text, level)
        picker.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        picker.setMinimumContentsLength(10)
        picker.currentIndexChanged.connect(lambda _: self._on_level())
        return picker

    def _make_more(self, actions: ActionSet) -> QPushButton:
        button = make_button("", "log_more", self, look="quiet")
        button.setAccessibleName("More for the log")
        button.setProperty("bulk", "tool")
        self.theme.picture(button, "more")
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        fill_menu(menu, [actions.entry(one.name) for one in (TIME, SOURCE, OPEN_FILE, CLEAR_FILE)])
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        controls = hbox(
            (self.title, 1),
            self.stream,
            self._level,
            self.find_bar,
            self._wrap,
            self._clear,
            self._more,
            margins=(16, 6, 8, 6),
            spacing=6,
        )
        column = vbox(controls, on=self, spacing=0)
        self.notices = QVBoxLayout()  # what is to be said about the log
        column.addWidget(Hairline(self))
        column.addLayout(self.notices)
        column.addWidget(self.text, 1)

    # --- what the page asks -----------------------------------------------------------------------

    def set_lines(self, lines: Sequence[LogLine], empty_text: str) -> None:
        """Show these instead; `empty_text` stands there while there are none."""
        self._kept = deque(lines, maxlen=LINES_KEPT)
        self._empty_text = empty_text
        self._filter.begin_anew()
        self._update_columns()
        self.text.set_lines(self._filter.passing(self._kept))
        self._update_empty()

    def append_lines(self, lines: Sequence[LogLine]) -> None:
        if not lines:
            return
        self._kept.extend(lines)
        if max(len(one.prefix) for one in lines) > self.text.columns.prefix_cells:
            self._update_columns()
        self.text.append_lines(self._filter.passing(lines))
        self._update_empty()

    def set_files(self, files: Sequence[Path]) -> None:
        """What Open and Clear log file are about: the files of the one log that is shown, none for several."""
        if tuple(files) != self._files:
            self._files = tuple(files)
            self._actions.refresh()

    def show_place(self, at: int) -> None:
        """Go to the `at`-th of the lines that were set; the lines stand still there."""
        self._level.setCurrentIndex(0)
        number = self.text.lines.first + at
        self.text.set_current_line(number)
        self.text.show_line(number)

    def focus_find(self) -> None:
        self.find_bar.focus_field()

    # --- what is shown ----------------------------------------------------------------------------

    def _on_level(self) -> None:
        """Other lines, but the one on top stays in sight."""
        self._filter.set_lowest(self._level.currentData())
        before = None if self.text.is_following else self.text.top_line
        shown = self._filter.passing(self._kept)
        self.text.set_lines(shown)
        if before is not None:
            self._show_near(before, shown)
        self._update_empty()

    def _show_near(self, line: LogLine, shown: Sequence[LogLine]) -> None:
        """The first shown line that is not before `line`."""
        at = next((at for at, one in enumerate(self._kept) if one is line), None)
        if at is None:
            return
        later = {id(one) for index, one in enumerate(self._kept) if index >= at}
        first = next((index for index, one in enumerate(shown) if id(one) in later), None)
        if first is not None:
            self.text.scroll_to_line(self.text.lines.first + first)

    def _update_columns(self) -> None:
        widest = max((len(one.prefix) for one in self._kept), default=0)
        self.text.set_columns(LogColumns(self._time.isChecked(), self._source.isChecked(), widest))

    def _update_empty(self) -> None:
        if not self._kept:
            self.empty.show_text(self._empty_text, icon="logs", role=Role.MUTED)
        elif self.text.has_lines:
            self.empty.hide()
        else:
            text = f"Nothing of level {self._level.currentText().lower()}"
            self.empty.show_text(text, icon="filter", role=Role.MUTED, button="Show all levels")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the log itself, / begins to find."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.text() == "/":
            self.focus_find()
            return True
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for button in (self._wrap, self._clear):
            button.set_words(self.width() >= _WORDS_FROM_PX)

    def _on_clear(self) -> None:
        self.set_lines((), _CLEARED)
        self.cleared.emit()
