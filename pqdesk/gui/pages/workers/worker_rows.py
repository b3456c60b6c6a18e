"""What the table of workers shows: a row per worker and, below it, one per replica where it has several. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from pqdesk.gui.formatting import (
    format_absolute,
    format_count,
    format_number,
    format_rate,
    format_relative,
    format_size,
    format_uptime,
)
from pqdesk.gui.visible_text import visible_line
from pqdesk.supervision.records import LastExit, ReplicaRecord, WorkerState

if TYPE_CHECKING:
    from pqdesk.supervision.processes.usage import Usage


# The state of a worker is that of the replica that is worst off; where all is well, how many run.
_WORST_FIRST = (
    WorkerState.CRASH_LOOPING,
    WorkerState.FAILED_TO_START,
    WorkerState.BACKING_OFF,
    WorkerState.STOPPING,
    WorkerState.STARTING,
    WorkerState.RUNNING,
    WorkerState.UNKNOWN,
    WorkerState.EXITED,
    WorkerState.STOPPED,
)
_REPLICA = re.compile(r"(.+)-([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """Everything known of the workers by now.

    Attributes:
        usages: CPU and memory by process, of those that were looked at.
        in_hand: Ids of the messages in hand, by process.
        rates: Messages per second by worker, with where the number comes from.
    """

    now: datetime
    replicas: Sequence[ReplicaRecord] = ()
    usages: Mapping[str, Usage] = field(default_factory=dict)
    in_hand: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rates: Mapping[str, tuple[float, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One row, ready to be painted.

    Attributes:
        key: What a row is recognised by: the worker's name, or its and the process's.
        target: What start, stop and the others are told: the worker's name, or the process's.
        level: 0 for a worker, 1 for a replica of a worker that has several.
        cells, tips: By the keys of columns; what has no tip is left out.
        is_folded: None for a row that has none below it.
        steps: How far it is indented.
    """

    key: tuple[str, ...]
    target: str
    level: int
    replicas: tuple[ReplicaRecord, ...]
    state: WorkerState
    cells: Mapping[str, str]
    tips: Mapping[str, str]
    message_ids: tuple[int, ...]
    phrase: str
    is_folded: bool | None = None
    steps: int = 0

    @property
    def worker(self) -> str:
        return self.replicas[0].worker

    @property
    def is_group(self) -> bool:
        """It stands for several processes, each of which has a row below it."""
        return len(self.replicas) > 1


def worker_rows(facts: WorkerFacts, folded: frozenset[str] = frozenset()) -> tuple[WorkerRow, ...]:
    """The rows from top to bottom, in the order of `facts`; replicas of the workers in `folded` are left out."""
    rows: list[WorkerRow] = []
    for worker, found in groupby(_with_leaving_ones(facts.replicas), key=lambda one: one.worker):
        replicas, is_folded = tuple(found), worker in folded
        row = _row((worker,), worker, 0, replicas, facts)
        rows.append(replace(row, is_folded=is_folded) if row.is_group else row)
        if row.is_group and not is_folded:
            rows += [_row((worker, one.process), one.process, 1, (one,), facts) for one in replicas]
    if any(row.is_group for row in rows):  # the others leave room for its arrow
        rows = [row if row.is_group else replace(row, steps=row.level + 1) for row in rows]
    return tuple(rows)


def state_of(replicas: Sequence[ReplicaRecord]) -> WorkerState:
    """The state of a worker: that of its replica that is worst off."""
    return min((one.state for one in replicas), key=_WORST_FIRST.index)


def _with_leaving_ones(replicas: Sequence[ReplicaRecord]) -> Sequence[ReplicaRecord]:
    """Processes of no worker that is defined, but called as a replica of one that is: it was scaled down.

    They are shown with it until they have ended.
    """
    defined = {one.worker for one in replicas if one.command}
    found = []
    for one in replicas:
        match = None if one.command else _REPLICA.fullmatch(one.process)
        is_leaving = match is not None and match[1] in defined
        found.append(replace(one, worker=match[1], replica=int(match[2])) if match and is_leaving else one)
    is_same = all(one is other for one, other in zip(found, replicas, strict=True))
    return replicas if is_same else sorted(found, key=lambda one: (one.worker, one.replica, one.process))


def _row(
    key: tuple[str, ...], target: str, level: int, replicas: tuple[ReplicaRecord, ...], facts: WorkerFacts
) -> WorkerRow:
    state = state_of(replicas)
    ids = tuple(sorted(one for replica in replicas for one in facts.in_hand.get(replica.process, ())))
    shown = _Shown(replicas, facts, ids, is_worker=level == 0)
    cells = {
        "name": visible_line(target),
        "state": shown.state(state),
        "pid": shown.pid(),
        "up_for": shown.up_for(),
        "cpu": shown.cpu(),
        "memory": shown.memory(),
        "restarts": shown.restarts(),
        "last_exit": shown.last_exit(),
        "queues": visible_line(", ".join(replicas[0].queues) if level == 0 else ""),
        "now_running": shown.running(),
        "rate": shown.rate(),
    }
    tips = {
        "name": visible_line(replicas[0].command),
        "state": shown.state_tip(),
        "up_for": shown.since(),
        "last_exit": shown.exit_tip(),
        "now_running": shown.running_tip(),
        "rate": shown.rate_tip(),
    }
    return WorkerRow(key, target, level, replicas, state, cells, tips, ids, shown.phrase(target, state))


class _Shown:
    """The words of one row."""

    def __init__(
        self, replicas: tuple[ReplicaRecord, ...], facts: WorkerFacts, ids: tuple[int, ...], *, is_worker: bool
    ) -> None:
        self._replicas, self._facts, self._ids = replicas, facts, ids
        self._rate = facts.rates.get(replicas[0].worker) if is_worker else None
        self._usages = [facts.usages[one.process] for one in replicas if one.process in facts.usages]
        self._only = replicas[0] if len(replicas) == 1 else None

    def state(self, state: WorkerState) -> str:
        if self._only is not None:
            return stopping_text(self._only) if state is WorkerState.STOPPING else state.word
        same = sum(one.state is state for one in self._replicas)
        if same == len(self._replicas):
            return state.word
        up = sum(one.state is WorkerState.RUNNING for one in self._replicas)
        if state.is_in_trouble or not up:
            return f"{state.word} ({same} of {len(self._replicas)})"
        return f"{up} of {len(self._replicas)} running"

    def state_tip(self) -> str:
        if self._only is not None:
            return visible_line(self._only.description)
        return "\n".join(f"{visible_line(one.process)}: {one.state.word.lower()}" for one in self._replicas[:20])

    def pid(self) -> str:
        return "" if self._only is None or self._only.pid is None else str(self._only.pid)

    def up_for(self) -> str:
        ups = [one.uptime_s for one in self._replicas if one.uptime_s is not None]
        return format_uptime(max(ups)) if ups else ""

    def since(self) -> str:
        starts = [one.started_at for one in self._replicas if one.started_at is not None]
        return f"Since {format_absolute(min(starts))}" if starts else ""

    def cpu(self) -> str:
        known = [one.cpu_percent for one in self._usages if one.cpu_percent is not None]
        return f"{sum(known):.1f}" if known else ""

    def memory(self) -> str:
        return format_size(sum(one.memory_bytes for one in self._usages)) if self._usages else ""

    def restarts(self) -> str:
        last_hour, total = (
            sum(getattr(one, name) for one in self._replicas) for name in ("restarts_last_hour", "restarts_total")
        )
        return f"{format_number(last_hour)} / {format_number(total)}" if total else "0"

    def last_exit(self) -> str:
        newest = self._newest_exit()
        if newest is not None:
            return f"{newest.text}, {format_relative(newest.at, self._facts.now)}"
        return visible_line(next((one.exit_text for one in self._replicas if one.exit_text), ""))

    def exit_tip(self) -> str:
        newest = self._newest_exit()
        text = next((one.exit_text for one in self._replicas if one.exit_text), "")
        at = f"{newest.text}, {format_absolute(newest.at)}" if newest is not None else ""
        return "\n".join(filter(None, (at, visible_line(text))))

    def running(self) -> str:
        if len(self._ids) > 1:
            return f"{self._ids[0]} +{format_number(len(self._ids) - 1)}"
        return str(self._ids[0]) if self._ids else ""

    def running_tip(self) -> str:
        if not self._ids:
            return "No message in hand" if self._replicas[0].kind == "consumer" else ""
        return f"Click to show {'it' if len(self._ids) == 1 else format_count(len(self._ids), 'message')}"

    def rate(self) -> str:
        return "" if self._rate is None else format_rate(self._rate[0])

    def rate_tip(self) -> str:
        return "" if self._rate is None else self._rate[1]

    def phrase(self, target: str, state: WorkerState) -> str:
        parts = [visible_line(target), self.state(state)]
        if self.up_for():
            parts.append(f"up for {self.up_for()}")
        if state.is_in_trouble and self.last_exit():
            parts.append(f"last exit {self.last_exit()}")
        if self._ids:
            parts.append(f"{format_count(len(self._ids), 'message')} in hand")
        return ", ".join(parts)

    def _newest_exit(self) -> LastExit | None:
        exits = [one.last_exit for one in self._replicas if one.last_exit is not None]
        return max(exits, key=lambda one: one.at, default=None)


def stopping_text(replica: ReplicaRecord) -> str:
    """`Stopping… 7 s of 10`."""
    if replica.stop_deadline_s is None:
        return "Stopping…"
    passed = max(0, min(replica.stop_wait_s, round(replica.stop_wait_s - replica.stop_deadline_s)))
    return f"Stopping… {passed} s of {replica.stop_wait_s}"
