"""Why the selected worker does not stay up: how it ended, the likely cause, its last words, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QPushButton, QWidget

from pqdesk.gui.palette import WORKER_LOOKS
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.ansi import parse_ansi
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.logs.likely_cause import likely_cause
from pqdesk.supervision.records import ReplicaRecord, WorkerState

LAST_LINES = 20
_LINES_SEEN = 5


class TroublePanel(QFrame):
    """Hidden while the worker is well.

    Signals:
        stop_asked: The process shall not be started again and again.
        undo_asked: The name of the worker whose last change is to be taken back.
        edit_asked: The name of the worker whose command is to be mended.
        log_asked: The process whose whole log shall be shown.
    """

    stop_asked = Signal(str)
    undo_asked = Signal(str)
    edit_asked = Signal(str)
    log_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("worker_trouble")
        self.setProperty("look", "banner")
        self._theme = theme
        self._replica: ReplicaRecord | None = None
        self._icon = QLabel(self)
        self._title, self._cause, self._how = (PlainLabel("", self) for _ in range(3))
        self._title.setObjectName("trouble_title")
        self._cause.setObjectName("trouble_cause")
        self._how.setProperty("look", "muted")
        for label in (self._cause, self._how):
            label.setWordWrap(True)
        self._last = QPlainTextEdit(self)
        self._last.setObjectName("trouble_lines")
        self._last.setAccessibleName("Last errors")
        self._last.setReadOnly(True)
        self._last.setTabChangesFocus(True)
        self._last.setFrameShape(QFrame.Shape.NoFrame)
        self._last.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self._stop = self._button("Stop retrying", "stop_retrying", lambda one: self.stop_asked.emit(one.process))
        self._undo = self._button("Undo edit", "undo_edit", lambda one: self.undo_asked.emit(one.worker))
        self._edit = self._button("Edit command", "edit_command", lambda one: self.edit_asked.emit(one.worker))
        self._show = self._button("Open full log", "open_full_log", lambda one: self.log_asked.emit(one.process))
        self._lay_out()
        self._title.setFont(theme.font(105, is_semibold=True))
        self._last.setFont(theme.fixed_font(92))
        self._last.setProperty("look", "clear")
        self._last.setFixedHeight(self._last.fontMetrics().lineSpacing() * _LINES_SEEN + 12)
        self.hide()

    def _lay_out(self) -> None:
        words = vbox(self._title, self._cause, self._how, spacing=4)
        head = hbox(
            (self._icon, Qt.AlignmentFlag.AlignTop),
            (words, 1),
            (self._stop, Qt.AlignmentFlag.AlignTop),
            (self._undo, Qt.AlignmentFlag.AlignTop),
            (self._edit, Qt.AlignmentFlag.AlignTop),
            (self._show, Qt.AlignmentFlag.AlignTop),
            spacing=10,
        )
        vbox(head, self._last, on=self, margins=(16, 10, 16, 10), spacing=8)

    def show_trouble(self, replica: ReplicaRecord, error_lines: Sequence[str], *, was_edited: bool) -> None:
        """`error_lines`: the newest lines of its stderr; `was_edited`: in this window, which can be taken back."""
        lines = [visible_line(parse_ansi(line)[0]) for line in error_lines[-LAST_LINES:]]
        self._replica = replica
        self._title.setText(f"{visible_line(replica.process)}: {replica.state.word.lower()}")
        self._cause.setText(visible_line(likely_cause(how_it_ended(replica), lines)))
        self._cause.setVisible(bool(self._cause.text()))
        how = how_it_ended(replica) or replica.description
        self._how.setText(f"Last exit: {visible_line(how)}" if how else "")
        self._how.setVisible(bool(how))
        self._undo.setVisible(was_edited)
        self._stop.setVisible(replica.state in (WorkerState.CRASH_LOOPING, WorkerState.BACKING_OFF))
        if self._last.toPlainText() != "\n".join(lines):
            self._last.setPlainText("\n".join(lines))
            self._last.verticalScrollBar().setValue(self._last.verticalScrollBar().maximum())
        self._last.setVisible(bool(lines))
        icon, role = WORKER_LOOKS[replica.state]
        self._theme.picture(self._icon, icon, role, 20)
        set_look(self, role.name, "tint")
        self.show()

    def _button(self, text: str, name: str, press: Callable[[ReplicaRecord], None]) -> QPushButton:
        button = make_button(text, name, self)
        button.clicked.connect(lambda: press(self._replica) if self._replica is not None else None)
        return button


def how_it_ended(replica: ReplicaRecord) -> str:
    """`code 1: the last line that it wrote`."""
    if replica.exit_text:
        return replica.exit_text
    return replica.last_exit.text if replica.last_exit is not None else ""
