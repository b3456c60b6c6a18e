"""How far an order to several processes has come, told from the states that followed it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pqdesk.gui.formatting import format_number
from pqdesk.supervision.records import ReplicaRecord, WorkerState

_DONE_IN = {
    "stop": (WorkerState.STOPPED, WorkerState.EXITED, WorkerState.FAILED_TO_START),
    "start": (WorkerState.RUNNING, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START, WorkerState.EXITED),
}
_WORDS = {"stop": ("Stopping", "stopped"), "start": ("Starting", "running"), "restart": ("Restarting", "restarted")}


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` have come to where the order leads."""

    text: str
    done: int
    total: int


class OrderProgress:
    """Follows one order at a time; a new one takes the place of the old."""

    def __init__(self) -> None:
        self._verb = ""
        self._targets: dict[str, int | None] = {}  # by process, its pid when the order was given

    def begin(self, verb: str, replicas: Sequence[ReplicaRecord]) -> None:
        """`replicas` as they are while it is given; one process alone shows how it goes in its own row."""
        is_followed = verb in _WORDS and len(replicas) > 1
        self._verb = verb if is_followed else ""
        self._targets = {one.process: one.pid for one in replicas} if is_followed else {}

    def end(self) -> None:
        """It failed, or nobody wants to know any more."""
        self._targets = {}

    def look(self, replicas: Sequence[ReplicaRecord]) -> Progress | None:
        """None when there is no order, or all of it is done."""
        if not self._targets:
            return None
        there = {one.process: one for one in replicas}
        done = sum(process not in there or self._is_done(there[process]) for process in self._targets)
        total = len(self._targets)
        if done == total:
            self.end()
            return None
        doing, word = _WORDS[self._verb]
        text = f"{doing} {format_number(total)} processes: {format_number(done)} {word}"
        return Progress(text, done, total)

    def _is_done(self, replica: ReplicaRecord) -> bool:
        if self._verb == "restart":
            return replica.pid != self._targets[replica.process] and replica.state in _DONE_IN["start"]
        return replica.state in _DONE_IN[self._verb]
