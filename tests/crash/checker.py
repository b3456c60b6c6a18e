"""Whether a history and the messages at its end agree with the promises of the queue.

Deliveries are ordered by their attempt number, not by the clock: a process that was stopped tells late what it did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.crash.history import Event


@dataclass(frozen=True, slots=True)
class FinalMessage:
    """A message after everything was drained."""

    state: str
    token: str


def violations(events: Iterable[Event], final: Mapping[int, FinalMessage]) -> list[str]:
    """One sentence for each broken promise; none when all were kept."""
    events = list(events)
    return [*_put_violations(events, final), *_delivery_violations(events, final)]


def _put_violations(events: list[Event], final: Mapping[int, FinalMessage]) -> Iterator[str]:
    told = {token for event in events if event.what == "putting" for token in event.tokens}
    for event in (event for event in events if event.what == "put"):
        for token, message_id in zip(event.tokens, event.ids, strict=True):
            if message_id not in final:
                yield f"message {message_id} was put and is gone"
            elif final[message_id].token != token:
                yield f"message {message_id} was put as {token} and is now {final[message_id].token}"
    for token, times in Counter(message.token for message in final.values()).items():
        if times > 1:
            yield f"{token} was put once and is there {times} times"
        if token not in told:
            yield f"{token} is there and nobody put it"


def _delivery_violations(events: list[Event], final: Mapping[int, FinalMessage]) -> Iterator[str]:
    got: defaultdict[int, list[Event]] = defaultdict(list)
    acked: defaultdict[int, list[Event]] = defaultdict(list)
    acking = {event.id for event in events if event.what == "acking"}
    for event in events:
        if event.what == "got":
            got[event.id].append(event)
        elif event.what == "acked":
            acked[event.id].append(event)

    for message_id, message in final.items():
        if message.state != "completed":
            yield f"message {message_id} is stuck in {message.state}"
        elif message_id not in acking:
            yield f"message {message_id} is completed and nobody acked it"
    for message_id, deliveries in got.items():
        yield from _fencing_violations(message_id, deliveries, acked[message_id])


def _fencing_violations(message_id: int, deliveries: list[Event], acked: list[Event]) -> Iterator[str]:
    if len(acked) > 1:
        yield f"message {message_id} was acked {len(acked)} times"
    for receipt, times in Counter(event.receipt for event in deliveries).items():
        if times > 1:
            yield f"receipt {receipt} was given out {times} times"
    for ack in acked:
        later = [event.attempt for event in deliveries if event.attempt > ack.attempt]
        if later:
            yield f"message {message_id} was acked in attempt {ack.attempt} and delivered again in {later}"
