"""Calls of a store as wholes: one at a time in each thread, and nothing stays held whatever is raised in their midst.

A signal handler runs between any two steps of a call. What it calls itself would mix with that one in its connection,
so it is refused; and what it raises, as time limits of other libraries do, leaves no lock held and no transaction open.
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


class _FailsDamaged(_HasEngine, Protocol):
    def _is_past_damage(self, exc: Exception, tx: Any) -> bool: ...


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=_HasEngine)
D = TypeVar("D", bound=_FailsDamaged)


def call(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A call that may change something. Raises WorkspaceError inside any other call of the thread."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine, thread = self._engine, get_ident()
        calls = engine.calls
        if thread in calls or thread in engine.questions:
            _refuse_inside_another(engine)
        try:
            calls.add(thread)
            return method(self, *args, **kwargs)
        except BaseException as exc:
            engine.recover()
            _tell_shortage(exc, engine)
            raise
        finally:
            calls.discard(thread)

    _codes.add(_code_of(run))
    return run


def call_past_damage(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """The same, called again when it has stumbled over messages that are damaged: they are failed by then."""

    @wraps(method)  # not a call within a call: each message would pay for both
    def run(self: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine, thread = self._engine, get_ident()
        calls = engine.calls
        if thread in calls or thread in engine.questions:
            _refuse_inside_another(engine)
        try:
            calls.add(thread)
            while True:
                try:
                    return method(self, *args, **kwargs)
                except Exception as exc:
                    if not self._is_past_damage(exc, kwargs.get("tx")):
                        raise
        except BaseException as exc:
            engine.recover()
            _tell_shortage(exc, engine)
            raise
        finally:
            calls.discard(thread)

    _codes.add(_code_of(run))
    return run


def question(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A call that only looks, over a connection of its own. Raises WorkspaceError inside another such call."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine, thread = self._engine, get_ident()
        questions = engine.questions
        if thread in questions:
            _refuse_inside_another(engine)
        try:
            questions.add(thread)
            return method(self, *args, **kwargs)
        except BaseException as exc:
            if thread not in engine.calls:  # else that one is further up
                engine.recover()
            _tell_shortage(exc, engine)
            raise
        finally:
            questions.discard(thread)

    _codes.add(_code_of(run))
    return run


def long_call(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """The same for one that tells its progress: whom it tells may call."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        engine = self._engine
        refuse_inside_another(engine)
        try:
            return method(self, *args, **kwargs)
        except BaseException as exc:
            engine.recover()
            _tell_shortage(exc, engine)
            raise

    return run


def _tell_shortage(exc: BaseException, engine: Engine) -> None:
    """Raise our error where no descriptor was left, as for a module that is needed only now."""
    if (reason := shortage_behind(exc)) is not None:
        text = f"cannot go on with queue file {str(engine.path)!r}: {reason}; the call may or may not have happened"
        raise WorkspaceError(text, path=engine.path) from exc


_codes: set[object] = set()


def _code_of(run: object) -> object:
    return run.__code__  # type: ignore[attr-defined]  # mypy: wraps() makes it something without


def refuse_inside_another(engine: Engine) -> None:
    """For what is no call by itself."""
    if (thread := get_ident()) in engine.calls or thread in engine.questions:
        _refuse_inside_another(engine)


def _refuse_inside_another(engine: Engine) -> None:
    frame: FrameType | None = sys._getframe(2)
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
