"""A line below the table while something goes on: how far it has come, or what is waited for."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from pqdesk.gui.widgets.labels import ElidedLabel
from pqdesk.gui.widgets.layouts import hbox


class ActivityLine(QWidget):
    """Hidden until it has something to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workers_activity")
        self._text = ElidedLabel("", self, look="muted", objectName="workers_activity_text")
        self._bar = QProgressBar(self)
        self._bar.setObjectName("workers_progress")
        self._bar.setAccessibleName("Progress")
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(160, 6)
        hbox(self._bar, (self._text, 1), on=self, margins=(16, 5, 16, 5), spacing=12)
        self.hide()

    def show_text(self, text: str, done: int | None = None, total: int = 0) -> None:
        """`done` of `total`, or None where nobody can tell how long it takes."""
        if self._text.text() != text:
            self._text.setText(text)
        self._bar.setVisible(done is not None)
        if done is not None:
            self._bar.setRange(0, total)
            self._bar.setValue(done)
        self.show()
