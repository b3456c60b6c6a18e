"""What workers wrote about the shown message: found in their logs, and the way to the logs at that time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.palette import Role
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import ElidedLabel
from pqdesk.gui.widgets.log.lines import LogLine
from pqdesk.gui.widgets.log.painter import LogColumns
from pqdesk.gui.widgets.log.text import LogText


class MessageLogView(QWidget):
    """A caption, the button to the logs, and the lines below, in the order of the logs.

    Signals:
        open_asked: The user wants to see what was written around these lines.
    """

    open_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_log")
        self._shown: tuple[LogLine, ...] | None = None
        self._caption = ElidedLabel("", self, look="muted")
        self._open = make_button("Open in Logs at this time", "open_in_logs", self, look="link")
        self._open.clicked.connect(self.open_asked)
        self.text = LogText(theme, ActionSet(self, theme, "Messages"), self)
        self.text.mirror.setAccessibleName("Log of the message")  # `Log` is that of a worker
        self._empty = EmptyState(theme, "message_log_empty", self.text.viewport())
        head = QHBoxLayout()
        head.setContentsMargins(16, 6, 8, 0)
        head.addWidget(self._caption, 1)
        head.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.text, 1)
        self.text.set_wrapped(True)
        self.show_looking()

    def show_looking(self) -> None:
        """Until the lines are found; what is shown of another message must not stay."""
        self._shown = None
        self.text.set_lines(())
        self._caption.setText("Looking through the logs…")
        self._empty.hide()
        self._open.hide()

    def show_nothing(self, title: str, text: str = "") -> None:
        """There are no lines, and why."""
        self.show_looking()
        self._caption.setText("")
        self._empty.show_text(title, text, icon="logs", role=Role.MUTED)

    def show_lines(self, lines: Sequence[LogLine], note: str = "") -> None:
        """Show these; scroll and selection stay while they are the same. `note` says what was not looked at."""
        if tuple(lines) == self._shown:
            return
        self._shown = tuple(lines)
        self._empty.hide()
        self._caption.setText(" · ".join(filter(None, [format_count(len(lines), "line"), note])))
        self._open.show()
        self.text.set_columns(LogColumns(prefix_cells=max(len(one.prefix) for one in lines)))
        self.text.set_lines(self._shown)
