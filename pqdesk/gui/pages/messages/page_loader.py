"""Keeps the window of rows loaded and up to date: one question to the reader at a time, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import NotFound
from pqdesk.gui.pages.messages.columns import is_running
from pqdesk.gui.pages.messages.row_window import PAGE_ROWS, RowWindow
from pqdesk.gui.records import RecordModel
from pqdesk.gui.threads.reader import Answer, Reader
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.selection import Selection
from pqdesk.storage.looking import Inspection, PageRequest

_ASKER = "messages.page"
_EDGE_ROWS = 200  # this near to an edge the next page is fetched
_MARGIN_ROWS = 20  # around the visible rows, brought up to date with them
_SLOW_MS = 100
_REST_FACTOR = 3  # after a slow answer, rest for this many times as long before asking the same again
_TICK_MS = 1_000
_TICKS_OF_ALL = 10  # relative times are painted again every so many ticks, those of running messages every tick


class Need(IntEnum):
    """What is to be asked for, the most urgent first."""

    HEAD = 0  # the newest page
    OLDER = 1
    NEWER = 2
    VISIBLE = 3  # the rows that can be seen, anew
    ABOVE = 4  # how many rows are new
    GONE = 5  # what became of rows that no longer match


@dataclass(frozen=True, slots=True)
class _Question:
    need: Need
    request: PageRequest
    ticket: int
    asked_ms: int


class PageLoader(QObject):
    """Fills a model with what matches a Selection.

    Signals:
        loaded: Rows, their number or the number held may have changed.
        left: Ids, a frozenset, of rows that are taken out since they no longer match.
        failed: The error; the rows there stay. Asked again at the next change.
    """

    loaded = Signal()
    left = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        reader: Reader,
        model: RecordModel[MessageRecord],
        clock: Clock,
        *,
        is_following: Callable[[], bool],
        is_aiming: Callable[[], bool],
        visible_range: Callable[[], tuple[int, int]],
        parent: QObject,
    ) -> None:
        """`is_following`: whether new rows may come in now. `is_aiming`: whether no row may move, not even up.

        `visible_range`: first and last visible row.
        """
        super().__init__(parent)
        self._reader, self._model, self._clock = reader, model, clock
        self._is_following, self._is_aiming, self._visible_range = is_following, is_aiming, visible_range
        self._window = RowWindow()
        self._selection = Selection()
        self._needs: set[Need] = set()
        self._question: _Question | None = None
        self._is_live = False
        self._is_replacing = True  # the next page is of another filter
        self._is_taking_in = False
        self._rest_until_ms = 0
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_tick)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self.refresh)
        reader.changed.connect(self._on_changed)
        reader.answered.connect(self._on_answered)

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def window(self) -> RowWindow:
        return self._window

    @property
    def is_loading(self) -> bool:
        """Whether the rows there are still those of another filter, or none have come yet."""
        return self._is_replacing

    def set_selection(self, selection: Selection, *, is_seen: bool) -> None:
        """Show what matches `selection`; the rows there stay until the answer comes.

        `is_seen`: somebody waits for them, be they live or not.
        """
        self._selection = selection
        self._is_replacing = True
        self._needs = {Need.HEAD}
        self._rest_until_ms = 0
        self._question = None  # the reader drops the older question when the new one is asked
        self._ask(is_seen=is_seen)

    def set_live(self, is_live: bool) -> None:
        """Keep up to date while live, starting with everything anew."""
        self._is_live = is_live
        if not is_live:
            self._timer.stop()
            self._rest.stop()
            self._question, self._needs = None, set()
            return
        self._timer.start(_TICK_MS)
        self._model.tick(self._now(), *self._visible_range())
        self._question, self._rest_until_ms = None, 0
        if self._is_replacing:
            self._needs.add(Need.HEAD)
        self.refresh()

    def refresh(self) -> None:
        """Ask anew for what is shown."""
        if not self._is_live:
            return
        following = self._is_following() or not self._window.rows
        self._needs |= {Need.HEAD} if following else {Need.VISIBLE, Need.ABOVE}
        if self._window.gone_ids():
            self._needs.add(Need.GONE)
        self._ask()

    def take_in(self) -> None:
        """Show what is held: the newest page."""
        self._is_taking_in = True
        self._needs.add(Need.HEAD)
        self._ask()

    def drop(self, ids: frozenset[int]) -> None:
        """Take out rows that the user removed."""
        self._window.drop(ids)
        self._show()

    @Slot()
    def on_scrolled(self) -> None:
        """Other rows can be seen: fetch what is beyond an edge that is near."""
        if not self._is_live or self._is_replacing:
            return
        first, last = self._visible_range()
        if self._window.has_older and last >= len(self._window.rows) - _EDGE_ROWS:
            self._needs.add(Need.OLDER)
        if self._window.has_newer and first < _EDGE_ROWS:
            self._needs.add(Need.NEWER)
        elif self._window.held and self._is_following():
            self._needs.add(Need.HEAD)
        elif not self._is_following():
            self._needs.add(Need.VISIBLE)
        self._ask()

    def show_nothing(self) -> None:
        """There is no workspace yet, so nobody will answer."""
        self._question, self._needs = None, set()
        self._window.clear()
        self._is_replacing = False
        self._show()

    # --- asking -----------------------------------------------------------------------------------

    def _ask(self, *, is_seen: bool = False) -> None:
        if self._question is not None or not (self._is_live or is_seen):
            return
        while self._needs:
            need = min(self._needs)
            self._needs.discard(need)
            request = self._request(need)
            if request is not None:
                ticket = self._reader.ask(_ASKER, partial(_page, request))
                self._question = _Question(need, request, ticket, self._clock.awake_ms())
                return

    def _request(self, need: Need) -> PageRequest | None:
        rows = self._window.rows
        if need is Need.HEAD:
            return PageRequest(selection=self._selection, limit=PAGE_ROWS)
        if need is Need.ABOVE:
            return PageRequest(selection=self._selection, after=self._window.newest_seen, limit=PAGE_ROWS)
        if need is Need.GONE:
            gone = self._window.gone_ids()
            return PageRequest(selection=Selection(ids=gone), limit=len(gone)) if gone else None
        if not rows:
            return None
        if need is Need.OLDER:
            return PageRequest(selection=self._selection, before=rows[-1].id, limit=PAGE_ROWS)
        if need is Need.NEWER:
            return PageRequest(selection=self._selection, after=rows[0].id, limit=PAGE_ROWS)
        first, last = self._visible_range()
        first, last = max(0, first - _MARGIN_ROWS), min(len(rows) - 1, last + _MARGIN_ROWS)
        if last < first:
            return None
        return PageRequest(selection=self._selection, before=rows[first].id + 1, limit=last - first + 1)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        question = self._question
        if question is None or answer.ticket != question.ticket:
            return  # another's, or to a question nobody asks any more
        self._question = None
        if answer.error is not None:
            self._needs = {Need.HEAD} if self._is_replacing else set()
            if not isinstance(answer.error, NotFound):  # there is no queue file yet, which the counts tell
                self.failed.emit(answer.error)
            return
        now_ms = self._clock.awake_ms()
        took_ms = now_ms - question.asked_ms
        if took_ms > _SLOW_MS:
            self._rest_until_ms = now_ms + took_ms * _REST_FACTOR
        self._take(question, answer.value, now_ms)
        self._show()
        self._ask()

    def _take(self, question: _Question, page: tuple[MessageRecord, ...], now_ms: int) -> None:
        window, request = self._window, question.request
        if question.need is Need.HEAD:
            self._take_head(page, now_ms)
        elif question.need is Need.OLDER:
            window.add_older(page)
        elif question.need is Need.NEWER:
            window.add_newer(page)
        elif question.need is Need.VISIBLE:
            assert request.before is not None
            window.refresh(page, top=request.before - 1, limit=request.limit, now_ms=now_ms)
        elif question.need is Need.ABOVE:
            window.count_newer(len(page))
        else:
            window.tell_gone(page)

    def _take_head(self, page: tuple[MessageRecord, ...], now_ms: int) -> None:
        if self._is_replacing:
            self._window.clear()
        if self._is_replacing or self._is_taking_in or self._is_following() or not self._window.rows:
            self._window.show_head(page, now_ms)
        else:  # the user selected or scrolled meanwhile
            top = max(page[0].id if page else 0, self._window.newest_seen)
            newer = sum(record.id > self._window.newest_seen for record in page)
            self._window.refresh(page, top=top, limit=PAGE_ROWS, now_ms=now_ms)
            self._window.count_newer(newer)
        self._is_replacing = self._is_taking_in = False

    def _show(self) -> None:
        self._model.show(self._window.rows)
        left = self._window.take_left()
        if left:
            self.left.emit(left)
        self.loaded.emit()

    # --- time -------------------------------------------------------------------------------------

    @Slot()
    def _on_changed(self) -> None:
        rest_ms = self._rest_until_ms - self._clock.awake_ms()
        if rest_ms <= 0:
            self.refresh()
        elif self._is_live and not self._rest.isActive():
            self._rest.start(rest_ms)

    @Slot()
    def _on_tick(self) -> None:
        self._ticks += 1
        if not self._is_aiming() and self._window.expire(self._clock.awake_ms()):
            self._show()
        if self._window.held and self._is_following():  # who was about to click has not
            self.refresh()
        only = is_running if self._ticks % _TICKS_OF_ALL else None
        self._model.tick(self._now(), *self._visible_range(), only=only)

    def _now(self) -> datetime:
        return to_datetime(self._clock.wall_us())


def _page(request: PageRequest, look: Inspection) -> tuple[MessageRecord, ...]:
    return look.page(request)
