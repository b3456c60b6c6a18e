"""Which messages are shown: a picker of states, one of queues, and a field for terms and free text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from pqdesk.errors import InvalidInput
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.messages.filters import has_term, parse_filter, quote
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State

_TYPING_MS = 100
STATE_ORDER = (
    State.READY,
    State.SCHEDULED,
    State.RUNNING,
    State.RETRYING,
    State.FAILED,
    State.COMPLETED,
    State.CANCELLED,
)
_TERMS_WIN = "The filter on the right names it already"
_HELP = "Words, or state:failed queue:emails type:mail error:refused attempts:>2 age:<2h payload.to:ada -worker:w"


class FilterBar(QWidget):
    """What the three controls ask for together; a term in the field wins over the picker beside it.

    Signals:
        changed: The Selection, when it is another. A text that cannot be understood changes nothing.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filter_bar")
        self._theme = theme
        self._selection = Selection()
        self._filters: Mapping[str, Any] = {}
        self._state = self._make_picker("stateFilter", "State")
        self._state.addItem("All")
        for state in STATE_ORDER:
            self._state.addItem(state.word.capitalize(), state)
        self._state.setMaxVisibleItems(len(State) + 1)
        self._queue = self._make_picker("queueFilter", "Queue")
        self._queue.addItem("All queues")
        self._queue.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._queue.setMinimumContentsLength(14)
        self._field = self._make_field()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._apply)
        for picker in (self._state, self._queue):
            picker.currentIndexChanged.connect(lambda _: self._apply())
        self._mistake = PlainLabel("", None, look="mistake")
        self._mistake.setObjectName("filter_mistake")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 8)
        row.setSpacing(8)
        row.addWidget(self._state)
        row.addWidget(self._queue)
        row.addWidget(self._field, 1)
        theme.changed.connect(self._update_icons)  # of items, which have no properties
        self._update_icons()

    def _make_picker(self, object_name: str, name: str) -> QComboBox:
        picker = QComboBox(self)
        picker.setObjectName(object_name)
        picker.setAccessibleName(name)
        picker.setIconSize(QSize(16, 16))
        return picker

    def _make_field(self) -> QLineEdit:
        field = QLineEdit(self)
        field.setObjectName("filterField")
        field.setAccessibleName("Filter")
        field.setAccessibleDescription(_HELP)
        field.setPlaceholderText("Filter")
        field.setToolTip(as_tooltip(_HELP))
        field.setClearButtonEnabled(True)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        search = QAction(field)
        self._theme.picture(search, "search", Role.MUTED)
        field.addAction(search, QLineEdit.ActionPosition.LeadingPosition)
        # not textEdited: what a screen reader or dictation sets counts as well
        field.textChanged.connect(lambda text: self._timer.start(_TYPING_MS) if text else self._apply())
        field.returnPressed.connect(self._apply)
        field.installEventFilter(self)
        return field

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        return self._selection

    @property
    def filters(self) -> Mapping[str, Any]:
        """The same as the library's actions take it: `where`, `queue`, `state`."""
        return self._filters

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the picker of states narrows what is shown."""
        return replace(self._selection, states=()) != Selection()

    def set_queues(self, names: Sequence[str]) -> None:
        """Offer these queues, sorted; the chosen one stays, whether it is still there or not."""
        chosen = self._queue.currentData()
        wanted = [None, *names] if chosen is None or chosen in names else [None, *names, chosen]
        if wanted == [self._queue.itemData(at) for at in range(self._queue.count())]:
            return
        self._queue.blockSignals(True)
        self._queue.clear()
        for name in wanted:
            self._queue.addItem("All queues" if name is None else visible_line(name), name)
        self._queue.setCurrentIndex(wanted.index(chosen))
        self._queue.blockSignals(False)
        self._update_icons()

    @property
    def text(self) -> str:
        """What all three ask for together, as a user would type it."""
        state, queue, field = self._state.currentData(), self._queue.currentData(), self._field.text()
        terms = [f"state:{state}"] if state is not None and not has_term(field, "state") else []
        terms += [f"queue:{quote(queue)}"] if queue is not None and not has_term(field, "queue") else []
        return " ".join(filter(None, (*terms, field)))

    def show_text(self, text: str) -> None:
        """Show what `text` describes and nothing else; one state and a queue stand in their pickers."""
        try:
            selection = parse_filter(text)
        except InvalidInput:
            selection = Selection(search=text)  # the field says what is wrong with it
        state = selection.states[0] if len(selection.states) == 1 else None
        if selection == Selection(states=selection.states if state else (), queue=selection.queue):
            self.show_filter(state, selection.queue)
        else:
            self.show_filter(None, None, text)

    def show_filter(self, state: State | None, queue: str | None, text: str = "") -> None:
        """Show these and nothing else; `text` as a user would type it."""
        for widget in (self._state, self._queue, self._field):
            widget.blockSignals(True)
        self._state.setCurrentIndex(0 if state is None else STATE_ORDER.index(state) + 1)
        if queue is not None and self._queue.findData(queue) < 0:
            self._queue.addItem(visible_line(queue), queue)
        self._queue.setCurrentIndex(0 if queue is None else self._queue.findData(queue))
        self._field.setText(text)
        for widget in (self._state, self._queue, self._field):
            widget.blockSignals(False)
        self._apply()

    def clear(self) -> None:
        """Show everything."""
        self.show_filter(None, None)

    def focus_field(self) -> None:
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    # --- what the user does -----------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_escape and event.type() == QEvent.Type.KeyPress and self._field.text():
            self._field.clear()
            return True
        return False

    def _apply(self) -> None:
        self._timer.stop()
        text = self._field.text()
        try:
            selection = parse_filter(text)
        except InvalidInput as exc:
            self._show_mistake(str(exc))
            return
        self._show_mistake("")
        self._let_terms_win(text)
        filters: dict[str, Any] = {"where": text} if text.strip() else {}
        if not has_term(text, "state") and self._state.currentData() is not None:
            filters["state"] = State.from_word(self._state.currentData())
            selection = replace(selection, states=(filters["state"],))
        if not has_term(text, "queue") and self._queue.currentData() is not None:
            filters["queue"] = self._queue.currentData()
            selection = replace(selection, queue=filters["queue"])
        self._filters = filters
        if selection != self._selection:
            self._selection = selection
            self.changed.emit(selection)

    def _let_terms_win(self, text: str) -> None:
        for picker, term in ((self._state, "state"), (self._queue, "queue")):
            is_named = has_term(text, term)
            picker.setEnabled(not is_named)
            picker.setToolTip(as_tooltip(_TERMS_WIN if is_named else ""))

    def _show_mistake(self, text: str) -> None:
        """Below the field, over the page: a line that came and went in the layout would move the rows."""
        set_look(self._field, "bad" if text else "")
        self._field.setAccessibleDescription(text or _HELP)
        self._field.setToolTip(as_tooltip(text or _HELP))
        if not text:
            self._mistake.hide()
            return
        page = self.parentWidget() or self
        self._mistake.setParent(page)
        self._mistake.setText(text)
        self._mistake.setWordWrap(True)
        self._mistake.setFixedWidth(max(240, self._field.width()))
        self._mistake.adjustSize()
        self._mistake.move(self._field.mapTo(page, QPoint(0, self._field.height() + 4)))
        self._mistake.show()
        self._mistake.raise_()

    def _update_icons(self) -> None:
        self._state.setItemIcon(0, self._theme.icon("filter", Role.MUTED))
        for at, state in enumerate(STATE_ORDER):
            self._state.setItemIcon(at + 1, self._theme.state_icon(state))
        for at in range(self._queue.count()):
            self._queue.setItemIcon(at, self._theme.icon("queue", Role.MUTED))
