"""Decides what the messages page shows: passes what the user asks to the threads, and their answers to the view."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import NotFound, PQDeskError
from pqdesk.gui.formatting import format_number, format_relative
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.pages.messages.messages_view import MessagesView
from pqdesk.gui.pages.messages.page_loader import PageLoader
from pqdesk.gui.pages.messages.row_window import PAGE_ROWS
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.messages.records import Counts, MessageDetail, Outcome, QueueRecord
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State

_GOOD_WHEN_EMPTY = {State.FAILED: "No failed messages. Good.", State.RETRYING: "No retrying messages. Good."}
_DETAIL_TICK_MS = 1_000


class MessagesController(QObject):
    """Joins the view, the model, the reader and the actor.

    Signals:
        perform_asked: For the actor: the name of the action, the state seen of each message by id, a token.
    """

    perform_asked = Signal(str, object, int)

    def __init__(
        self, view: MessagesView, model: MessageTableModel, reader: Reader, actor: Actor, clock: Clock
    ) -> None:
        super().__init__(view)
        self._view, self._model, self._reader, self._clock = view, model, reader, clock
        self._queues: tuple[QueueRecord, ...] | None = None
        self._detail_generation = 0
        self._detail_id: int | None = None
        self._is_live = False
        self._problem = ""
        self._loader = PageLoader(
            reader,
            model,
            clock,
            is_following=self._is_following,
            visible_range=view.table.visible_range,
            parent=self,
        )
        self._detail_timer = QTimer(self)
        self._detail_timer.timeout.connect(self._on_detail_tick)
        self._connect_view()
        reader.changed.connect(self._on_changed)
        reader.counts_loaded.connect(self._on_counts_loaded)
        reader.message_loaded.connect(self._on_message_loaded)
        reader.failed.connect(self._on_reader_failed)
        actor.performed.connect(self._on_performed)
        self.perform_asked.connect(actor.perform)

    def _connect_view(self) -> None:
        view = self._view
        view.filter_bar.changed.connect(self._on_filter_changed)
        view.table.chosen.connect(self._on_chosen)
        view.table.scrolled.connect(self._loader.on_scrolled)
        view.table.scrolled.connect(self._update_footer)
        view.table.newest_wanted.connect(self._take_in)
        view.table.selected.changed.connect(self._on_selected_changed)
        view.table.filter_wanted.connect(view.filter_bar.focus_field)
        view.pill.clicked.connect(self._take_in)
        view.empty.pressed.connect(view.filter_bar.clear)
        view.actions_on_messages.asked.connect(lambda name, seen: self.perform_asked.emit(name, seen, 0))
        self._loader.loaded.connect(self._on_loaded)
        self._loader.left.connect(view.table.selected.forget)
        self._loader.failed.connect(self._on_failed)

    def set_live(self, is_live: bool) -> None:
        """Ask for everything anew when it becomes live."""
        self._is_live = is_live
        self._loader.set_live(is_live)
        if is_live:
            self._detail_timer.start(_DETAIL_TICK_MS)
            self._ask_detail()
        else:
            self._detail_timer.stop()

    def show_message(self, message_id: int) -> None:
        """Show it in the detail pane, whatever the table shows."""
        self._on_chosen(message_id)

    # --- what the user does -----------------------------------------------------------------------

    @Slot(object)
    def _on_filter_changed(self, selection: Selection) -> None:
        self._view.table.selected.clear()
        self._view.table.set_view(selection.states)
        self._loader.set_selection(selection)

    @Slot(object)
    def _on_chosen(self, message_id: int) -> None:
        self._detail_id = message_id
        self._ask_detail()

    @Slot()
    def _on_selected_changed(self) -> None:
        states = self._view.table.selected.states
        self._view.actions_on_messages.set_selected(states)
        if not states and self._loader.window.held:
            self._loader.on_scrolled()  # nothing holds the new rows back any more

    @Slot()
    def _take_in(self) -> None:
        self._view.table.show_newest()
        self._loader.take_in()
        self._view.table.setFocus()

    def _is_following(self) -> bool:
        """Only at the very top, with nothing selected, no menu open, no button held, nobody about to click."""
        table = self._view.table
        is_busy = QApplication.activePopupWidget() is not None or QApplication.mouseButtons() != Qt.MouseButton.NoButton
        return table.is_at_top and not table.selected.states and not is_busy and not table.is_aimed_at

    # --- what the threads answer ------------------------------------------------------------------

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._queues = queues
        self._view.filter_bar.set_queues([one.name for one in queues])
        if not queues:
            self._loader.show_nothing()
        self._update_footer()
        self._update_empty()

    @Slot()
    def _on_changed(self) -> None:
        if self._is_live:
            self._ask_detail()

    @Slot(str, object, object, int)
    def _on_performed(self, name: str, outcome: Outcome, ids: Iterable[int], _token: int) -> None:
        if name == "delete" and outcome.done:
            gone = frozenset(ids)
            self._view.table.selected.forget(gone)
            self._loader.drop(gone)
        self._loader.refresh()
        self._on_changed()

    @Slot()
    def _on_loaded(self) -> None:
        self._problem = ""
        window = self._loader.window
        self._view.pill.show_held(window.held, is_more=window.held >= PAGE_ROWS)
        self._update_footer()
        self._update_empty()

    @Slot(object)
    def _on_failed(self, error: PQDeskError) -> None:
        self._problem = str(error)
        self._update_footer()

    # --- the detail pane --------------------------------------------------------------------------

    def _ask_detail(self) -> None:
        if self._detail_id is not None and self._is_live and self._view.detail.isVisibleTo(self._view):
            self._detail_generation = self._reader.ask_message(self._detail_id)

    @Slot(object, int)
    def _on_message_loaded(self, detail: MessageDetail, generation: int) -> None:
        if generation == self._detail_generation:
            self._view.detail.show_detail(detail, to_datetime(self._clock.wall_us()))

    @Slot(object, int)
    def _on_reader_failed(self, error: PQDeskError, generation: int) -> None:
        # generations of pages and of messages are counted apart, so only a NotFound is surely about a message
        if isinstance(error, NotFound) and generation == self._detail_generation and self._detail_id is not None:
            self._view.detail.show_missing(self._detail_id)

    @Slot()
    def _on_detail_tick(self) -> None:
        self._view.detail.tick(to_datetime(self._clock.wall_us()))
        self._update_footer()

    # --- footer and empty states ------------------------------------------------------------------

    @Slot()
    def _update_footer(self) -> None:
        self._view.footer.setText(self._problem or self._footer())

    def _footer(self) -> str:
        window = self._loader.window
        if self._loader.is_loading:
            return "Loading…"
        if not window.rows:
            return "No rows"
        first = window.rows_above + 1
        text = f"Rows {format_number(first)}–{format_number(first + len(window.rows) - 1)}"
        total = self._total()
        if total is not None:
            text += f" of {format_number(max(total, len(window.rows)))}"
        newest = format_relative(window.rows[0].record.enqueued_at, to_datetime(self._clock.wall_us()))
        return f"{text}, newest {newest}" if not window.has_newer else text

    def _total(self) -> int | None:
        """How many match, where the counters know it; nobody counts rows."""
        selection = self._view.filter_bar.selection
        if self._queues is None or selection.ids or selection.type or selection.search:
            return None
        chosen = [one.counts for one in self._queues if selection.queue in (None, one.name)]
        counts = sum(chosen, Counts())
        return sum(counts.of(state) for state in selection.states) if selection.states else counts.total

    def _update_empty(self) -> None:
        empty = self._view.empty
        if self._loader.window.rows or self._loader.is_loading:
            empty.hide()
            return
        selection = self._view.filter_bar.selection
        has_messages = self._queues is not None and any(one.counts.total for one in self._queues)
        if not has_messages and selection == Selection():
            empty.show_text(
                "There are no messages yet",
                "What programs put into queues shows up here at once.",
                icon="messages",
            )
        elif self._view.filter_bar.is_narrowed or len(selection.states) != 1:
            empty.show_text("No match for this filter", icon="search", button="Clear filter")
        else:
            state = selection.states[0]
            is_good = state in _GOOD_WHEN_EMPTY
            icon, role = ("tick-in-ring", Role.HEALTHY) if is_good else (STATE_LOOKS[state][0], Role.MUTED)
            empty.show_text(_GOOD_WHEN_EMPTY.get(state, f"No {state.word} messages"), icon=icon, role=role)
