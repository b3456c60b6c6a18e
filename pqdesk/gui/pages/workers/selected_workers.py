"""The selected rows of the table of workers, and what they stand for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pqdesk.gui.pages.workers.worker_rows import WorkerRow
from pqdesk.supervision.records import ReplicaRecord, WorkerState

Which = Callable[[WorkerState], bool]


def is_at_rest(state: WorkerState) -> bool:
    return state.is_at_rest


def is_up(state: WorkerState) -> bool:
    return state.is_up


def is_stopping(state: WorkerState) -> bool:
    return state is WorkerState.STOPPING


def is_up_or_stopping(state: WorkerState) -> bool:
    return state.is_up or state is WorkerState.STOPPING


@dataclass(frozen=True, slots=True)
class SelectedWorkers:
    """From top to bottom."""

    rows: Sequence[WorkerRow] = ()

    @property
    def replicas(self) -> list[ReplicaRecord]:
        """Each once, also where both the worker and its replica are selected."""
        return list({one.process: one for row in self.rows for one in row.replicas}.values())

    @property
    def workers(self) -> tuple[str, ...]:
        """The names of the workers that are selected, whole or in part."""
        return tuple(dict.fromkeys(row.worker for row in self.rows))

    @property
    def whole_workers(self) -> tuple[str, ...]:
        return tuple(row.worker for row in self.rows if row.level == 0)

    def targets_that(self, are: Which) -> tuple[str, ...]:
        """What an order names, so that it reaches every selected process whose state is so."""
        whole = self.whole_workers
        return tuple(
            row.target
            for row in self.rows
            if (row.level == 0 or row.worker not in whole) and any(are(one.state) for one in row.replicas)
        )

    @property
    def targets(self) -> tuple[str, ...]:
        return self.targets_that(lambda _state: True)

    @property
    def is_stopping(self) -> bool:
        """Some are stopping, and no other could be stopped: what Stop can do now is to kill them."""
        states = {one.state for one in self.replicas}
        return WorkerState.STOPPING in states and not any(map(is_up, states))

    @property
    def is_autostart(self) -> bool:
        return bool(self.rows) and all(one.is_autostart for one in self.replicas)

    @property
    def message_ids(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one for row in self.rows for one in row.message_ids))
