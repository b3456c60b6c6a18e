"""Handlers: how a function is marked as a consumer or a producer, and how one is found by name.

A marked function stays an ordinary function; the mark is a frozen record on it. What a mark says holds for the process
that runs the handler: `Queue.configure` and the options of `put` come before it, the defaults after it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pqdesk.errors import InvalidInput, Travelling
from pqdesk.messages.aliases import Duration
from pqdesk.messages.backoff import parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, check_int, check_name, check_optional_name
from pqdesk.messages.durations import duration_us, parse_duration

_Function = TypeVar("_Function", bound=Callable[..., Any])
_CONSUMER_MARK = "__pqdesk_consumer__"
_PRODUCER_MARK = "__pqdesk_producer__"
_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect's flags; importing it takes 5 ms


class Fail(Travelling, Exception):
    """Raised by a handler: give this message up at once; it waits in `failed` for an operator.

    Attributes:
        reason: What is kept as its error.
    """

    def __init__(self, reason: object = "") -> None:
        self.reason = str(reason) or "given up by its handler"
        super().__init__(self.reason)


class Retry(Travelling, Exception):
    """Raised by a handler: this attempt failed, try again after `delay` (seconds or timedelta; None: the backoff).

    Raises InvalidInput where the delay cannot be used, which fails the attempt like any other exception.
    """

    def __init__(self, delay: Duration | None = None) -> None:
        super().__init__("its handler asked for a retry")
        if delay is not None:
            duration_us(delay, "delay")
        self.delay = delay


class Snooze(Travelling, Exception):
    """Raised by a handler: not now; again after `delay` (seconds or timedelta), and this attempt does not count.

    Raises InvalidInput where the delay cannot be used, which fails the attempt like any other exception.
    """

    def __init__(self, delay: Duration) -> None:
        super().__init__("its handler put it off")
        duration_us(delay, "delay")
        self.delay = delay


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """What `@consumer` was given. Times in seconds; None where nothing was given."""

    queue: str
    concurrency: int = 1
    lease: float | None = None
    timeout: float | None = None
    max_attempts: int | None = None
    backoff: str | None = None
    rate: tuple[int, float] | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerOptions:
    """What `@producer` was given. `every` in seconds; None where nothing was given."""

    queue: str
    every: float | None = None
    cron: str | None = None
    timezone: str | None = None
    missed: str = "once"


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that a worker calls, with what it was marked with, if it was.

    `name` is how it was asked for: `module:function` or `file.py:function`.
    """

    name: str
    function: Callable[..., Any]
    consumer: ConsumerOptions | None = None
    producer: ProducerOptions | None = None

    @classmethod
    def of(cls, function: Callable[..., Any], name: str | None = None) -> Handler:
        """The handler that `function` is. Raises InvalidInput for one that no worker can call."""
        name = name or f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', '?')}"
        if not callable(function):
            raise InvalidInput(f"handler {name!r} is a {type(function).__name__}, not a function")
        return cls(name, function, getattr(function, _CONSUMER_MARK, None), getattr(function, _PRODUCER_MARK, None))

    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`, to be run in an event loop."""
        return _has_flag(self.function, _CO_COROUTINE)

    def check_consumes(self) -> None:
        """Raise InvalidInput when messages cannot be given to it."""
        if self.consumer is None and self.producer is not None:
            raise InvalidInput(f"handler {self.name!r} is a producer; run it with: pqdesk produce")
        if _has_flag(self.function, _CO_GENERATOR | _CO_ASYNC_GENERATOR):  # calling it would run none of it
            raise InvalidInput(f"handler {self.name!r} has a yield in it; a consumer returns its result")

    def check_produces(self) -> None:
        """Raise InvalidInput when it cannot be asked for messages."""
        if self.producer is None and self.consumer is not None:
            raise InvalidInput(f"handler {self.name!r} is a consumer; run it with: pqdesk consume")
        if _has_flag(self.function, _CO_COROUTINE | _CO_ASYNC_GENERATOR):
            raise InvalidInput(f"handler {self.name!r} is an async function; a producer is a plain one with yield")


def consumer(
    queue: str,
    *,
    type: str | None = None,
    concurrency: int = 1,
    lease: Duration | str | None = None,
    timeout: Duration | str | None = None,
    max_attempts: int | None = None,
    backoff: str | None = None,
    rate: tuple[int, float] | None = None,
) -> Callable[[_Function], _Function]:
    """Mark a function of one Message as what `pqdesk consume` runs.

        @consumer("emails", concurrency=4, timeout=300, rate=(100, 60))
        def send(message):
            if "@" not in message.payload["to"]:
                raise Fail("no address")
            return {"sent": True}

    Its return value becomes the result, an exception a failed attempt; `raise Fail(reason)` and `raise Retry(delay)`
    say which kind.

    An `async def` is given an AsyncMessage and runs in an event loop of the worker, `concurrency` calls at once; at
    its timeout it is cancelled, and the worker goes on. It awaits what takes time: what blocks, blocks all of them.

    Args:
        queue: The queue it is for.
        type: The function is for messages of this type; it takes no other option. Any handler of the queue that is run
            gives them to it, when both are in one file; one without a type gets the messages of all other types.
        concurrency: How many messages at once in one process, each in a thread of its own.
        lease: Seconds, a timedelta or text like `5m`. Extended by itself as long as the handler runs.
        timeout: The longest a message may take. Then the attempt has failed, and as a Python function cannot be
            stopped, the worker takes nothing new, finishes the others and exits 70 to be started again.
        max_attempts: For messages and queues that do not say.
        backoff: How long to wait after a failed attempt, as in `Queue.configure`.
        rate: At most so many messages in so many seconds, in one process: (100, 60). For the queue over all processes
            there is `Queue.configure(rate=…)`.

    Raises:
        InvalidInput: An option is out of range.
    """
    others = (concurrency, lease, timeout, max_attempts, backoff, rate)
    if type is not None and others != (1, None, None, None, None, None):
        raise InvalidInput("a consumer of one type takes no other option; give it to the one without a type")
    options = ConsumerOptions(
        queue=check_name(queue, "queue"),
        concurrency=check_int(concurrency, "concurrency", least=1, most=1000),
        lease=seconds(lease, "lease"),
        timeout=seconds(timeout, "timeout"),
        max_attempts=None
        if max_attempts is None
        else check_int(max_attempts, "max_attempts", least=1, most=ATTEMPTS_LIMIT),
        backoff=_checked_backoff(backoff),
        rate=_checked_rate(rate),
        type=check_optional_name(type, "type"),
    )
    return _marker(_CONSUMER_MARK, options)


def producer(
    queue: str,
    *,
    every: Duration | str | None = None,
    cron: str | None = None,
    timezone: str | None = None,
    missed: str = "once",
) -> Callable[[_Function], _Function]:
    """Mark a function that yields payloads or Outgoing as what `pqdesk produce` runs.

    With `every` or `cron` it is called at those times, and what it yields in one run is put in one transaction: all
    or, if it raises, nothing. Without them it runs for ever: each item is put as soon as it is yielded, and the
    function is called again when it ends.

        @producer("emails", cron="0 8 * * 1-5", timezone="Europe/Berlin", missed="skip")
        def remind():
            yield {"to": "ada@example.com"}
            yield Outgoing({"to": "grace@example.com"}, key="grace", on_conflict="keep")

    Args:
        queue: Where items go that name no queue of their own.
        every: Seconds, a timedelta or text like `10s`.
        cron: Five fields, `*/10 * * * *`, in `timezone` (None: the machine's).
        missed: `once`, `skip` or `all`: what becomes of runs missed while the machine slept or a run took too long.

    Raises:
        InvalidInput: An option cannot be used.
    """
    if every is not None and cron is not None:
        raise InvalidInput("a producer runs by every= or by cron=, not by both")
    options = ProducerOptions(
        queue=check_name(queue, "queue"), every=seconds(every, "every"), cron=cron, timezone=timezone, missed=missed
    )
    return _marker(_PRODUCER_MARK, options)


def load_handler(spec: str) -> Handler:
    """The handler named `module:function` or `path/to/file.py:function`; the current folder is importable.

    Raises InvalidInput: there is no such file, module or function, it cannot be imported, or is no plain function.
    """
    place, colon, path = spec.rpartition(":")
    if not colon or not place or not path:
        raise InvalidInput(f"handler {spec!r} is not of the form module:function or path/to/file.py:function")
    module = _import_file(Path(place), spec) if place.endswith(".py") or os.sep in place else _import(place, spec)
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise InvalidInput(f"handler {spec!r}: {place} has no {path!r}; {_offer(module)}") from None
    return _by_type(Handler.of(found, spec), module)


def _by_type(handler: Handler, module: ModuleType) -> Handler:
    """The same, with the consumers of its queue in `module` that are for one type each. Raises InvalidInput."""
    own = handler.consumer
    if own is None:
        return handler
    every: dict[str | None, Callable[..., Any]] = {}
    options = own
    for function in vars(module).values():
        mark = getattr(function, _CONSUMER_MARK, None)
        if not isinstance(mark, ConsumerOptions) or mark.queue != own.queue or not callable(function):
            continue
        if mark.type is not None and every.setdefault(mark.type, function) is not function:
            raise InvalidInput(f"handler {handler.name!r}: there are two for type {mark.type!r} in its file")
        if mark.type is None and own.type is not None and every.setdefault(None, function) is function:
            options = mark
    if not every:
        return handler
    if own.type is None:
        every[None] = handler.function
    for one in every.values():
        Handler.of(one).check_consumes()
    kinds = {_has_flag(one, _CO_COROUTINE) for one in every.values()}
    if len(kinds) > 1:
        raise InvalidInput(f"handler {handler.name!r}: some of its queue's are async functions, and some are not")

    def choose(message: Any) -> Callable[..., Any]:
        function = every.get(message.type) or every.get(None)
        if function is None:
            raise LookupError(f"no handler in its file is for messages of type {message.type!r}")
        return function

    if kinds == {True}:

        async def run_async(message: Any) -> Any:
            return await choose(message)(message)

        return Handler(handler.name, run_async, options, handler.producer)
    return Handler(handler.name, lambda message: choose(message)(message), options, handler.producer)


def seconds(value: Duration | str | None, what: str) -> float | None:
    """Seconds of a number, a timedelta or text like `5m`; above zero. Raises InvalidInput, naming `what`."""
    if value is None:
        return None
    given = parse_duration(value) if isinstance(value, str) else value
    return duration_us(given, what, least_us=1) / 1_000_000


def _marker(mark: str, options: object) -> Callable[[_Function], _Function]:
    def put_mark(function: _Function) -> _Function:
        setattr(function, mark, options)
        return function

    return put_mark


def _checked_backoff(backoff: str | None) -> str | None:
    if backoff is not None:
        parse_backoff(backoff)
    return backoff


def _checked_rate(rate: object) -> tuple[int, float] | None:
    if rate is None:
        return None
    if not isinstance(rate, tuple | list) or len(rate) != 2:
        raise InvalidInput(f"rate must be (messages, seconds) like (100, 60), got {rate!r:.80}")
    count, period = rate
    return check_int(count, "rate", least=1, most=ATTEMPTS_LIMIT), duration_us(period, "rate", least_us=1) / 1_000_000


def _has_flag(function: Callable[..., Any], flags: int) -> bool:
    code = getattr(function, "__code__", None) or getattr(getattr(function, "__call__", None), "__code__", None)  # noqa: B004
    return code is not None and bool(code.co_flags & flags)


def _import(name: str, spec: str) -> ModuleType:
    _make_importable(os.getcwd())
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as exc:
        if isinstance(exc, ModuleNotFoundError) and exc.name is not None and f"{name}.".startswith(f"{exc.name}."):
            raise InvalidInput(f"handler {spec!r}: there is no module {exc.name!r} here or installed") from exc
        raise InvalidInput(_import_failure(spec, exc)) from exc


def _import_file(path: Path, spec: str) -> ModuleType:
    if not path.is_file():
        raise InvalidInput(f"handler {spec!r}: there is no file {str(path.absolute())!r}")
    name = f"pqdesk_handler_{path.stem}" if _is_taken(path) else path.stem  # a json.py is not json
    location = importlib.util.spec_from_file_location(name, path.absolute())
    if location is None or location.loader is None:
        raise InvalidInput(f"handler {spec!r}: {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(location)
    _make_importable(str(path.absolute().parent))
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        location.loader.exec_module(module)
    except (Exception, SystemExit) as exc:
        sys.modules.pop(name, None)  # half a module must not be found by the next import
        raise InvalidInput(_import_failure(spec, exc)) from exc
    return module


def _is_taken(path: Path) -> bool:
    """Whether what imports a module of the file's name means another one: Python's, or one that is installed."""
    if path.stem in sys.modules or path.stem in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(path.stem)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin != str(path.absolute())


def _make_importable(folder: str) -> None:
    """Let a handler import its neighbours, after all that is installed: a logging.py there is not Python's logging."""
    if folder in sys.path:
        sys.path.remove(folder)  # `python -m` puts the current one first
    sys.path[:] = [one for one in sys.path if one] + [folder]


def _import_failure(spec: str, exc: BaseException) -> str:
    import traceback  # only when needed: `import pqdesk` must stay quick

    last = traceback.format_exception_only(exc)[-1].strip()
    frames = traceback.extract_tb(exc.__traceback__)
    if isinstance(exc, SyntaxError):
        return f"handler {spec!r} cannot be imported: {last} ({exc.filename}, line {exc.lineno})"
    at = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"handler {spec!r} cannot be imported: {last}{at}"


def _offer(module: ModuleType) -> str:
    marked = sorted(
        name for name, value in vars(module).items() if hasattr(value, _CONSUMER_MARK) or hasattr(value, _PRODUCER_MARK)
    )
    return (
        f"its handlers are {', '.join(marked)}" if marked else "it has no function marked @consumer or @producer either"
    )
