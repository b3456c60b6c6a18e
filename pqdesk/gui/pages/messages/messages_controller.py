"""Decides what the messages page shows: passes what the user asks to the threads, and their answers to the view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.dialogs.questions import ask_delete_matching
from pqdesk.gui.formatting import format_capped, format_number, format_relative
from pqdesk.gui.notices import sentence
from pqdesk.gui.pages.messages.messages_view import MessagesView
from pqdesk.gui.pages.messages.page_loader import PageLoader
from pqdesk.gui.pages.messages.row_window import PAGE_ROWS
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.records import RecordModel
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Done, Matching, Order, Seen
from pqdesk.gui.threads.reader import Answer, Reader
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.records import Counts, MessageDetail, MessageRecord, QueueRecord
from pqdesk.messages.selection import Field, Is, Selection, Term
from pqdesk.messages.states import State
from pqdesk.storage.looking import Inspection, PageRequest

_GOOD_WHEN_EMPTY = {State.FAILED: "No failed messages. Good.", State.RETRYING: "No retrying messages. Good."}
_DETAIL_TICK_MS = 1_000
_MOST_UNASKED = 10_000  # above, a slip costs minutes
_MOST_ACTS = 50  # of people, to one message


class MessagesController(QObject):
    """Joins the view, the model, the reader and the actor.

    Signals:
        order_asked: For the actor: an Order.
    """

    order_asked = Signal(object)

    def __init__(
        self, view: MessagesView, model: RecordModel[MessageRecord], reader: Reader, actor: Actor, clock: Clock
    ) -> None:
        super().__init__(view)
        self._view, self._reader, self._clock = view, reader, clock
        self._queues: tuple[QueueRecord, ...] | None = None
        self._detail_ticket = self._match_ticket = self._count_ticket = 0
        self._detail_id: int | None = None
        self._is_live = False
        self._problem = ""
        self._loader = PageLoader(
            reader,
            model,
            clock,
            is_following=self._is_following,
            is_aiming=self._is_aiming,
            visible_range=view.table.visible_range,
            parent=self,
        )
        self._detail_timer = QTimer(self)
        self._detail_timer.timeout.connect(self._on_detail_tick)
        self._connect_view()
        reader.changed.connect(self._on_changed)
        reader.counts_loaded.connect(self._on_counts_loaded)
        reader.answered.connect(self._on_answered)
        actor.done.connect(self._on_done)
        self.order_asked.connect(actor.carry_out)

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
        view.actions_on_messages.asked.connect(self._on_action_asked)
        view.action_bar.all_asked.connect(self._on_all_asked)
        self._loader.loaded.connect(self._on_loaded)
        self._loader.left.connect(self._on_left)
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
        self._loader.set_selection(selection, is_seen=self._view.isVisible())
        if self._detail_id is not None:
            term = Term(Field.ID, (Is(self._detail_id),))
            request = PageRequest(selection=replace(selection, ids=None, terms=(*selection.terms, term)), limit=1)
            if selection.ids is not None and self._detail_id not in selection.ids:
                self._show_no_detail()
            else:
                self._match_ticket = self._reader.ask("messages.match", lambda look: look.page(request))

    @Slot(object)
    def _on_chosen(self, message_id: int) -> None:
        self._detail_id = message_id
        self._ask_detail()

    @Slot(object)
    def _on_action_asked(self, order: Order) -> None:
        target = order.target
        if order.action == "delete" and isinstance(target, Matching) and target.matched.count().count > _MOST_UNASKED:
            count = format_capped(target.matched.count())
            ask_delete_matching(self._view.window(), count, lambda: self.order_asked.emit(order))
        else:
            self.order_asked.emit(order)

    @Slot()
    def _on_selected_changed(self) -> None:
        states = {one: record.state for one, record in self._view.table.selected.records.items()}
        self._view.actions_on_messages.set_target(Seen(states))
        self._view.action_bar.offer_all(None)
        window = self._loader.window
        is_all = bool(states) and len(states) >= len(window.rows) and (window.has_older or window.has_newer)
        self._count_ticket = self._reader.ask("messages.count", self._count_question()) if is_all else 0
        if not states and self._loader.window.held:
            self._loader.on_scrolled()  # nothing holds the new rows back any more

    @Slot()
    def _on_all_asked(self) -> None:
        matching = self._view.action_bar.matching
        if matching is not None:
            self._view.actions_on_messages.set_target(matching)

    def _count_question(self) -> Callable[[Inspection], Matching]:
        """How many match by now, by state, and up to which id: what an order to all of them is frozen at."""
        selection, filters = self._view.filter_bar.selection, self._view.filter_bar.filters
        return lambda look: Matching(filters, selection.states or tuple(State), look.count(selection))

    @Slot()
    def _take_in(self) -> None:
        self._view.table.show_newest()
        self._loader.take_in()
        self._view.table.setFocus()

    def _is_following(self) -> bool:
        """Only at the very top, with nothing selected, while nobody aims at a row."""
        table = self._view.table
        return table.is_at_top and not table.selected.records and not self._is_aiming()

    def _is_aiming(self) -> bool:
        """A menu is open, a button is held, or somebody is about to click."""
        is_busy = QApplication.activePopupWidget() is not None or QApplication.mouseButtons() != Qt.MouseButton.NoButton
        return is_busy or self._view.table.is_aimed_at

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

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        order, target = done.order, done.order.target
        if isinstance(target, Matching) and done.error is None:
            self._view.table.selected.clear()
            self._loader.set_selection(self._view.filter_bar.selection, is_seen=self._view.isVisible())
        elif order.action == "delete" and isinstance(target, Seen) and done.outcome.done:
            gone = frozenset(target.states)
            self._view.table.selected.forget(gone)
            self._loader.drop(gone)
        self._loader.refresh()
        self._on_changed()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.ticket == self._detail_ticket:
            self._show_answer(answer)
        elif answer.ticket == self._match_ticket and answer.error is None and not answer.value:
            self._show_no_detail()
        elif answer.ticket == self._count_ticket and answer.error is None:
            self._view.action_bar.offer_all(answer.value)

    @Slot(object)
    def _on_left(self, ids: frozenset[int]) -> None:
        self._view.table.selected.forget(ids)
        if self._detail_id in ids:
            self._show_no_detail()

    @Slot()
    def _on_loaded(self) -> None:
        self._problem = ""
        window = self._loader.window
        self._view.pill.show_held(window.held, is_more=window.held >= PAGE_ROWS)
        self._update_footer()
        self._update_empty()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._problem = str(error)
        self._update_footer()

    # --- the detail pane --------------------------------------------------------------------------

    def _ask_detail(self) -> None:
        if self._detail_id is not None and self._view.detail.isVisibleTo(self._view):
            self._detail_ticket = self._reader.ask("messages.detail", partial(_whole, self._detail_id))

    def _show_answer(self, answer: Answer) -> None:
        pane, message_id = self._view.detail, self._detail_id
        if message_id is None:
            return
        if answer.error is not None:
            pane.show_none(f"Message {message_id} cannot be shown", sentence(str(answer.error)))
        elif answer.value[0].is_trashed:
            pane.show_none(f"Message {message_id} is in the trash", "It stays there for 7 days; undo brings it back.")
        else:
            detail, acts = answer.value
            pane.show_detail(detail, acts, to_datetime(self._clock.wall_us()))

    def _show_no_detail(self) -> None:
        """It has left what is shown."""
        self._detail_id = None
        self._detail_ticket = self._match_ticket = 0
        self._view.detail.clear()

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
        if self._queues is None or selection != Selection(queue=selection.queue, states=selection.states):
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


def _whole(message_id: int, look: Inspection) -> tuple[MessageDetail, tuple[ActivityRecord, ...]]:
    """The message, and what people did to it, oldest first."""
    return look.message(message_id), look.activity(limit=_MOST_ACTS, about=message_id)[::-1]
