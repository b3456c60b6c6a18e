"""Why the selected worker does not stay up: how it ended, the likely cause, its last words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from pqdesk.gui.pages.workers.likely_cause import likely_cause
from pqdesk.gui.palette import WORKER_LOOKS, Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.ansi import parse_ansi
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.supervision.records import ReplicaRecord, WorkerState

LAST_LINES = 20
_LINES_SEEN = 5


class TroublePanel(QWidget):
    """Hidden while the worker is well.

    Signals:
        stop_asked: The process shall not be started again and again.
        errors_asked: The whole error log shall be shown.
    """

    stop_asked = Signal(str)
    errors_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("worker_trouble")
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
        self._stop = make_button("Stop retrying", "stop_retrying", self)
        self._stop.clicked.connect(self._on_stop)
        self._show = make_button("Show errors", "show_errors", self, look="link")
        self._show.clicked.connect(self.errors_asked)
        self._lay_out()
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self.hide()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        for widget in (self._title, self._cause, self._how):
            words.addWidget(widget)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        head.addWidget(self._show, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._stop, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._last)

    def show_trouble(self, replica: ReplicaRecord, error_lines: Sequence[str]) -> None:
        """`error_lines`: the newest lines of its stderr."""
        lines = [visible_line(parse_ansi(line)[0]) for line in error_lines[-LAST_LINES:]]
        self._replica = replica
        self._title.setText(f"{visible_line(replica.process)}: {replica.state.word.lower()}")
        self._cause.setText(likely_cause(replica.exit_text, lines))
        self._cause.setVisible(bool(self._cause.text()))
        how = replica.exit_text or replica.description
        self._how.setText(f"How it ended: {visible_line(how)}" if how else "")
        self._how.setVisible(bool(how))
        self._stop.setVisible(replica.state is not WorkerState.FAILED_TO_START)
        if self._last.toPlainText() != "\n".join(lines):
            self._last.setPlainText("\n".join(lines))
            self._last.verticalScrollBar().setValue(self._last.verticalScrollBar().maximum())
        self._last.setVisible(bool(lines))
        self._take_looks()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = self._theme.color(self._role)
        painter.fillRect(0, 0, 3, self.height(), color)
        color.setAlphaF(0.07)
        painter.fillRect(self.rect(), color)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color(Role.HAIRLINE))
        painter.end()

    @property
    def _role(self) -> Role:
        return WORKER_LOOKS[self._replica.state][1] if self._replica is not None else Role.ERROR

    def _on_stop(self) -> None:
        if self._replica is not None:
            self.stop_asked.emit(self._replica.process)

    def _take_looks(self) -> None:
        name = WORKER_LOOKS[self._replica.state][0] if self._replica is not None else "warning"
        self._icon.setPixmap(self._theme.pixmap(name, self._role, 20, self.devicePixelRatioF()))
        self._title.setFont(self._theme.font(105, is_semibold=True))
        self._last.setFont(self._theme.fixed_font(92))
        self._last.setStyleSheet("QPlainTextEdit { background: transparent; }")
        self._last.setFixedHeight(self._last.fontMetrics().lineSpacing() * _LINES_SEEN + 12)
        self.update()
