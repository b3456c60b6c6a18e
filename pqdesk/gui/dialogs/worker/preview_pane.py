"""The file that a worker becomes, as it would be written."""

from __future__ import annotations

from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_text
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import vbox

_NOTHING = "Fill in what is asked; the file is shown here then."


class PreviewPane(QWidget):
    """Read only; the scroll position stays while the text changes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._hint = PlainLabel("supervisor's own configuration, to be written when you save", self, look="muted")
        self._text = QPlainTextEdit(self)
        self._text.setObjectName("worker_preview")
        self._text.setAccessibleName("Preview")
        self._text.setReadOnly(True)
        self._text.setTabChangesFocus(True)
        self._text.setFrameShape(QFrame.Shape.NoFrame)
        self._text.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self._text.setFont(theme.fixed_font(92))
        self._text.document().setDocumentMargin(12)
        vbox(self._hint, (self._text, 1), on=self, margins=(16, 12, 16, 12), spacing=8)
        self.show_nothing()

    def show_text(self, text: str) -> None:
        shown = visible_text(text)
        if shown == self._text.toPlainText():
            return
        bar = self._text.verticalScrollBar()
        place = bar.value()
        self._text.setPlainText(shown)
        bar.setValue(place)

    def show_nothing(self) -> None:
        """While a field is wrong."""
        self._text.setPlainText("")
        self._text.setPlaceholderText(_NOTHING)
