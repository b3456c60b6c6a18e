"""A program behind a pipe as the worker of a queue: started once, a line per message, a line per answer.

All messages of the worker go to the same program, as many at once as its `--concurrency`; pipe_lines.py has what they
say. It is started with the first message, and again when it has ended: the messages that it had in hand have failed,
but for those it has not read. A program that ends without having answered anything is tried without a message: where
it ends again, it is the program that is broken, the messages wait as they are, and the worker ends.

At its time limit the attempt has failed, and the program is told by {"cancel": ID}; when it says nothing of the message
for 5 s it is ended, and what else it had in hand is given back. A message that somebody cancels ends the same way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

from pqdesk.clock import Clock
from pqdesk.errors import PQDeskError
from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import Outgoing
from pqdesk.queues.message import Message
from pqdesk.workers.command_consumer import cannot_run, is_cancelled
from pqdesk.workers.pipe_program import PATIENCE_MS, Ended, Program, Task
from pqdesk.workers.process import ChildGuard, child_environment
from pqdesk.workers.report import Report
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed, Ending, Nacked, PutOff, Unworkable, Work

_CANCEL_LOOK_MS = 1000  # how soon a request to cancel is noticed
_ALONE_S = 2.0  # a program that lives so long without a message is not broken
_GIVEN_BACK = PutOff(0)


@dataclass(eq=False, slots=True)
class PipeWork(Work):
    """Hands messages to the program. `settle` ends a delivery at once, where that cannot wait for the program."""

    command: Sequence[str]
    workspace: Path | None
    report: Report
    settle: Callable[[Delivery, Ending], None]
    clock: Clock
    _guard: ChildGuard = field(default_factory=ChildGuard, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)  # of starting a program
    _program: Program | None = field(default=None, init=False)
    _is_over: bool = field(default=False, init=False)

    def do(self, delivery: Delivery) -> Ending:
        try:
            program, task = self._give(delivery.message)
        except OSError as exc:
            return cannot_run(self.command[0], exc)
        try:
            return self._follow(delivery, program, task)
        finally:
            program.forget(task)

    def abandon(self) -> None:
        self._is_over = True
        if self._program is not None:
            self._program.kill()

    def close(self) -> None:
        self._is_over = True
        if self._program is not None:
            self._program.close()
        self._guard.close()

    def _give(self, message: Message) -> tuple[Program, Task]:
        while True:
            with self._lock:
                program = self._program
                if program is None or program.how:
                    program = self._program = self._start()
            if task := program.give(message):
                return program, task

    def _start(self) -> Program:
        return Program(self.command, child_environment(self.workspace, {}), self._guard, self.report, self.clock)

    def _follow(self, delivery: Delivery, program: Program, task: Task) -> Ending:
        """Until there is an end: the program's answer, its own end, or that of the time or the patience with it."""
        now_ms = self.clock.awake_ms()
        overdue_ms = None if delivery.timeout_s is None else now_ms + round(delivery.timeout_s * 1000)
        look_ms, given_up_ms = now_ms + _CANCEL_LOOK_MS, None
        asked, put = is_cancelled(delivery.message), list[Outgoing]()
        given_up = Nacked("")
        while True:
            next_ms = given_up_ms or (look_ms if overdue_ms is None else min(look_ms, overdue_ms))
            try:
                event = task.events.get(timeout=max(0.0, (next_ms - self.clock.awake_ms()) / 1000))
            except Empty:
                event = None
            if isinstance(event, Ended):
                return given_up if given_up_ms else self._ended(program, event)
            if event is not None:
                put += event.put
                if event.progress is not None and not given_up_ms:
                    _tell_progress(delivery.message, *event.progress)
                if event.ending is not None:
                    return _with_follow_ups(delivery.message, event.ending, put)
                continue
            now_ms = self.clock.awake_ms()
            if given_up_ms:
                program.end()
                self.report.warn(f"message {task.message.id}: the program goes on with it, and is ended")
                return given_up
            if overdue_ms is not None and now_ms >= overdue_ms:
                given_up = Nacked(f"timed out after {format_duration(delivery.timeout_s or 0.0)}", is_timeout=True)
                try:
                    self.settle(delivery, given_up)
                except PQDeskError as exc:
                    return Unworkable(str(exc))
            elif now_ms >= look_ms and asked():
                given_up = Nacked("ended since somebody cancelled it")
            else:
                look_ms = now_ms + _CANCEL_LOOK_MS
                continue
            program.cancel(task)
            given_up_ms = now_ms + PATIENCE_MS

    def _ended(self, program: Program, event: Ended) -> Ending:
        """What becomes of a message that the program had in hand when it ended."""
        if not program.has_answered and (reason := self._why_broken(program)):
            return Unworkable(
                f"{self.command[0]!r} ends without a message, too ({reason}); its messages wait as they are"
            )
        if not event.is_to_blame:
            return _GIVEN_BACK
        return Nacked(f"the program behind the pipe ended with the message in hand: {event.how}")

    def _why_broken(self, ended: Program) -> str:
        """How a new one ends at once, which has nothing to do; empty when it lives."""
        with self._lock:
            if self._is_over:
                return ""
            if self._program is ended:
                try:
                    self._program = self._start()
                except OSError as exc:
                    return exc.strerror or str(exc)
                self._program.ends_within(_ALONE_S)
            assert self._program is not None
            return "" if self._program.has_answered else self._program.how


def _tell_progress(message: Message, fraction: float, note: str) -> None:
    try:
        message.progress(fraction, note)
    except PQDeskError:  # the lease is lost, which its end tells; or the file is busy, and it is only a number
        pass


def _with_follow_ups(message: Message, ending: Ending, put: list[Outgoing]) -> Ending:
    """Follow-ups commit with the completion; without one there are none."""
    if not put or not isinstance(ending, Completed):
        return ending
    try:
        message.ack(ending.result, put=put)
    except PQDeskError as exc:
        return Nacked(f"its follow-ups cannot be put: {exc}")
    return ending
