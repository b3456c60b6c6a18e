"""What an empty workspace shows instead of the Overview, and one that cannot be opened: a way in."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox

_COLUMN_PX = 620
_MARK_PX = 56

_HEADLINE = "Durable background work on one machine"
_WHAT = (
    "Programs put messages into queues on disk, workers take them and are kept running, and this window shows it all. "
    "Nothing is lost when a program dies or the power fails."
)
_DEMO = "The demo finds files of this machine and counts their lines: a workspace of its own, removed with one click."
_SNIPPET = """from pqdesk import Queue
queue = Queue("emails"{arguments})
queue.put({{"to": "ada@example.com"}})"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A workspace that cannot be opened: what is wrong, and what to do."""

    headline: str
    text: str


class WelcomeView(QScrollArea):
    """Signals:
    demo_asked, open_asked, create_asked: The button was pressed.
    """

    demo_asked = Signal()
    open_asked = Signal()
    create_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._theme = theme
        content = QWidget(self)
        content.setObjectName("welcome_content")
        self._mark = QLabel(content)
        self._headline = PlainLabel(_HEADLINE, content, font=theme.font(170, is_semibold=True), wordWrap=True)
        self._text = PlainLabel(
            _WHAT,
            content,
            look="muted",
            objectName="welcome_text",
            wordWrap=True,
            textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse,
        )
        self.demo_button = make_button("Try the demo", "try_the_demo", content, look="primary", description=_DEMO)
        self.demo_button.clicked.connect(self.demo_asked)
        self._about_demo = PlainLabel(_DEMO, content, look="muted", font=theme.font(92), wordWrap=True)
        self._snippet = PlainLabel("", content)
        column = QVBoxLayout()
        column.setSpacing(0)
        for widget, gap in (
            (self._mark, 16),
            (self._headline, 8),
            (self._text, 24),
            (self._buttons(content), 8),
            (self._about_demo, 28),
            (self._code(content), 0),
        ):
            column.addWidget(widget)
            column.addSpacing(gap)
        holder = QWidget(content)
        holder.setLayout(column)
        holder.setMaximumWidth(_COLUMN_PX)
        outer = QVBoxLayout(content)
        outer.setContentsMargins(32, 24, 32, 24)
        outer.addStretch(2)
        row = hbox(None, (holder, 100), None)
        outer.addLayout(row)
        outer.addStretch(3)
        self.setWidget(content)

    def show_workspace(self, arguments: str, trouble: Trouble | None = None) -> None:
        """`arguments` is what `Queue(…)` needs after the queue's name to find the workspace."""
        self._snippet.setText(_SNIPPET.format(arguments=arguments))
        self._headline.setText(trouble.headline if trouble else _HEADLINE)
        self._text.setText(trouble.text if trouble else _WHAT)
        self._from_python.setVisible(trouble is None)
        if trouble:
            self._theme.picture(self._mark, "warning", Role.WARNING, 40)
        else:
            self._theme.picture(self._mark, "pqdesk", Role.TEXT, _MARK_PX)

    def set_busy(self, is_busy: bool) -> None:
        """While the demo is being made."""
        self.demo_button.setEnabled(not is_busy)

    def focus_demo(self) -> None:
        self.demo_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _buttons(self, parent: QWidget) -> QWidget:
        row_widget = QWidget(parent)
        open_button = make_button("Open a queue file…", "open_queue_file", row_widget)
        open_button.clicked.connect(self.open_asked)
        create_button = make_button("Create a workspace…", "create_workspace", row_widget)
        create_button.clicked.connect(self.create_asked)
        row = hbox(on=row_widget, spacing=8)
        for button in (self.demo_button, open_button, create_button):
            button.setProperty("bulk", "large")
            row.addWidget(button)
        row.addStretch(1)
        return row_widget

    def _code(self, parent: QWidget) -> QWidget:
        self._from_python = QWidget(parent)
        frame = QFrame(self._from_python)
        frame.setProperty("look", "code")
        self._snippet.setParent(frame)
        self._snippet.setObjectName("snippet")
        self._snippet.setFont(self._theme.fixed_font(96))
        self._snippet.setWordWrap(True)
        self._snippet.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        copy = make_button("Copy", "copy_snippet", frame, look="quiet", description="Copy the three lines")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._snippet.text()))
        self._theme.picture(copy, "copy", Role.MUTED)
        hbox((self._snippet, 1), (copy, Qt.AlignmentFlag.AlignTop), on=frame, margins=(14, 10, 8, 10))
        vbox(PlainLabel("Or put a message from Python:", self._from_python), frame, on=self._from_python, spacing=8)
        return self._from_python
