"""PQDesk: durable background work on one machine.

    from pqdesk import Queue

    queue = Queue("emails")                    # the default workspace
    queue.put({"to": "ada@example.com"})       # durable when it returns
    with queue.get(timeout=30) as message:     # ack on leaving, nack on an exception
        print(message.payload)

A workspace is a folder; see pqdesk.Workspace. Handlers: pqdesk.consumer and pqdesk.producer.
"""

from __future__ import annotations

from importlib import import_module
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
from pqdesk.messages.states import State
from pqdesk.queues.message import Message
from pqdesk.queues.queue import Queue
from pqdesk.workspace import Workspace

if TYPE_CHECKING:
    __version__: str

    from pqdesk.messages.activities import ActivityRecord, VersionRecord
    from pqdesk.messages.records import (
        Counts,
        MessageDetail,
        MessageRecord,
        Outcome,
        Outgoing,
        QueueRecord,
        ScheduleRecord,
    )
    from pqdesk.messages.schedules import next_runs
    from pqdesk.queues.aio import AsyncMessage, AsyncQueue
    from pqdesk.workers.handlers import Fail, Retry, consumer, producer

__all__ = [
    "ActivityRecord",
    "AsyncMessage",
    "AsyncQueue",
    "Busy",
    "Corrupt",
    "Counts",
    "DiskFull",
    "DuplicateKey",
    "Empty",
    "Fail",
    "Full",
    "InvalidInput",
    "LeaseLost",
    "LookOnly",
    "Message",
    "MessageDetail",
    "MessageRecord",
    "NotFound",
    "Outcome",
    "Outgoing",
    "PQDeskError",
    "Queue",
    "QueueRecord",
    "Retry",
    "ScheduleRecord",
    "SchemaTooNew",
    "State",
    "SupervisorError",
    "VersionRecord",
    "Workspace",
    "WorkspaceError",
    "consumer",
    "next_runs",
    "producer",
]

# What few need is imported when it is asked for, so that `import pqdesk` stays quick.
_LATER = {
    "pqdesk.messages.activities": ("ActivityRecord", "VersionRecord"),
    "pqdesk.messages.records": (
        "Counts",
        "MessageDetail",
        "MessageRecord",
        "Outcome",
        "Outgoing",
        "QueueRecord",
        "ScheduleRecord",
    ),
    "pqdesk.messages.schedules": ("next_runs",),
    "pqdesk.queues.aio": ("AsyncMessage", "AsyncQueue"),
    "pqdesk.workers.handlers": ("Fail", "Retry", "consumer", "producer"),
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from pqdesk.version import installed_version

        return installed_version()
    for module, names in _LATER.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module 'pqdesk' has no attribute {name!r}")
