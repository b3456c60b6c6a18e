"""The selected rows of the table of workers, and what they stand for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pqdesk.gui.pages.workers.worker_rows import WorkerRow
from pqdesk.supervision.records import ReplicaRecord, WorkerState

AT_REST = frozenset({WorkerState.STOPPED, WorkerState.EXITED, WorkerState.FAILED_TO_START})
AT_WORK = frozenset({WorkerState.STARTING, WorkerState.RUNNING, WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING})
TROUBLED = frozenset({WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START})


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

    def targets_in(self, states: Collection[WorkerState]) -> tuple[str, ...]:
        """What an order names, so that it reaches every selected process in one of `states`."""
        whole = self.whole_workers
        return tuple(
            row.target
            for row in self.rows
            if (row.level == 0 or row.worker not in whole) and any(one.state in states for one in row.replicas)
        )

    @property
    def targets(self) -> tuple[str, ...]:
        return self.targets_in(tuple(WorkerState))

    @property
    def is_stopping(self) -> bool:
        """Some are stopping, and no other could be stopped: what Stop can do now is to kill them."""
        states = {one.state for one in self.replicas}
        return WorkerState.STOPPING in states and states.isdisjoint(AT_WORK)

    @property
    def is_autostart(self) -> bool:
        return bool(self.rows) and all(one.is_autostart for one in self.replicas)

    @property
    def message_ids(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one for row in self.rows for one in row.message_ids))
