"""PQDesk: durable background work on one machine.

    from pqdesk import Queue

    queue = Queue("emails")                    # the default workspace
    queue.put({"to": "ada@example.com"})       # durable when it returns
    with queue.get(timeout=30) as message:     # ack on leaving, nack on an exception
        print(message.payload)

A workspace is a folder; see pqdesk.Workspace. Handlers: pqdesk.consumer and pqdesk.producer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pqdesk.errors import (
    Busy,
    Corrupt,
    DiskFull,
    DuplicateKey,
    Empty,
    Full,
    InvalidInput,
    LeaseLost,
    LookOnly,
    NotFound,
    PQDeskError,
    SchemaTooNew,
    SupervisorError,
    WorkspaceError,
)
from pqdesk.later import Later
from pqdesk.messages.aliases import (
    ActionOptions,
    Durability,
    Duration,
    Ids,
    Missed,
    OnConflict,
    OnProgress,
    PutOptions,
    QueueSettings,
    States,
)
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.queues.known_queue import KnownQueue
from pqdesk.queues.message import Message
from pqdesk.queues.queue import HasStore, Queue
from pqdesk.storage.contract import Transaction
from pqdesk.workspace import Workspace

if TYPE_CHECKING:
    __version__: str

    from pqdesk.messages.activities import ActivityRecord, VersionRecord
    from pqdesk.messages.looking import ErrorRecord, Histogram, MetricRecord, SortName
    from pqdesk.messages.records import (
        AttemptRecord,
        Counts,
        MessageDetail,
        MessageRecord,
        Outcome,
        Outgoing,
        QueueConfiguration,
        QueueRecord,
        ScheduleRecord,
    )
    from pqdesk.messages.schedules import PlannedRun, next_runs
    from pqdesk.paths import WorkspacePaths
    from pqdesk.queues.aio import AsyncMessage, AsyncQueue, AsyncTransaction, Getting
    from pqdesk.supervision.records import LastExit, ReplicaRecord, WorkerKind, WorkerState
    from pqdesk.workers.handlers import Fail, Retry, Snooze, consumer, producer

__all__ = [
    "ActionOptions", "ActivityRecord", "AsyncMessage", "AsyncQueue", "AsyncTransaction", "AttemptOutcome",
    "AttemptRecord", "Busy", "Corrupt", "Counts", "DiskFull", "DuplicateKey", "Durability", "Duration", "Empty",
    "ErrorRecord", "Fail", "Full", "Getting", "HasStore", "Histogram", "Ids", "InvalidInput", "LastExit", "LeaseLost",
    "LookOnly", "Message", "MessageDetail", "MessageRecord", "MetricRecord", "Missed", "NotFound", "OnConflict",
    "OnProgress", "Outcome", "Outgoing", "PQDeskError", "PlannedRun", "PutOptions", "Queue", "QueueConfiguration",
    "QueueRecord", "QueueSettings", "ReplicaRecord", "Retry", "ScheduleRecord", "SchemaTooNew", "Snooze", "SortName",
    "State", "States", "SupervisorError", "Transaction", "VersionRecord", "WorkerKind", "WorkerState", "Workspace",
    "WorkspaceError", "consumer", "next_runs", "producer",
]  # fmt: skip


def _ask_workers(paths: WorkspacePaths, queue: str) -> str | None:
    told: str | None = Later("pqdesk.services.why").ask_workers(paths, queue)  # with all of supervision
    return told


KnownQueue._ask_workers = staticmethod(_ask_workers)  # queues know nothing of supervision; both are put together here

if not TYPE_CHECKING:  # to a type checker a name that is not above is one that there is not
    # What few need is imported when it is asked for, so that `import pqdesk` stays quick.
    _LATER = {
        "pqdesk.messages.activities": "ActivityRecord VersionRecord",
        "pqdesk.messages.looking": "ErrorRecord Histogram MetricRecord SortName",
        "pqdesk.messages.records": "AttemptRecord Counts MessageDetail MessageRecord Outcome Outgoing "
        "QueueConfiguration QueueRecord ScheduleRecord",
        "pqdesk.messages.schedules": "PlannedRun next_runs",
        "pqdesk.queues.aio": "AsyncMessage AsyncQueue AsyncTransaction Getting",
        "pqdesk.supervision.records": "LastExit ReplicaRecord WorkerKind WorkerState",
        "pqdesk.workers.handlers": "Fail Retry Snooze consumer producer",
    }

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return Later("pqdesk.version").installed_version()
        for module, names in _LATER.items():
            if name in names.split():
                value = globals()[name] = getattr(Later(module), name)
                return value
        raise AttributeError(f"module 'pqdesk' has no attribute {name!r}")
