"""Every error that PQDesk raises on purpose, sorted by who can act on it.

All of them derive from PQDeskError. Their text is one line: what failed, what is unaffected, what to do.
Bugs (AssertionError, TypeError and the like) are never wrapped into these.
"""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any


class Travelling:
    """Base of exceptions that another process raises again as they were: arguments, fields and notes.

    Exception's own way makes them anew of their `args`, which takes no keyword and knows no field. What arrives is
    made by whoever receives it; nothing here reads what comes from elsewhere.
    """

    args: tuple[Any, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[Any], args: tuple[Any, ...]) -> Any:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class PQDeskError(Travelling, Exception):
    """Base of every error that PQDesk raises on purpose. Can be pickled and copied, with its fields."""


# --- the caller can act ---------------------------------------------------------------------------


class Empty(PQDeskError, queue.Empty):
    """No message became ready in the time given. Also a queue.Empty."""


class Full(PQDeskError, queue.Full):
    """The queue holds max_size unfinished messages. Also a queue.Full.

    Attributes:
        queue: Its name.
        size: Its max_size.
        wanted: How many were to be put into it at once.
    """

    def __init__(self, text: str, *, queue: str = "", size: int = 0, wanted: int = 1) -> None:
        super().__init__(text)
        self.queue, self.size, self.wanted = queue, size, wanted


class InvalidInput(PQDeskError, ValueError):
    """An argument cannot be accepted; nothing was changed. Also a ValueError."""


class NotFound(PQDeskError):
    """There is no such message, queue, worker or other thing."""


class DuplicateKey(PQDeskError):
    """An unfinished message of the queue has this key already.

    Attributes:
        message_id: The id of that other message.
    """

    def __init__(self, text: str, *, message_id: int) -> None:
        super().__init__(text)
        self.message_id = message_id


class LeaseLost(PQDeskError):
    """The message is not yours any more: it was settled, taken back or given to somebody else. Nothing was changed.

    Not as soon as the lease is over: until somebody has noticed that, its holder may still settle or extend it, which
    repeats less work. `Message.is_lease_over` tells.

    Attributes:
        message_id: The id of the message.
    """

    def __init__(self, text: str, *, message_id: int) -> None:
        super().__init__(text)
        self.message_id = message_id


class LookOnly(PQDeskError):
    """The workspace is set to look only, so nothing may be changed."""


# --- the machine or its owner has to act ----------------------------------------------------------


class WorkspaceError(PQDeskError):
    """The workspace or its queue file cannot be used: missing, not a queue, read-only, not ours.

    Attributes:
        path: The file or folder concerned.
        needs_restart: Whether every further call of this process will fail, and a new one's may not.
    """

    def __init__(self, text: str, *, path: Path | None = None, needs_restart: bool = False) -> None:
        super().__init__(text)
        self.path = path
        self.needs_restart = needs_restart


class SchemaTooNew(WorkspaceError):
    """The queue file was made by a newer PQDesk."""


class Corrupt(WorkspaceError):
    """The queue file is damaged."""


class DiskFull(WorkspaceError):
    """There is no space left for the change; nothing was changed."""


class Busy(PQDeskError):
    """Another program held the queue file for longer than the busy deadline; trying again is safe."""


class SupervisorError(PQDeskError):
    """supervisord cannot be reached, started or told what to do. Messages are unaffected."""
