"""An `async def` as the worker of a queue: all its calls run in one event loop, in a thread of its own.

At its time limit the attempt has failed, and its task is cancelled. A task that goes on all the same, and a handler
that blocks the loop for all others, cannot be ended: then the worker takes nothing new and exits 70, to be started
again; what waits in a blocked loop is given back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from pqdesk.errors import PQDeskError
from pqdesk.messages.durations import format_duration
from pqdesk.queues.aio_calls import Calls
from pqdesk.queues.aio_message import AsyncMessage
from pqdesk.queues.message import Message
from pqdesk.workers.handlers import Fail, Handler, Retry, Snooze
from pqdesk.workers.lifecycle import EXIT_HUNG
from pqdesk.workers.log_stream import SPEAKER
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Ending, Nacked, Unworkable, Work, asked_for, returned

_CANCEL_S = 5.0  # a cancelled task may tidy up for so long
_ANSWER_S = 1.0  # a loop that is not blocked calls back sooner
_THREADS = 4  # for what a message does: more would only wait for the same lock
_BLOCKED = "a handler blocks the event loop, so that no other goes on; in an async def, await what takes time"
_GOES_ON = "a handler goes on although it was cancelled at its time limit"


class _Run:
    """One call of the handler; `ending` or `error` is there once `done` is set."""

    __slots__ = ("done", "ending", "error", "message_id", "task")

    def __init__(self, message_id: int) -> None:
        self.message_id: int | None = message_id
        self.done = threading.Event()
        self.task: asyncio.Task[None] | None = None
        self.ending: Ending | None = None
        self.error: BaseException | None = None


class AsyncHandlerWork(Work):
    """Calls an async handler with an AsyncMessage.

    Args:
        settle: Ends a delivery at once, where that cannot wait for its task to end.
    """

    def __init__(self, handler: Handler, settle: Callable[[Delivery, Ending], None]) -> None:
        self._function: Callable[[AsyncMessage], Awaitable[Any]] = handler.function
        self._settle = settle
        self._calls = Calls("pqdesk-handler", _THREADS)
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._runs: set[_Run] = set()
        self._thread = threading.Thread(target=self._run_loop, name="consumer-events", daemon=True)
        self._thread.start()

    def do(self, delivery: Delivery) -> Ending:
        run = _Run(delivery.message.id)
        with self._lock:
            self._runs.add(run)
        try:
            self._loop.call_soon_threadsafe(self._begin, delivery.message, run)
            if not run.done.wait(delivery.timeout_s):
                return self._end_overdue(delivery, run)
        finally:
            with self._lock:
                self._runs.discard(run)
        if run.error is not None:
            raise run.error
        assert run.ending is not None
        return run.ending

    def abandon(self) -> None:
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            self._cancel(run)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)  # blocked, it ends with the process
        self._calls.abandon()

    def _end_overdue(self, delivery: Delivery, run: _Run) -> Ending:
        """The time is over: the attempt has failed before the task is asked to end."""
        overdue = Nacked(f"timed out after {format_duration(delivery.timeout_s or 0.0)}", is_timeout=True)
        try:
            self._settle(delivery, overdue)
        except PQDeskError as exc:
            return Unworkable(str(exc))
        self._cancel(run)
        if run.done.wait(_CANCEL_S):
            return overdue
        if self._answers():
            return Unworkable(_GOES_ON, EXIT_HUNG)
        blocked = Unworkable(_BLOCKED, EXIT_HUNG)
        with self._lock:
            runs = list(self._runs)
        for waiting in runs:
            waiting.ending = blocked
            waiting.done.set()
        return blocked

    def _answers(self) -> bool:
        answer = threading.Event()
        self._loop.call_soon_threadsafe(answer.set)
        return answer.wait(_ANSWER_S)

    def _cancel(self, run: _Run) -> None:
        def cancel() -> None:
            if run.task is not None:
                run.task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    def _begin(self, message: Message, run: _Run) -> None:
        run.task = self._loop.create_task(self._handle(message, run))

    async def _handle(self, message: Message, run: _Run) -> None:
        SPEAKER.set(run)  # for this task, and of those that it begins
        try:
            run.ending = returned(await self._function(AsyncMessage(message, self._calls)))
        except (Fail, Retry, Snooze) as exc:
            run.ending = asked_for(exc)
        except BaseException as exc:  # noqa: BLE001 - raised again by `do`; here, SystemExit would end the loop
            own = exc.__traceback__
            run.error = exc.with_traceback(None if own is None else own.tb_next)
        finally:
            run.done.set()

    def _run_loop(self) -> None:
        """Tasks that are left when it is stopped are cancelled, and may tidy up."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=_ANSWER_S))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
