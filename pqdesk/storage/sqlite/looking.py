"""A store's questions, over its one connection for looking: one part of a long question at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from pqdesk.later import Later
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.selection import Selection
from pqdesk.storage.looking import COUNTED_IDS, Looking, PageRequest
from pqdesk.storage.sqlite.calling import question
from pqdesk.storage.sqlite.engine import Engine

if TYPE_CHECKING:
    from pqdesk.messages.looking import CappedCounts, MetricRecord
    from pqdesk.storage.sqlite import pages
    from pqdesk.storage.sqlite.inspection import SqliteInspection
    from pqdesk.storage.sqlite.pages import Ask, Parts
else:
    pages = Later("pqdesk.storage.sqlite.pages")

P = ParamSpec("P")
T = TypeVar("T")

_GIVE_WAY_S = 0.0005


def _asked(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[SqliteLooking, P], T]:
    """The question of that name, put to the connection for looking."""
    name = method.__name__

    def ask(self: SqliteLooking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        part: Callable[[SqliteInspection], T] = methodcaller(name, *args, **kwargs)
        return self._ask(part)

    return ask


class SqliteLooking:
    """See `storage.looking.Looking`. Thread-safe; between two parts of a search other threads get their answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    queues = _asked(Looking.queues)
    counts = _asked(Looking.counts)
    search = _asked(Looking.search)
    id_at = _asked(Looking.id_at)
    message = _asked(Looking.message)
    versions = _asked(Looking.versions)
    activity = _asked(Looking.activity)
    newest_of = _asked(Looking.newest_of)
    is_look_only = _asked(Looking.is_look_only)
    explain = _asked(Looking.explain)
    names = _asked(Looking.names)
    errors = _asked(Looking.errors)
    waiting_since = _asked(Looking.waiting_since)
    served = _asked(Looking.served)
    schedules = _asked(Looking.schedules)
    refused_puts = _asked(Looking.refused_puts)

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        return pages.whole_page(request, self._giving_way(), self._engine.clock)

    def count(self, selection: Selection, most_ids: int = COUNTED_IDS) -> CappedCounts:
        return pages.whole_count(selection, most_ids, self._giving_way(), self._engine.clock)

    def metrics(self, *args: Any, **kwargs: Any) -> tuple[MetricRecord, ...]:
        if self._engine.transaction is None:
            with self._engine.locked():
                self._engine.write_metrics(is_forced=True)  # what this process has just done is in them
        return self._ask(lambda one: one.metrics(*args, **kwargs))

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
