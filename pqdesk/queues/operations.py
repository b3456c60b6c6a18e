"""What is the same for a queue and for a whole workspace: looking, and what an operator does to messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import InvalidInput, NotFound
from pqdesk.later import Later
from pqdesk.messages.aliases import Duration, Ids
from pqdesk.messages.checks import check_id, check_int, check_name, check_states, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.looking import SORTS, SortName
from pqdesk.messages.records import MessageDetail, MessageRecord
from pqdesk.messages.selection import Field, Has, Is, Selection, Term
from pqdesk.messages.states import State
from pqdesk.storage.contract import Store
from pqdesk.storage.looking import PageRequest

if TYPE_CHECKING:
    from pqdesk.messages import filters as filtering
    from pqdesk.messages.looking import MetricRecord
else:
    filtering = Later("pqdesk.messages.filters")  # only who filters needs it

LARGEST_PAGE = 10_000


def select(
    ids: Ids = None,
    *,
    queue: str | None = None,
    state: Any = None,
    type: str | None = None,
    search: str | None = None,
    where: str | None = None,
) -> Selection:
    """The selection that these arguments describe; `where` is the window's filter grammar. Raises InvalidInput."""
    described = Selection() if where is None else _parsed(_text(where, "where"))
    if ids is not None:
        described = replace(described, ids=_checked_ids(ids))
    if state is not None:
        described = _with_states(described, check_states(state))
    for name, value in (("queue", queue), ("type", type)):
        if value is not None:
            if getattr(described, name) not in (None, value):
                raise InvalidInput(f"{name} is given twice, as {getattr(described, name)!r} and {value!r}")
            fields: dict[str, Any] = {name: check_name(value, name)}
            described = replace(described, **fields)
    if search is not None:
        text = filtering.check_length(_text(search, "search"), "search")
        if described.search is None or not text:
            described = replace(described, search=text or described.search)
        else:  # `where` has text of its own: both have to be there
            described = replace(described, terms=(*described.terms, Term(Field.TEXT, (Has(text),))))
    return described


def _parsed(where: str) -> Selection:
    return filtering.parse_filter(where)


def _with_states(described: Selection, states: tuple[State, ...]) -> Selection:
    """In these states, and in those of `where` too."""
    if not described.states or not states:
        return replace(described, states=states or described.states)
    tests = tuple(Is(one.number) for one in described.states)
    return replace(described, states=states, terms=(*described.terms, Term(Field.STATE, tests)))


def list_messages(
    store: Store,
    *,
    queue: str | None,
    before: int | None,
    after: int | None,
    limit: int,
    sort: SortName,
    descending: bool,
    **filters: Any,
) -> list[MessageRecord]:
    """At most `limit` (up to 10,000) messages below id `before` or next above id `after`, newest first."""
    if sort not in SORTS:
        raise InvalidInput(f"sort must be one of {', '.join(SORTS)}, got {quoted(sort)}")
    is_by_id = sort in ("id", "enqueued") and descending
    if not is_by_id and (before is not None or after is not None):
        raise InvalidInput("before and after go with the newest first, not with another order")
    request = PageRequest(
        selection=select(queue=queue, **filters),
        before=None if before is None else check_id(before, "before"),
        after=None if after is None else check_id(after, "after"),
        limit=check_int(limit, "limit", least=1, most=LARGEST_PAGE),
        sort=sort,
        descending=descending,
    )
    return list(store.looking.page(request))


def find_message(store: Store, message_id: int, *, queue: str | None = None) -> MessageDetail:
    """One message whole. Raises NotFound when there is none in this queue or workspace."""
    check_id(message_id)
    detail = store.looking.message(message_id)
    if queue is not None and detail.queue != queue:
        raise NotFound(f"message {message_id} is in queue {detail.queue!r}, not in {queue!r}")
    return detail


def metrics(
    store: Store, clock: Clock, since: datetime, until: datetime | None, step: Duration, **options: Any
) -> list[MetricRecord]:
    """See Queue.metrics. Raises InvalidInput."""
    for name, at in (("since", since), ("until", until)):
        if (at is not None or name == "since") and (not isinstance(at, datetime) or at.tzinfo is None):
            raise InvalidInput(f"{name} must be an aware datetime, got {quoted(at)}")
    step_s = duration_us(step, "step", least_us=1) // 1_000_000
    end = until or to_datetime(clock.wall_us() + 1_000_000)
    return list(store.looking.metrics(since=since, until=end, step_s=step_s, **options))


def result_of(detail: MessageDetail) -> Any:
    """Raises InvalidInput unless the message is completed."""
    if detail.state != State.COMPLETED:
        raise InvalidInput(f"message {detail.id} is {detail.state.word}; only a completed one has a result")
    return detail.result


def _checked_ids(ids: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(ids, str | bytes) or not isinstance(ids, int | Iterable):
        raise InvalidInput(f"ids must be an int or an iterable of int, got {quoted(ids)}")
    each = [ids] if isinstance(ids, int) else ids
    return tuple(check_id(one) for one in each)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be str, got {type(value).__name__}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(f"{what} {quoted(value)} has a lone surrogate, which no text has")
    return value
