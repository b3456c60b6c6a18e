"""The consumer: takes messages, has them worked on in threads, settles them, and ends in good order.

The main thread only watches. It is woken by signals, by threads that end, and when a handler overruns its timeout:

    TERM, HUP           nothing new is taken, what is in hand is finished, exit 0
    INT (Ctrl-C)        the same, exit 130
    a second Ctrl-C     what is in hand is released, exit 130
    a handler too slow  its attempt has failed and its receipt is void; nothing new is taken, the others are
                        finished, and the process exits 70, since a Python function cannot be stopped; one that
                        is an async def is cancelled instead, and the worker goes on
    drain               exit 0 once nothing is ready or to be retried and nothing is in hand
    supervisord died    as for TERM
    workspace unusable  one line on stderr, exit 1, or 70 where a new start may help; a full disk and a busy file are
                        waited for instead, see patience.py
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from pqdesk.clock import Clock, SystemClock
from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.messages.aliases import Duration
from pqdesk.messages.checks import LARGEST_ID, check_int
from pqdesk.messages.durations import duration_us, format_duration
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.workers.command_consumer import CommandTarget, CommandWork
from pqdesk.workers.drain import DrainGate, Retries
from pqdesk.workers.handlers import ConsumerOptions, Handler, seconds
from pqdesk.workers.lifecycle import EXIT_HUNG, EXIT_INTERRUPTED, ParentWatch, StopSignals
from pqdesk.workers.limits import Quota, RateLimit
from pqdesk.workers.loop import Loop
from pqdesk.workers.post_target import DEFAULT_TIMEOUT_S, PostTarget
from pqdesk.workers.process import find_program
from pqdesk.workers.report import Report
from pqdesk.workers.settling import Settler
from pqdesk.workers.threads_at_work import Delivery, ThreadsAtWork
from pqdesk.workers.work import HandlerWork, Nacked, Unworkable, Work

_LOOK_WHILE_STOPPING_S = 0.1

ConsumerTarget = Handler | CommandTarget | PostTarget


def run_consumer(
    queues: Queue | Sequence[Queue],
    target: ConsumerTarget,
    *,
    concurrency: int | None = None,
    lease: Duration | None = None,
    timeout: Duration | None = None,
    max_attempts: int | None = None,
    drain: bool = False,
    drain_wait: Duration | None = 0,
    max_messages: int | None = None,
    quiet: bool = False,
    workspace: WorkspacePaths | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
    clock: Clock | None = None,
) -> int:
    """Consume until asked to stop; to be called in the main thread.

    Args:
        queues: One or several; each gets threads of its own. They stay open.
        target: What to do with a message.
        concurrency, …: The options of the table in worker_options.py. `concurrency`, `lease`, `timeout` and
            `max_attempts` come before what a handler was marked with, and after what put() and configure() say.
        drain_wait: None: as long as it takes.
        workspace: Whose queues they are; told to commands, and to know its supervisord by.
        out: For one line per message; sys.stdout when None.
        err: For warnings and tracebacks; sys.stderr when None.
        clock: For tests.

    Returns:
        The worker's exit code: 0 when it was asked to stop or nothing is left, 130 after Ctrl-C, 70 when a handler hung
        or only a new start helps, 1 when the workspace or the command cannot be used any more.

    Raises:
        InvalidInput: There is nothing to run, or an option is out of range; no message was taken.
    """
    clock = clock or SystemClock()
    each = (queues,) if isinstance(queues, Queue) else tuple(queues)
    if not each:
        raise InvalidInput("a consumer needs a queue")
    marked = (target.consumer if isinstance(target, Handler) else None) or ConsumerOptions(queue=each[0].name)
    timeout_s = marked.timeout if timeout is None else seconds(timeout, "timeout")
    if timeout_s is None and isinstance(target, PostTarget):
        timeout_s = DEFAULT_TIMEOUT_S
    count = check_int(marked.concurrency if concurrency is None else concurrency, "concurrency", least=1, most=1000)
    limit_s = None if drain_wait is None else duration_us(drain_wait, "drain wait") / 1_000_000
    for queue in each:
        queue.use_defaults(
            max_attempts=marked.max_attempts if max_attempts is None else max_attempts,
            lease=marked.lease if lease is None else lease,
            backoff=marked.backoff,
            timeout=timeout_s,
        )
    rate = None if marked.rate is None else RateLimit(*marked.rate, clock)
    with StopSignals(ParentWatch(workspace)) as stop:
        report = Report(out or sys.stdout, err or sys.stderr, stop.request, is_quiet=quiet)
        settler = Settler(report, clock)
        work = _work(target, workspace, report, settler, clock)
        at_work = ThreadsAtWork(stop.wakeup, clock)
        retries = Retries(each, limit_s, report, clock)
        gate = DrainGate(count * len(each), retries.pause_s) if drain else None
        most = None if max_messages is None else check_int(max_messages, "max_messages", least=1, most=LARGEST_ID)
        quota = None if most is None else Quota(most)
        loop = Loop(work, at_work, settler, report, clock, gate=gate, rate=rate, quota=quota)
        try:
            return Consumer(each, count, loop, stop).run()
        finally:
            work.close()


class Consumer:
    """The main thread's part: starts the threads, watches them, ends them."""

    def __init__(self, queues: Sequence[Queue], concurrency: int, loop: Loop, stop: StopSignals) -> None:
        self._queues = queues
        self._loop = loop
        self._stop = stop
        self._has_hung = False
        self._is_marked = False
        self._ending: list[threading.Thread] = []  # about to end; appended to by the thread itself
        self._threads = [
            self._thread(self._run_loop, queue, f"consumer-{queue.name}-{number}")
            for queue in queues
            for number in range(1, concurrency + 1)
        ]

    def run(self) -> int:
        self._loop.start()
        for thread in list(self._threads):
            thread.start()
        while any(thread.is_alive() and not self._loop.at_work.is_hung(thread) for thread in self._threads):
            is_stopping = self._stop.wait(self._loop.at_work.seconds_to_deadline())
            if self._stop.is_ordered:
                self._mark_ordered_end()
            self._join_ending()
            self._end_overdue()
            if is_stopping or self._loop.is_stopped:
                self._let_go()
                self._stop.wakeup.wait(_LOOK_WHILE_STOPPING_S)
                self._join_ending()
            if self._stop.is_impatient:
                self._release_all()
                self._loop.end()
                return EXIT_INTERRUPTED
        self._loop.end()
        if not any(thread.is_alive() for thread in self._threads):
            self._stop.close()
        if self._loop.failure is not None:
            self._loop.report.warn(self._loop.failure)
            return self._loop.exit_code
        return EXIT_HUNG if self._has_hung else self._stop.exit_code

    def _thread(self, target: Callable[[Any], None], argument: Any, name: str) -> threading.Thread:
        """A daemon, so that a hung handler cannot keep the process from ending."""
        return threading.Thread(target=target, args=(argument,), name=name, daemon=True)

    def _run_loop(self, queue: Queue) -> None:
        try:
            self._loop.run(queue)
        finally:
            self._ending.append(threading.current_thread())
            self._stop.wakeup.set()

    def _join_ending(self) -> None:
        """A thread is alive for a moment after it woke this one; nobody would wake it again."""
        while self._ending:
            self._ending.pop().join()

    def _mark_ordered_end(self) -> None:
        """Before anything else: who asks a worker to end has little patience, and kills it then."""
        if not self._is_marked:
            self._is_marked = True
            for queue in self._queues:
                queue.store.mark_ordered_end()

    def _let_go(self) -> None:
        """Wake the threads that wait for messages. Those that work find out afterwards."""
        if not self._loop.is_stopped and self._stop.is_interrupted and self._loop.at_work.count:
            self._loop.report.warn("finishing what is in hand; Ctrl-C again gives it back at once")
        self._loop.stop()
        for queue in self._queues:
            queue.interrupt_waits()

    def _end_overdue(self) -> None:
        """Nack what has overrun its timeout. Its handler goes on in vain until the process ends."""
        for delivery in self._loop.at_work.take_overdue():
            self._has_hung = True
            self._stop.request()
            thread = self._thread(self._nack_overdue, delivery, "consumer-overdue")  # apart: it may wait for the disk
            thread.start()
            self._threads.append(thread)

    def _nack_overdue(self, delivery: Delivery) -> None:
        error = Nacked(f"timed out after {format_duration(delivery.timeout_s or 0.0)}", is_timeout=True)
        try:
            self._loop.settler.settle_all(delivery.handling, [self._loop.settler.conclude(delivery, error)])
        except PQDeskError as exc:
            self._loop.report.warn(str(exc))
        finally:
            self._ending.append(threading.current_thread())
            self._stop.wakeup.set()

    def _release_all(self) -> None:
        """Give back at once what is in hand. Its programs are killed first; Python handlers end with the process."""
        deliveries = self._loop.at_work.take_all()
        self._loop.work.abandon()
        self._loop.settler.hurry()
        for delivery in deliveries:
            ending = Unworkable("somebody was in a hurry")
            self._loop.settler.settle_all(delivery.handling, [self._loop.settler.conclude(delivery, ending)])


def check_consumer(target: ConsumerTarget) -> None:
    """Raise InvalidInput when no message can be given to it."""
    if isinstance(target, Handler):
        target.check_consumes()
    else:
        target.check()


def _work(
    target: ConsumerTarget, workspace: WorkspacePaths | None, report: Report, settler: Settler, clock: Clock
) -> Work:
    check_consumer(target)
    if isinstance(target, PostTarget):
        from pqdesk.workers.posting import PostWork  # with TLS and HTTP, 3 MB that no other worker needs

        return PostWork(target, report, clock)
    if isinstance(target, CommandTarget):
        root = None if workspace is None else workspace.root
        command = find_program(target.command)
        if target.is_piped:
            from pqdesk.workers.pipe_work import PipeWork

            return PipeWork(command, root, report, settler.settle, clock)
        return CommandWork(command, root, report, settler.settle, clock)
    if target.is_async:
        from pqdesk.workers.async_work import AsyncHandlerWork  # with asyncio, which no other worker needs

        return AsyncHandlerWork(target, settler.settle)
    return HandlerWork(target)
