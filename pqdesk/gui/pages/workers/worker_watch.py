"""What the window itself finds out about workers: messages in hand, and rates. Pure: time comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pqdesk.gui.formatting import format_rate
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.records import QueueRecord
from pqdesk.services.rates import RateMeter
from pqdesk.supervision.records import ReplicaRecord

Hands = Mapping[int, tuple[str, tuple[int, ...]]]  # pid → name of the process, ids of its messages


class WorkerWatch:
    """Remembers what was seen of the queues, and of which process had what in hand."""

    def __init__(self) -> None:
        self._queues: tuple[QueueRecord, ...] = ()
        self._meters: dict[str, RateMeter] = {}
        self._hands: Hands = {}

    def observe_queues(self, queues: tuple[QueueRecord, ...], now_s: float) -> None:
        """The counts as they are at `now_s`, seconds of any clock that goes forward."""
        self._queues = queues
        for one in queues:
            self._meters.setdefault(one.name, RateMeter()).observe(one.counts, now_s)

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
        for one in {one.worker: one for one in replicas if one.state.has_process}.values():
            if one.kind == "command" or not one.queues:
                continue
            others = {other.worker for other in replicas if _shares(one, other)}
            if not others:
                found[one.worker] = self._rate_of(one, now_s)
        return found

    def _rate_of(self, one: ReplicaRecord, now_s: float) -> tuple[float, str]:
        side = 0 if one.kind == "producer" else 1
        meters = [self._meters[name] for name in one.queues if name in self._meters]
        rate = sum(meter.average(now_s)[side] for meter in meters)
        names = visible_line(", ".join(one.queues))
        verb = "put into" if one.kind == "producer" else "of"
        return rate, f"{format_rate(rate)} messages a second {verb} {names}, over ten seconds"


def _shares(one: ReplicaRecord, other: ReplicaRecord) -> bool:
    is_other = other.worker != one.worker and other.kind == one.kind and other.state.has_process
    return is_other and not set(one.queues).isdisjoint(other.queues)
