"""Long text from strangers, read only: the beginning at once, the rest when asked for, bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from pqdesk.gui.formatting import format_size
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import cut_chunks, take, wrap_chunks
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox

_SHOWN_AT_ONCE = 64 * 1024
_MARGIN_PX = 12
_BUDGET_MS = 8  # of one turn of the event loop


class TextPane(QWidget):
    """A caption, Copy, and the text below, in the fixed font. Never rich text."""

    loaded_all = Signal()

    def __init__(self, name: str, object_name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key: object = None
        self._copied: Callable[[], Iterator[str]] = lambda: iter(())
        self._copying: Iterator[str] = iter(())
        self._gathered: list[str] = []  # of what is being copied
        self._rest: Iterator[str] = iter(())
        self._caption = PlainLabel("", self, look="muted")
        self._load = make_button("", f"{object_name}_load", self, look="link")
        self._load.clicked.connect(self.load_all)
        self._copy = make_button("Copy", f"{object_name}_copy", self, look="quiet")
        self._copy.clicked.connect(self._on_copy)
        self._editor = QPlainTextEdit(self)
        self._editor.setObjectName(object_name)
        self._editor.setAccessibleName(name)
        self._editor.setReadOnly(True)
        self._editor.setUndoRedoEnabled(False)
        self._editor.setTabChangesFocus(True)
        self._editor.document().setDocumentMargin(_MARGIN_PX)
        self._editor.setFrameShape(QFrame.Shape.NoFrame)
        self._editor.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._load_some)
        self._copy_timer = QTimer(self)
        self._copy_timer.timeout.connect(self._copy_some)
        self._lay_out()
        self._editor.setFont(theme.fixed_font())
        theme.picture(self._copy, "copy")

    def _lay_out(self) -> None:
        head = hbox((self._caption, 1), self._load, self._copy, margins=(16, 6, 8, 0), spacing=4)
        vbox(head, (self._editor, 1), on=self, spacing=0)

    def show_text(
        self,
        key: object,
        chunks: Iterator[str],
        *,
        caption: str = "",
        copied: Callable[[], Iterator[str]] | None = None,
        size_bytes: int = 0,
    ) -> None:
        """Show `chunks`, unless the text with this `key` is there already (scroll and selection stay then).

        `copied` makes what Copy puts into the clipboard, in pieces; `size_bytes` is of the whole, for the button.
        """
        if key == self._key:
            return
        self._key = key
        self._timer.stop()
        text, rest = take(wrap_chunks(cut_chunks(chunks)), _SHOWN_AT_ONCE)
        self._rest = rest or iter(())
        self._caption.setText(caption)
        self._editor.setPlainText(text)
        self._copied = copied or (lambda: iter((self._editor.toPlainText(),)))
        self._copy.setVisible(bool(text))
        self._load.setText(f"Load all {format_size(size_bytes)}" if size_bytes else "Load all")
        self._load.setVisible(rest is not None)

    def load_all(self) -> None:
        """Append the rest, some of it per turn of the event loop, so that the window never stands still."""
        self._load.hide()
        self._timer.start(0)

    def _load_some(self) -> None:
        text, is_over = _some(self._rest)
        if is_over:
            self._timer.stop()
            self.loaded_all.emit()
        cursor = QTextCursor(self._editor.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)

    def _on_copy(self) -> None:
        self._copying, self._gathered = self._copied(), []
        self._copy_timer.start(0)
        self._copy_some()

    def _copy_some(self) -> None:
        text, is_over = _some(self._copying)
        self._gathered.append(text)
        if is_over:
            self._copy_timer.stop()
            QGuiApplication.clipboard().setText("".join(self._gathered))
            self._gathered = []


def _some(pieces: Iterator[str]) -> tuple[str, bool]:
    """As much of them as one turn of the event loop has time for, and whether that was the end."""
    spent = QElapsedTimer()
    spent.start()
    taken = []
    for piece in pieces:
        taken.append(piece)
        if spent.elapsed() > _BUDGET_MS:
            return "".join(taken), False
    return "".join(taken), True
