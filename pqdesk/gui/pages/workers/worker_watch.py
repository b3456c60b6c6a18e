"""What the window itself finds out about workers: messages in hand, rates, and what is wrong. Pure: time comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pqdesk.gui.formatting import format_rate
from pqdesk.gui.pages.overview.rates import RateMeter
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.records import QueueRecord
from pqdesk.supervision.records import ReplicaRecord, WorkerState
from pqdesk.supervision.trouble import NEVER_FINISHES_S, Alarm, QueueFacts, alarms

Hands = Mapping[int, tuple[str, tuple[int, ...]]]  # pid → name of the process, ids of its messages

_SHOW_ALARM_AFTER_S = 3.0  # a message that is taken within that time needs no word
_TAKING = (WorkerState.STARTING, WorkerState.RUNNING, WorkerState.STOPPING)


class WorkerWatch:
    """Remembers what was seen of the queues, and of which process had what in hand."""

    def __init__(self) -> None:
        self._queues: tuple[QueueRecord, ...] = ()
        self._meters: dict[str, RateMeter] = {}
        self._hands: Hands = {}
        self._began_s: float | None = None
        self._ended: dict[str, int] = {}  # by queue, how many messages came to an end since
        self._last: dict[str, int] = {}
        self._alarm_since_s: dict[tuple[str, str], float] = {}

    def observe_queues(self, queues: tuple[QueueRecord, ...], now_s: float) -> None:
        """The counts as they are at `now_s`, seconds of any clock that goes forward."""
        if self._began_s is None:
            self._began_s = now_s
        self._queues = queues
        for one in queues:
            counts = one.counts
            self._meters.setdefault(one.name, RateMeter()).observe(counts, now_s)
            ended = counts.completed + counts.failed + counts.retrying
            grown = max(0, ended - self._last.get(one.name, ended))
            self._last[one.name] = ended
            self._ended[one.name] = self._ended.get(one.name, 0) + grown

    def tick(self, now_s: float) -> None:
        """Time has passed: no news is a rate of nothing."""
        for one in self._queues:
            self._meters[one.name].observe(one.counts, now_s)

    def observe_hands(self, hands: Hands) -> None:
        self._hands = hands

    def in_hand(self, replicas: Sequence[ReplicaRecord]) -> dict[str, tuple[int, ...]]:
        """Ids of the messages in hand, by process."""
        by_name = dict(self._hands.values())
        found = {
            one.process: self._hands[one.pid][1] if one.pid in self._hands else by_name.get(one.process, ())
            for one in replicas
            if one.pid is not None
        }
        return {process: ids for process, ids in found.items() if ids}

    def rates(self, replicas: Sequence[ReplicaRecord], now_s: float) -> dict[str, tuple[float, str]]:
        """Messages per second that each worker finishes or puts, with how that is known.

        Where several take from the same queue, nobody can tell whose messages they were: those have none.
        """
        found: dict[str, tuple[float, str]] = {}
        for one in {one.worker: one for one in replicas if one.state in _TAKING}.values():
            if one.kind == "command" or not one.queues:
                continue
            others = {other.worker for other in replicas if _shares(one, other)}
            if not others:
                found[one.worker] = self._rate_of(one, now_s)
        return found

    def alarms(self, replicas: Sequence[ReplicaRecord], now_s: float) -> tuple[Alarm, ...]:
        """Queues without a worker, workers that never finish anything; what has been so for three seconds."""
        served = {queue for one in replicas if one.state in _TAKING for queue in one.queues}
        facts = [
            QueueFacts(
                name=one.name,
                ready=one.counts.ready,
                is_paused=one.is_paused,
                has_other_worker=one.name not in served and self._is_worked_on(one, now_s),
            )
            for one in self._queues
        ]
        found = alarms(replicas, facts, self._finished(replicas, now_s))
        before = self._alarm_since_s
        self._alarm_since_s = {key: before.get(key, now_s) for key in ((one.kind, one.subject) for one in found)}
        lasting = [now_s - self._alarm_since_s[one.kind, one.subject] >= _SHOW_ALARM_AFTER_S for one in found]
        return tuple(one for one, is_lasting in zip(found, lasting, strict=True) if is_lasting)

    def _rate_of(self, one: ReplicaRecord, now_s: float) -> tuple[float, str]:
        side = 0 if one.kind == "producer" else 1
        meters = [self._meters[name] for name in one.queues if name in self._meters]
        rate = sum(meter.average(now_s)[side] for meter in meters)
        names = visible_line(", ".join(one.queues))
        verb = "put into" if one.kind == "producer" else "of"
        return rate, f"{format_rate(rate)} messages a second {verb} {names}, over ten seconds"

    def _is_worked_on(self, queue: QueueRecord, now_s: float) -> bool:
        meter = self._meters.get(queue.name)
        return queue.counts.running > 0 or (meter is not None and meter.average(now_s)[1] > 0)

    def _finished(self, replicas: Sequence[ReplicaRecord], now_s: float) -> dict[str, int]:
        """By worker, what can be told to its favour: anything that came to an end in its queues while it was seen."""
        has_seen_enough = self._began_s is not None and now_s - self._began_s >= NEVER_FINISHES_S
        return {
            one.worker: sum(self._ended.get(name, 0) for name in one.queues) if has_seen_enough else 1
            for one in replicas
        }


def _shares(one: ReplicaRecord, other: ReplicaRecord) -> bool:
    is_other = other.worker != one.worker and other.kind == one.kind and other.state in _TAKING
    return is_other and not set(one.queues).isdisjoint(other.queues)
