"""What is the same for a queue and for a whole workspace: looking, and what an operator does to messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pqdesk.errors import InvalidInput, NotFound
from pqdesk.messages.checks import check_int, check_name, check_states
from pqdesk.messages.filters import parse_filter
from pqdesk.messages.records import MessageDetail, MessageRecord, Outcome
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage.contract import PageRequest, Store

Ids = int | Iterable[int] | None

_LARGEST_PAGE = 10_000
_LARGEST_ID = 2**63 - 1


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
    described = Selection() if where is None else parse_filter(_text(where, "where"))
    if ids is not None:
        described = replace(described, ids=_checked_ids(ids))
    if state is not None:
        described = replace(described, states=check_states(state))
    for name, value in (("queue", queue), ("type", type)):
        if value is not None:
            if getattr(described, name) not in (None, value):
                raise InvalidInput(f"{name} is given twice, as {getattr(described, name)!r} and {value!r}")
            fields: dict[str, Any] = {name: check_name(value, name)}
            described = replace(described, **fields)
    if search is not None:
        described = replace(described, search=_text(search, "search") or None)
    return described


def act(
    store: Store, action: str, ids: Ids, *, queue: str | None, dry_run: bool, is_queue_enough: bool, **filters: Any
) -> Outcome:
    """Do `action` to what is selected. Raises InvalidInput when neither ids nor a filter is given."""
    selection = select(ids, queue=queue, **filters)
    is_filtered = any(value is not None for value in filters.values()) or (is_queue_enough and queue is not None)
    if ids is None and not is_filtered:
        raise InvalidInput(
            f"{action.replace('_', ' ')} what? Give ids, or a filter such as state='failed'; nothing changed"
        )
    if ids is not None and is_filtered:
        raise InvalidInput("give ids or a filter, not both; nothing changed")
    return store.operating.act(action, selection, is_dry_run=dry_run)


def list_messages(
    store: Store, *, queue: str | None, before: int | None, after: int | None, limit: int, **filters: Any
) -> list[MessageRecord]:
    """At most `limit` (up to 10,000) messages below id `before` or next above id `after`, newest first."""
    request = PageRequest(
        selection=select(queue=queue, **filters),
        before=None if before is None else check_int(before, "before", least=0, most=_LARGEST_ID),
        after=None if after is None else check_int(after, "after", least=0, most=_LARGEST_ID),
        limit=check_int(limit, "limit", least=1, most=_LARGEST_PAGE),
    )
    return list(store.page(request))


def find_message(store: Store, message_id: int, *, queue: str | None = None) -> MessageDetail:
    """One message whole. Raises NotFound when there is none in this queue or workspace."""
    check_int(message_id, "id", least=0, most=_LARGEST_ID)
    detail = store.message(message_id)
    if queue is not None and detail.queue != queue:
        raise NotFound(f"message {message_id} is in queue {detail.queue!r}, not in {queue!r}")
    return detail


def result_of(detail: MessageDetail) -> Any:
    """Raises InvalidInput unless the message is completed."""
    if detail.state != State.COMPLETED:
        raise InvalidInput(f"message {detail.id} is {detail.state.word}; only a completed one has a result")
    return detail.result


def _checked_ids(ids: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(ids, str | bytes) or not isinstance(ids, int | Iterable):
        raise InvalidInput(f"ids must be an int or an iterable of int, got {ids!r:.80}")
    each = [ids] if isinstance(ids, int) else ids
    return tuple(check_int(one, "id", least=0, most=_LARGEST_ID) for one in each)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be str, got {type(value).__name__}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(f"{what} {value!r:.80} has a lone surrogate, which no text has")
    return value
