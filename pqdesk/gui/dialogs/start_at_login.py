"""Whether a workspace's workers start when the user logs in, and run on after logging out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QDialog, QSizePolicy, QWidget

from pqdesk.errors import PQDeskError
from pqdesk.gui.notices import sentence
from pqdesk.gui.threads.side_jobs import SideJobs
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.daemon.start_at_login import LoginState

_LINGER = (
    "Without it, the system ends your workers when your last session ends. With it, they start with the machine and "
    "run until it is switched off. It holds for all services of yours, not only for PQDesk."
)
_WAYS = {"systemd": "a service of your systemd", "autostart": "an autostart entry of the desktop"}
_NO_LINGER = "Running on after you log out needs systemd, which does not answer here."


class StartAtLoginDialog(QDialog):
    """Two switches that act at once. Both wait for the answer of the system.

    Signals:
        state_asked, switch_asked, keep_asked: For the side jobs.
    """

    state_asked = Signal()
    switch_asked = Signal(bool)
    keep_asked = Signal(bool)

    def __init__(self, side: SideJobs, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("login_dialog")
        self.setWindowTitle("Start at login")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(520)
        self._switch = QCheckBox("Start the workers when I log in", self)
        self._switch.setObjectName("start_at_login")
        self._keep = QCheckBox("Keep running after I log out", self)
        self._keep.setObjectName("keep_after_logout")
        self._story = self._words("login_story")
        self._linger = self._words("linger_story")
        self._linger.setText(_LINGER)
        self._problem = self._words("login_problem", look="error")
        close = make_button("Close", "close_button", self, look="primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        foot = hbox(None, close)
        vbox(
            self._switch,
            self._story,
            self._keep,
            self._linger,
            self._problem,
            8,
            foot,
            on=self,
            margins=(20, 20, 20, 16),
            spacing=8,
        )
        self._switch.clicked.connect(self._on_switch)
        self._keep.clicked.connect(self._on_keep)
        self.state_asked.connect(side.read_login)
        self.switch_asked.connect(side.switch_login)
        self.keep_asked.connect(side.keep_after_logout)
        side.login_read.connect(self._on_read)
        self._set_busy()
        self.state_asked.emit()

    @Slot(object)
    def _on_read(self, answer: LoginState | PQDeskError) -> None:
        if isinstance(answer, PQDeskError):
            self._problem.setText(visible_line(sentence(str(answer))))
            self._problem.show()
            self.state_asked.emit()  # the switches show what holds, not what was wished
            return
        self._switch.setEnabled(True)
        self._switch.setChecked(answer.is_on)
        way = _WAYS[answer.way]
        self._story.setText(f"{answer.explanation} {'By' if answer.is_on else 'Switched on, it is done by'} {way}.")
        self._keep.setVisible(answer.is_lingering is not None)
        self._linger.setText(_NO_LINGER if answer.is_lingering is None else _LINGER)
        self._keep.setEnabled(True)
        self._keep.setChecked(bool(answer.is_lingering))
        self.adjustSize()

    def _on_switch(self, is_on: bool) -> None:
        self._set_busy()
        self.switch_asked.emit(is_on)

    def _on_keep(self, is_on: bool) -> None:
        self._set_busy()
        self.keep_asked.emit(is_on)

    def _set_busy(self) -> None:
        self._problem.hide()
        self._switch.setEnabled(False)
        self._keep.setEnabled(False)

    def _words(self, object_name: str, look: str = "muted") -> PlainLabel:
        label = PlainLabel("", self, look=look, objectName=object_name, wordWrap=True)
        label.setIndent(26 if look == "muted" else 0)  # below the words of its switch
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
        return label
