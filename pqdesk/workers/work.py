"""What a consumer does with a message: the two kinds of work, and the ways an attempt ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pqdesk.messages.aliases import Duration
from pqdesk.messages.durations import duration_us
from pqdesk.queues.message import Message
from pqdesk.workers.handlers import Fail, Handler, Retry
from pqdesk.workers.report import describe_exception

if TYPE_CHECKING:
    from pqdesk.workers.settling import Delivery


@dataclass(frozen=True, slots=True)
class Completed:
    """`result` is what the handler returned; it may be no JSON value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Nacked:
    """The attempt failed. `is_told`: stderr has more than the first line of the error already."""

    error: str
    delay: Duration | None = None
    is_told: bool = False
    is_timeout: bool = False


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The message failed for good. `is_told` as for Nacked."""

    error: str
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Unworkable:
    """The message is not to blame: the worker cannot do its work here, and ends."""

    reason: str


Ending = Completed | Nacked | GivenUp | Unworkable


class Work(Protocol):
    """One way to work on messages, made for one worker process. `do` is called from several threads."""

    @property
    def ends_itself(self) -> bool:
        """Whether `do` ends soon after its timeout; else the worker has to be started again to be rid of it."""
        ...

    def do(self, delivery: Delivery) -> Ending:
        """Work on the message and tell how that ended. Whatever it raises is a failed attempt."""
        ...

    def abandon(self) -> None:
        """End what can be ended at once: the process is about to go."""
        ...

    def close(self) -> None:
        """Let go of what it holds, once no `do` runs any more."""
        ...


_COMPLETED = Completed(None)


class HandlerWork:
    """Calls a Python handler."""

    ends_itself = False

    def __init__(self, handler: Handler) -> None:
        self._function: Callable[[Message], Any] = handler.function

    def do(self, delivery: Delivery) -> Ending:
        try:
            result = self._function(delivery.message)
            return _COMPLETED if result is None else Completed(result)
        except Fail as exc:
            return GivenUp(str(exc.reason))
        except Retry as exc:
            cause = exc.__cause__
            if exc.delay is not None:
                duration_us(exc.delay, "delay")  # somebody may have changed it
            return Nacked(str(exc) if cause is None else describe_exception(cause), exc.delay)

    def abandon(self) -> None:
        pass

    def close(self) -> None:
        pass
