"""What the processes do that get killed: put for ever, get and settle for ever, and at the end get what is left."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path

from pqdesk import Empty, LeaseLost, Message, Outgoing, Queue, Workspace
from pqdesk.clock import SystemClock
from pqdesk.messages.states import AttemptOutcome
from pqdesk.queues.handling import Handling
from pqdesk.storage.values import Settlement
from tests.crash.history import Event, History

QUEUE = "work"
# Above what any message meets here, so that each one has to come to `completed`.
_NEVER = 1_000_000
_LARGEST_BACKLOG = 400
# Short enough to end while a process is stopped, see campaign.py.
LEASE_S = 0.3
_LONGEST_WORK_S = 0.005
_AHEAD = 8
_GROUPS = tuple(f"group {number}" for number in range(20))

Child = Callable[[Path, History, random.Random], None]


def prepare(workspace: Path, _history: History, _rng: random.Random) -> None:
    with Queue(QUEUE, workspace=workspace) as queue:
        queue.configure(max_attempts=_NEVER, max_deaths=_NEVER, lease=LEASE_S)


def produce(workspace: Path, history: History, rng: random.Random) -> None:
    """Put one or many messages at a time, as long as not too many wait."""
    name = f"{rng.getrandbits(64):016x}"
    with Queue(QUEUE, workspace=workspace) as queue:
        for number in range(1_000_000):
            while queue.qsize() > _LARGEST_BACKLOG:
                time.sleep(0.005)
            tokens = tuple(f"{name}-{number}-{k}" for k in range(rng.choice((1, 1, 1, 7))))
            history.note(Event(what="putting", tokens=tokens))
            ids = _put(queue, tokens, rng)
            history.note(Event(what="put", tokens=tokens, ids=tuple(ids)))


def _put(queue: Queue, tokens: tuple[str, ...], rng: random.Random) -> list[int]:
    priority, delay = rng.choice((0, 0, 1, -1)), rng.choice((None, None, None, 0.05))
    group = rng.choice((None, None, *_GROUPS))
    if len(tokens) == 1:
        key = rng.choice((None, tokens[0]))
        return [queue.put({"token": tokens[0]}, priority=priority, delay=delay, key=key, group=group)]
    return queue.put_many(Outgoing({"token": token}, priority=priority, delay=delay, group=group) for token in tokens)


def consume(workspace: Path, history: History, rng: random.Random) -> None:
    """Get in each of the ways there are; ack most, nack or release some."""
    ways = (_iterate, _take_one, _take_many, _take_in_with, _take_detached, _work_in_batches, _work_in_batches)
    take = rng.choice(ways)
    with Workspace(workspace) as opened, opened.queue(QUEUE) as queue:
        while True:
            try:
                take(opened, queue, history, rng)
            except Empty:
                continue


def consume_untruthfully(workspace: Path, history: History, rng: random.Random) -> None:
    """Says that it has acked before it does, as a queue would that tells before it is on disk. Has to be found out."""
    with Queue(QUEUE, workspace=workspace) as queue:
        for message in queue:
            event = _got(history, message, rng)
            history.note(_again(event, "acking"))
            history.note(_again(event, "acked"))
            time.sleep(_LONGEST_WORK_S)
            message.ack()


def drain(workspace: Path, history: History, rng: random.Random) -> None:
    """Ack what is left. Waits for what is due later and for leases that processes left behind."""
    with Queue(QUEUE, workspace=workspace) as queue:
        while queue.counts().unfinished:
            try:
                _ack(history, queue.get(timeout=0.1), rng)
            except Empty:
                continue


def _iterate(_opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    """Here the ack of one message takes the next in its own transaction."""
    for number, message in enumerate(queue):
        _settle(history, message, rng)
        if number == 50:
            return


def _take_one(_opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    _settle(history, queue.get(timeout=0.2), rng)


def _take_many(_opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    for message in queue.get_many(5, timeout=0.2):
        _settle(history, message, rng)


def _take_in_with(_opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    message = queue.get(timeout=0.2)
    with contextlib.suppress(LeaseLost), message:  # a refused ack is tried again on leaving, and refused again
        _settle(history, message, rng)


def _take_detached(opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    """A lease without a process: it ends by itself after a kill."""
    message = queue.get(timeout=0.2, detached=True)
    event = _got(history, message, rng)
    try:
        history.note(_again(event, "acking"))
        opened.ack(message.receipt)
        history.note(_again(event, "acked"))
    except LeaseLost:
        history.note(_again(event, "refused"))


def _work_in_batches(_opened: Workspace, queue: Queue, history: History, rng: random.Random) -> None:
    """As a worker does: claim ahead, settle several in one transaction, and claim the next ones in it."""
    handling, clock = Handling(queue), SystemClock()
    ahead = handling.take(_AHEAD)
    if not ahead:
        handling.wait()
    while ahead:
        settled: list[tuple[Message, Settlement]] = []
        events: dict[int, tuple[Event, str]] = {}
        for message in ahead:
            if handling.is_past_lease(message, clock.awake_ms()) or not handling.begin(message):
                settled.append((message, Settlement(AttemptOutcome.RELEASED)))
                continue
            event = _got(history, message, rng)
            handling.end(message)
            settlement, word = _ending(rng)
            history.note(_again(event, "acking" if word == "acked" else "returning"))
            settled.append((message, settlement))
            events[message.id] = event, word
        lost, ahead = handling.settle(settled, claim_next=rng.choice((0, 1, _AHEAD)))
        refused = {message.id for message in lost}
        for message_id, (event, word) in events.items():
            history.note(_again(event, "refused" if message_id in refused else word))


def _ending(rng: random.Random) -> tuple[Settlement, str]:
    if rng.random() < 0.85:
        return Settlement(AttemptOutcome.COMPLETED), "acked"
    if rng.random() < 0.5:
        return Settlement(AttemptOutcome.NACKED, error="on purpose", delay_us=20_000), "returned"
    return Settlement(AttemptOutcome.RELEASED), "returned"


def _settle(history: History, message: Message, rng: random.Random) -> None:
    if rng.random() < 0.85:
        _ack(history, message, rng)
        return
    event = _got(history, message, rng)
    history.note(_again(event, "returning"))
    try:
        if rng.random() < 0.5:
            message.nack("on purpose", delay=0.02)
        else:
            message.release()
        history.note(_again(event, "returned"))
    except LeaseLost:
        history.note(_again(event, "refused"))


def _ack(history: History, message: Message, rng: random.Random) -> None:
    event = _got(history, message, rng)
    try:
        history.note(_again(event, "acking"))
        message.ack({"attempt": message.attempt})
        history.note(_again(event, "acked"))
    except LeaseLost:
        history.note(_again(event, "refused"))


def _got(history: History, message: Message, rng: random.Random) -> Event:
    """Note the delivery, and be busy with it for a moment."""
    event = Event(what="got", ids=(message.id,), attempt=message.attempt, receipt=message.receipt)
    history.note(event)
    time.sleep(rng.uniform(0, _LONGEST_WORK_S))  # else hardly a process would be stopped or killed with one in hand
    return event


def _again(event: Event, what: str) -> Event:
    return Event(what=what, ids=event.ids, attempt=event.attempt, receipt=event.receipt)
