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
from pqdesk.messages.records import (
    Counts,
    MessageDetail,
    MessageRecord,
    Outcome,
    Outgoing,
    QueueRecord,
    ScheduleRecord,
)
from pqdesk.messages.states import State
from pqdesk.queues.message import Message
from pqdesk.queues.queue import Queue
from pqdesk.workspace import Workspace

if TYPE_CHECKING:
    __version__: str

    from pqdesk.messages.activities import ActivityRecord, VersionRecord
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

_OF_HANDLERS = ("Fail", "Retry", "consumer", "producer")
_OF_ASYNCIO = ("AsyncMessage", "AsyncQueue")


def __getattr__(name: str) -> Any:
    """What few need is imported when it is asked for, so that `import pqdesk` stays quick."""
    if name in _OF_HANDLERS:
        from pqdesk.workers import handlers

        return getattr(handlers, name)
    if name in _OF_ASYNCIO:
        from pqdesk.queues import aio

        return getattr(aio, name)
    if name in ("ActivityRecord", "VersionRecord"):
        from pqdesk.messages import activities

        return getattr(activities, name)
    if name == "next_runs":
        from pqdesk.messages.schedules import next_runs

        return next_runs
    if name == "__version__":
        from pqdesk.version import installed_version

        return installed_version()
    raise AttributeError(f"module 'pqdesk' has no attribute {name!r}")
