"""A store's questions, over its one connection for looking: one part of a long question at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pqdesk.later import Later
from pqdesk.messages.records import Counts, MessageDetail, MessageRecord, QueueRecord, RefusedPut, ScheduleRecord
from pqdesk.messages.selection import Selection
from pqdesk.storage.looking import COUNTED_IDS, SLICE_IDS, PageRequest
from pqdesk.storage.sqlite.calling import question
from pqdesk.storage.sqlite.engine import Engine

if TYPE_CHECKING:
    from pqdesk.messages.activities import ActivityRecord, Undoable, VersionRecord
    from pqdesk.messages.looking import CappedCounts, ErrorRecord, MetricRecord, Names, Reason, SearchSlice
    from pqdesk.storage.sqlite import pages
    from pqdesk.storage.sqlite.inspection import SqliteInspection
    from pqdesk.storage.sqlite.pages import Ask, Parts
else:
    pages = Later("pqdesk.storage.sqlite.pages")

T = TypeVar("T")

_GIVE_WAY_S = 0.0005


class SqliteLooking:
    """See `storage.looking.Looking`. Thread-safe; between two parts of a search other threads get their answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queues(self) -> tuple[QueueRecord, ...]:
        return self._ask(lambda one: one.queues())

    def counts(self, queue: str | None = None) -> Counts:
        return self._ask(lambda one: one.counts(queue))

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        return pages.whole_page(request, self._giving_way(), self._engine.clock)

    def search(self, request: PageRequest, *, from_id: int | None = None, slice_ids: int = SLICE_IDS) -> SearchSlice:
        return self._ask(lambda one: one.search(request, from_id=from_id, slice_ids=slice_ids))

    def count(self, selection: Selection, most_ids: int = COUNTED_IDS) -> CappedCounts:
        return pages.whole_count(selection, most_ids, self._giving_way(), self._engine.clock)

    def id_at(self, at: datetime) -> int | None:
        return self._ask(lambda one: one.id_at(at))

    def message(self, message_id: int) -> MessageDetail:
        return self._ask(lambda one: one.message(message_id))

    def versions(self, message_id: int) -> tuple[VersionRecord, ...]:
        return self._ask(lambda one: one.versions(message_id))

    def activity(
        self, *, limit: int, before: int | None = None, about: int | None = None
    ) -> tuple[ActivityRecord, ...]:
        return self._ask(lambda one: one.activity(limit=limit, before=before, about=about))

    def newest_of(self, user: str, which: Undoable) -> ActivityRecord | None:
        return self._ask(lambda one: one.newest_of(user, which))

    def is_look_only(self) -> bool:
        return self._ask(lambda one: one.is_look_only())

    def explain(self, message_id: int) -> tuple[Reason, ...]:
        return self._ask(lambda one: one.explain(message_id))

    def names(self) -> Names:
        return self._ask(lambda one: one.names())

    def errors(self, queue: str | None = None) -> tuple[ErrorRecord, ...]:
        return self._ask(lambda one: one.errors(queue))

    def metrics(
        self,
        queue: str | None = None,
        type: str | None = None,
        *,
        since: datetime,
        until: datetime,
        step_s: int = 60,
        by_queue: bool = False,
    ) -> tuple[MetricRecord, ...]:
        if self._engine.transaction is None:
            with self._engine.locked():
                self._engine.write_metrics(is_forced=True)  # what this process has just done is in them
        return self._ask(
            lambda one: one.metrics(queue, type, since=since, until=until, step_s=step_s, by_queue=by_queue)
        )

    def waiting_since(self) -> dict[str, datetime]:
        return self._ask(lambda one: one.waiting_since())

    def served(self, queues: Collection[str]) -> frozenset[str]:
        return self._ask(lambda one: one.served(queues))

    def schedules(self) -> tuple[ScheduleRecord, ...]:
        return self._ask(lambda one: one.schedules())

    def refused_puts(self, limit: int = 100) -> tuple[RefusedPut, ...]:
        return self._ask(lambda one: one.refused_puts(limit))

    def _giving_way(self) -> Ask:
        """Asks the parts of a long question, and before each but the first lets whoever waits go first.

        Without that nobody else would: a thread that gives a lock back takes it again before another has woken.
        """
        is_first = True

        def ask(part: Callable[[Parts], T]) -> T:
            nonlocal is_first
            if not is_first:
                time.sleep(_GIVE_WAY_S)
            is_first = False
            return self._ask(part)

        return ask

    @question
    def _ask(self, part: Callable[[SqliteInspection], T]) -> T:
        with self._engine.inspecting() as inspection:
            return part(inspection)
