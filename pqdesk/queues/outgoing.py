"""From what the caller gives to what the store takes: every argument checked before anything happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pqdesk.clock import from_datetime
from pqdesk.errors import InvalidInput
from pqdesk.later import Later
from pqdesk.messages.aliases import Duration, OnConflict, PutOptions
from pqdesk.messages.checks import (
    ATTEMPTS_LIMIT,
    PRIORITY_LIMIT,
    check_int,
    check_name,
    check_optional_name,
    encode_headers,
    quoted,
)
from pqdesk.messages.durations import duration_us
from pqdesk.messages.payloads import encode_payload
from pqdesk.storage.values import Alike, EncodedPayload, NewMessage

if TYPE_CHECKING:
    from pqdesk.messages import records
else:
    records = Later("pqdesk.messages.records")  # who puts one by one needs none of them

PUT_MANY_LIMIT = 100_000
_LATEST_US = from_datetime(datetime.max.replace(tzinfo=UTC))
_CONFLICT_RULES = ("raise", "keep", "replace", "after")


def checked(
    payload: Any,
    queue: str,
    *,
    type: str | None = None,
    priority: int = 0,
    delay: Duration | None = None,
    at: datetime | None = None,
    key: str | None = None,
    on_conflict: OnConflict = "raise",
    unique_for: Duration | None = None,
    group: str | None = None,
    expires: Duration | None = None,
    max_attempts: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> NewMessage:
    """The message to put, with the options of `Queue.put`. Raises InvalidInput."""
    kind, data = encode_payload(payload)
    if on_conflict not in _CONFLICT_RULES:
        raise InvalidInput(f"on_conflict must be one of {', '.join(_CONFLICT_RULES)}, got {quoted(on_conflict)}")
    delay_us, at_us = due_of(delay, at)
    if unique_for is not None and key is None:
        raise InvalidInput("unique_for is about a key; give key= too")
    return NewMessage(
        queue=queue,
        payload=EncodedPayload(kind, data),
        type=check_optional_name(type, "type"),
        priority=check_int(priority, "priority", least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT),
        delay_us=delay_us,
        at_us=at_us,
        key=check_optional_name(key, "key"),
        on_conflict=on_conflict,
        unique_us=None if unique_for is None else duration_us(unique_for, "unique_for", least_us=1),
        group=check_optional_name(group, "group"),
        expires_us=None if expires is None else duration_us(expires, "expires", least_us=1),
        max_attempts=None
        if max_attempts is None
        else check_int(max_attempts, "max_attempts", least=1, most=ATTEMPTS_LIMIT),
        headers=encode_headers(headers),
    )


_OPTIONS = frozenset(checked.__kwdefaults__ or ())


def checked_outgoing(one: records.Outgoing, queue: str) -> NewMessage:
    """The message to put, for `queue` unless it names another. Raises InvalidInput."""
    return checked(
        one.payload, queue if one.queue is None else check_name(one.queue, "queue"),
        type=one.type, priority=one.priority, delay=one.delay, at=one.at, key=one.key, on_conflict=one.on_conflict,
        unique_for=one.unique_for,
        group=one.group, expires=one.expires, max_attempts=one.max_attempts, headers=one.headers,
    )  # fmt: skip


def each_of(items: Iterable[Any], what: str = "put_many") -> Iterator[Any]:
    """One after the other of what `what` was given. Raises InvalidInput for what is no iterable, or a payload."""
    is_one = isinstance(items, str | bytes | bytearray | memoryview | dict)
    try:
        if not is_one:
            return iter(items)
    except TypeError:
        pass
    hint = "; use put()" if what == "put_many" else ""
    raise InvalidInput(f"{what} takes an iterable of payloads, got one {type(items).__name__}{hint}")


def each_pair(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[Any, Any]]:
    """The marks and payloads that put_once was given. Raises InvalidInput."""
    for number, one in enumerate(each_of(items, "put_once")):
        if not isinstance(one, tuple | list) or len(one) != 2:
            text = f"item {number}: put_once takes pairs of a mark and a payload, got {quoted(one)}; nothing was put"
            raise InvalidInput(text)
        yield one[0], one[1]


def checked_all(items: Iterable[Any], queue: str, options: PutOptions, what: str = "put_many") -> Sequence[NewMessage]:
    """Payloads (each with `options`) or Outgoing, at most 100,000. Raises InvalidInput, naming the item."""
    each = each_of(items, what)
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise InvalidInput(f"{what} has no option {min(unknown)!r}; it takes those of put")
    alike = Alike(checked(None, queue, **options), [])
    outgoing = records.Outgoing
    mixed: list[NewMessage] | None = None  # from the first Outgoing on
    for number, item in enumerate(each):
        if number == PUT_MANY_LIMIT:
            raise InvalidInput(f"put_many takes at most {PUT_MANY_LIMIT:,} items at once; nothing was put")
        try:
            if isinstance(item, outgoing):
                mixed = list(alike) if mixed is None else mixed
                mixed.append(checked_outgoing(item, queue))
                continue
            encoded = encode_payload(item)
        except InvalidInput as exc:
            raise InvalidInput(f"item {number}: {exc}; nothing was put") from exc
        if mixed is None:
            alike.payloads.append(encoded)
        else:
            mixed.append(alike.model._replace(payload=EncodedPayload(*encoded)))
    return alike if mixed is None else mixed


def due_of(delay: Duration | None, at: datetime | None) -> tuple[int | None, int | None]:
    """`delay` and `at` of a put in microseconds; at most one is given. Raises InvalidInput."""
    if delay is not None and at is not None:
        raise InvalidInput("delay and at say the same thing in two ways; give one of them")
    return None if delay is None else duration_us(delay, "delay"), None if at is None else _instant_us(at)


def _instant_us(at: datetime) -> int:
    if not isinstance(at, datetime) or at.tzinfo is None or at.utcoffset() is None:
        raise InvalidInput("at must be a datetime with a time zone, for example datetime.now(UTC) + timedelta(hours=1)")
    at_us = from_datetime(at)
    if at_us > _LATEST_US:  # a time zone west of UTC can say so; nobody could read the message then
        raise InvalidInput(f"at must be within the year 9999 of UTC, got {at}")
    return max(0, at_us)
