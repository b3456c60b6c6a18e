"""Calls of a store as wholes: one at a time in each thread, and nothing stays held whatever is raised in their midst.

A signal handler runs between any two steps of a call. What it calls itself would mix with that one in its connection,
so it is refused; and what it raises, as time limits of other libraries do, leaves no lock held and no transaction open.

A method is made a call by `call`, or by `question` when it only looks. What each message pays for does the same with
`begin` and `fail`, and its own arguments: a wrapper that passes on any arguments takes 3 % of the time of a put.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from pqdesk.errors import WorkspaceError
from pqdesk.shortage import shortage_behind

if TYPE_CHECKING:
    from pqdesk.storage.sqlite.engine import Engine


class _HasEngine(Protocol):
    _engine: Engine


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=_HasEngine)
F = TypeVar("F", bound=Callable[..., Any])

_codes: set[object] = set()  # of all that are calls; each has a local `engine`


def begin(engine: Engine) -> int:
    """A call that may change something begins; returns its thread, which is in `engine.calls` until it ends.

    To be followed by `try: … except BaseException as exc: fail(engine, exc); raise` and that end in `finally`, in a
    method that is marked by `calls_itself`. Raises WorkspaceError inside any other call of the thread.
    """
    thread = get_ident()
    if thread in engine.calls or thread in engine.questions:
        _refuse_inside_another(engine, sys._getframe(2))
    engine.calls.add(thread)
    return thread


def fail(engine: Engine, exc: BaseException) -> None:
    """`exc` leaves a call of this thread, raised at whatever instant. Raises our error where no descriptor was left."""
    engine.recover()
    if (reason := shortage_behind(exc)) is not None:  # for a module that is needed only now, perhaps
        text = f"cannot go on with queue file {str(engine.path)!r}: {reason}; the call may or may not have happened"
        raise WorkspaceError(text, path=engine.path) from exc


def calls_itself(method: F) -> F:
    """Marks a method that does as `begin` says."""
    _codes.add(method.__code__)
    return method


def call(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A call that may change something. Raises WorkspaceError inside any other call of the thread."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine = self._engine
        thread = begin(engine)
        try:
            return method(self, *args, **kwargs)
        except BaseException as exc:
            fail(engine, exc)
            raise
        finally:
            engine.calls.discard(thread)

    return calls_itself(run)


def question(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A call that only looks, over a connection of its own. Raises WorkspaceError inside another such call."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine, thread = self._engine, get_ident()
        if thread in engine.questions:
            _refuse_inside_another(engine, sys._getframe(1))
        try:
            engine.questions.add(thread)
            return method(self, *args, **kwargs)
        except BaseException as exc:
            if thread not in engine.calls:  # else that one is further up
                fail(engine, exc)
            raise
        finally:
            engine.questions.discard(thread)

    return calls_itself(run)


def long_call(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A call that tells its progress: whom it tells may call."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine = self._engine
        refuse_inside_another(engine)
        try:
            return method(self, *args, **kwargs)
        except BaseException as exc:
            fail(engine, exc)
            raise

    return run


def refuse_inside_another(engine: Engine) -> None:
    """For what is no call by itself."""
    if (thread := get_ident()) in engine.calls or thread in engine.questions:
        _refuse_inside_another(engine, sys._getframe(1))


def _refuse_inside_another(engine: Engine, frame: FrameType | None) -> None:
    """`frame` is where the new call was made."""
    while frame is not None:
        if frame.f_code in _codes and frame.f_locals.get("engine") is engine:
            text = f"queue file {str(engine.path)!r} is in the middle of another call of this thread; nothing changed"
            raise WorkspaceError(
                f"{text}: a signal handler should set a flag, or write from a thread", path=engine.path
            )
        frame = frame.f_back
    engine.recover()  # that call is over: something was raised in its very last step
    engine.calls.discard(get_ident())
    engine.questions.discard(get_ident())
