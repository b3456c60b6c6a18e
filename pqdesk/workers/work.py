"""What a consumer does with a message: the kinds of work, and the ways an attempt ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from types import BuiltinFunctionType, CoroutineType, FunctionType, MethodType
from typing import Any

from pqdesk.messages.aliases import Duration
from pqdesk.messages.durations import duration_us
from pqdesk.queues.message import Message
from pqdesk.workers.handlers import Fail, Handler, Retry, Snooze
from pqdesk.workers.lifecycle import EXIT_FAILED
from pqdesk.workers.report import describe_exception
from pqdesk.workers.threads_at_work import Delivery


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
class PutOff:
    """Not now: the attempt does not count."""

    delay: Duration


@dataclass(frozen=True, slots=True)
class Unworkable:
    """The message is not to blame: the worker cannot do its work here, and ends."""

    reason: str
    exit_code: int = EXIT_FAILED


Ending = Completed | Nacked | GivenUp | PutOff | Unworkable


class Work:
    """One way to work on messages, made for one worker process. `do` is called from several threads.

    Attributes:
        ends_itself: Whether `do` ends soon after its timeout; else the worker has to be started again to be rid of it.
    """

    ends_itself = True

    def do(self, delivery: Delivery) -> Ending:
        """Work on the message and tell how that ended. Whatever it raises is a failed attempt."""
        raise NotImplementedError

    def abandon(self) -> None:
        """End what can be ended at once: the process is about to go."""

    def close(self) -> None:
        """Let go of what it holds, once no `do` runs any more."""


_COMPLETED = Completed(None)
_PLAIN = frozenset((str, int, float, bool, bytes, dict, list, tuple))  # most results: not looked at any closer
_DEEPEST = 20
_LAZY_MODULES = frozenset(("builtins", "itertools"))
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, partial)


def asked_for(exc: Fail | Retry | Snooze) -> Ending:
    """The ending that a handler asked for by raising it."""
    if isinstance(exc, Fail):
        return GivenUp(str(exc.reason))
    if isinstance(exc, Snooze):
        duration_us(exc.delay, "delay")  # somebody may have changed it
        return PutOff(exc.delay)
    cause = exc.__cause__
    if exc.delay is not None:
        duration_us(exc.delay, "delay")  # somebody may have changed it
    return Nacked(str(exc) if cause is None else describe_exception(cause), exc.delay)


def returned(result: object) -> Ending:
    """The ending of a handler that returned: completed, unless what it returned says that it has not run yet."""
    reason = None if type(result) in _PLAIN else _why_not_run(result)
    return Completed(result) if reason is None else Nacked(f"its handler has not run: {reason}")


def _why_not_run(result: object) -> str | None:
    """None for what is no promise of work to be done."""
    kind = type(result)
    if hasattr(kind, "__await__") or hasattr(kind, "__aiter__"):
        if isinstance(result, CoroutineType):
            result.close()  # or Python warns that it was never awaited
        return f"it returned a {kind.__name__}, which nobody awaits; make the handler itself an async def"
    if hasattr(kind, "__next__") and (hasattr(kind, "throw") or kind.__module__ in _LAZY_MODULES):
        return f"it returned a {kind.__name__}, which nobody asks for its items; return a list of them"
    if hasattr(kind, "add_done_callback") or (hasattr(kind, "ready") and hasattr(kind, "wait")):
        return f"it returned a {kind.__name__}, which nobody waits for; return its result"
    if isinstance(result, Thread) or (hasattr(kind, "is_alive") and hasattr(kind, "join")):
        return f"it returned a {kind.__name__}, which nobody waits for; wait for it, and return its result"
    if isinstance(result, _FUNCTIONS):
        return f"it returned a {kind.__name__}, which nobody calls; return what that returns"
    return None


def promise_within(result: object, depth: int = 0) -> str | None:
    """Why a result that is no JSON has not run: something in it is a promise of work to be done. None for others."""
    if depth > _DEEPEST:
        return None
    if isinstance(result, dict | list | tuple | set | frozenset):
        each = result.values() if isinstance(result, dict) else result
        reasons = [reason for one in each if (reason := promise_within(one, depth + 1))]  # each coroutine is closed
        return f"in what it returned: {reasons[0]}" if reasons and not depth else next(iter(reasons), None)
    return _why_not_run(result) if depth else None


class HandlerWork(Work):
    """Calls a Python handler."""

    ends_itself = False

    def __init__(self, handler: Handler) -> None:
        self._function: Callable[[Message], Any] = handler.function

    def do(self, delivery: Delivery) -> Ending:
        try:
            result = self._function(delivery.message)
        except (Fail, Retry, Snooze) as exc:
            return asked_for(exc)
        return _COMPLETED if result is None else returned(result)
