"""What came of trying a worker."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from pqdesk.gui.notices import sentence
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line, visible_text, wrap_chunks
from pqdesk.gui.widgets.ansi import parse_ansi
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import Hairline, PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.records import TryOut

TRIAL_S = 3
_LINES_SEEN = 6


class TrialPane(QWidget):
    """Hidden until a trial begins."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("trial_pane")
        self._theme = theme
        self._passed_s = 0
        self._longest_s = TRIAL_S
        self._icon = QLabel(self)
        self._title = PlainLabel("", self, objectName="trial_title")
        self._cause = PlainLabel("", self, objectName="trial_cause", wordWrap=True)
        self._output = QPlainTextEdit(self)
        self._output.setObjectName("trial_output")
        self._output.setAccessibleName("Output of the test")
        self._output.setReadOnly(True)
        self._output.setTabChangesFocus(True)
        self._output.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        close = make_button("Close test", "close_trial", self, look="link")
        close.clicked.connect(self.hide)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_second)
        head = hbox(self._icon, (self._title, 1), close, spacing=8)
        inner = vbox(head, self._cause, self._output, margins=(20, 8, 20, 12), spacing=6)
        vbox(Hairline(self), inner, on=self, spacing=0)
        self._output.setFont(theme.fixed_font(92))
        self._output.setFixedHeight(self._output.fontMetrics().lineSpacing() * _LINES_SEEN + 16)
        self.hide()

    def begin(self, longest_s: float) -> None:
        """The command runs now."""
        self._passed_s, self._longest_s = 0, round(longest_s)
        self._timer.start(1000)
        self._show("running", Role.RUNNING, self._running_text(), "", "")
        self.show()

    def show_result(self, result: TryOut) -> None:
        self._timer.stop()
        cause = result.likely_cause or ""
        if result.verdict is not None:
            look, title = (
                (("tick-in-ring", Role.HEALTHY), "It works")
                if result.is_good
                else (("failed", Role.ERROR), "It does not work so")
            )
            cause = sentence(result.verdict)
        elif result.is_still_running:
            look, title = ("tick-in-ring", Role.HEALTHY), f"It ran for {TRIAL_S} s and was ended. Good for a worker"
        elif result.exit_code == 0:
            look, title = ("exited", Role.WARNING), "Exit code 0: it ended by itself"
        else:
            how = f"Exit code {result.exit_code}" if result.signal is None else f"Ended by signal {result.signal}"
            look, title = ("failed", Role.ERROR), how
        lines = [parse_ansi(line)[0] for line in result.output.split("\n")]
        text = "".join(wrap_chunks((visible_text("\n".join(lines)),))).rstrip("\n")
        self._show(*look, title, cause, text or "(no output)")

    def show_problem(self, problem: str) -> None:
        """It could not even be tried."""
        self._timer.stop()
        self._show("failed", Role.ERROR, "It cannot be tried", sentence(problem), "")

    def _show(self, icon: str, role: Role, title: str, cause: str, output: str) -> None:
        self._theme.picture(self._icon, icon, role)
        self._title.setText(title)
        self._cause.setText(visible_line(cause))
        self._cause.setVisible(bool(cause))
        self._output.setPlainText(output)
        self._output.verticalScrollBar().setValue(self._output.verticalScrollBar().maximum())

    def _on_second(self) -> None:
        self._passed_s += 1
        self._title.setText(self._running_text())

    def _running_text(self) -> str:
        passed, longest = self._passed_s, self._longest_s
        return f"Running… {passed} s of {longest}" if passed <= longest else "Waiting for it to end…"
