"""The producer: asks a handler, a command or a folder for messages and puts them.

A handler without a schedule runs for ever: each item is put as soon as it is yielded, and the handler is called again
when it ends. On a schedule (`every`, `cron`) one run is one transaction: all that it yielded, or nothing when it
raised. The same holds for a command's lines; without a schedule the worker ends with the command, with its exit status.
A folder is watched for ever. With a schedule a line tells when the next run is: `next run 2026-11-24 18:00:00 CET`.
A supervised one goes on where it was stopped, see run_memory.py.

TERM, INT and HUP end it: what was yielded is put first, and a handler gets StopRequested raised inside it, so that its
`finally` blocks run. A handler runs in the main thread for that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from typing import Any, TextIO

from pqdesk.clock import Clock, SystemClock, to_datetime
from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.messages.aliases import Duration
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import Outgoing
from pqdesk.messages.schedules import Cron, Every, Timetable, check_missed
from pqdesk.messages.written import Form
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.worker_checks import check_seconds
from pqdesk.workers.command_consumer import CommandTarget
from pqdesk.workers.command_producer import CommandSource
from pqdesk.workers.folder import FolderTarget, FolderWatch
from pqdesk.workers.handlers import Handler, ProducerOptions
from pqdesk.workers.lifecycle import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, ParentWatch, StopRequested, StopSignals
from pqdesk.workers.patience import exit_code_for
from pqdesk.workers.process import child_environment, find_program
from pqdesk.workers.putting import ITEMS_LIMIT, Putter
from pqdesk.workers.report import Report, describe_exception
from pqdesk.workers.run_memory import RunMemory
from pqdesk.zones import find_zone

_PAUSE_S = 1.0  # before a handler that yielded nothing is called again
_LONGEST_WAIT_S = 30.0  # a schedule is looked at this often, since the clock may be set and the machine may sleep

ProducerTarget = Handler | CommandTarget | FolderTarget


def run_producer(
    queue: Queue,
    target: ProducerTarget,
    *,
    form: Form | None = None,
    every: Duration | None = None,
    cron: str | None = None,
    seconds: bool | None = None,
    timezone: str | None = None,
    missed: str | None = None,
    quiet: bool = False,
    workspace: WorkspacePaths | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
    clock: Clock | None = None,
) -> int:
    """Produce into `queue` until asked to stop; to be called in the main thread.

    Args:
        queue: Where items go that name no queue of their own. It stays open.
        target: What to ask for messages.
        form, …: The options of the table in worker_options.py. `every`, `cron`, `timezone` and `missed` come before
            what a handler was marked with.
        workspace: Whose queue it is; told to commands, and to know its supervisord by.
        out: For one line per message; sys.stdout when None.
        err: For warnings and tracebacks; sys.stderr when None.
        clock: For tests.

    Returns:
        The worker's exit code: 0 when it was asked to stop, 1 when a handler without a schedule raised, 130 after
        Ctrl-C, 70 or 1 when the workspace cannot be used any more; for a command without a schedule its own.

    Raises:
        InvalidInput: There is nothing to run, or no such schedule; nothing was put.
    """
    clock = clock or SystemClock()
    timetable = check_producer(
        target, every=every, cron=cron, timezone=timezone, missed=missed, seconds=seconds, clock=clock
    )
    with StopSignals(ParentWatch(workspace)) as stop:
        report = Report(out or sys.stdout, err or sys.stderr, stop.request, is_quiet=quiet)
        source = _source(target, form, queue, workspace, report, stop, clock)
        try:
            if timetable is None:
                code = source.run_for_ever()
            else:
                zone = find_zone(timezone or _marked(target).timezone)
                memory = RunMemory(timetable.plan, queue.name, workspace)
                code = _run_by(timetable, source, report, stop, zone, clock, memory)
            return code or stop.exit_code
        except KeyboardInterrupt:  # Ctrl-C a second time, inside a handler
            return EXIT_INTERRUPTED
        except PQDeskError as exc:
            report.warn(str(exc))
            return exit_code_for(exc)
        finally:
            source.close()
            stop.close()


def try_producer(
    queue: Queue,
    target: ProducerTarget,
    *,
    lasting_s: float,
    workspace: WorkspacePaths,
    err: TextIO,
    form: Form | None = None,
    **options: Any,
) -> bool:
    """Put what there is now: one run of what has a schedule, so many seconds of what has none. Whether it went well."""
    clock = SystemClock()
    timetable = check_producer(target, **options)
    with StopSignals(ParentWatch(None)) as stop:
        report = Report(sys.stdout, err, stop.request, is_quiet=True)
        source = _source(target, form, queue, workspace, report, stop, clock)
        timer = threading.Timer(lasting_s, os.kill, (os.getpid(), signal.SIGTERM))
        try:
            if timetable is not None:
                source.run_once()
                return True
            timer.start()
            return source.run_for_ever() == EXIT_DONE
        finally:
            timer.cancel()
            source.close()
            stop.close()


def check_producer(
    target: ProducerTarget,
    *,
    every: Duration | None = None,
    cron: str | None = None,
    timezone: str | None = None,
    missed: str | None = None,
    seconds: bool | None = None,
    clock: Clock | None = None,
    **_others: object,
) -> Timetable | None:
    """When run_producer() would run it, given the same arguments; None: all the time. Raises InvalidInput."""
    if isinstance(target, Handler):
        target.check_produces()
    else:
        target.check()
    if cron is not None and seconds is not None:
        check_seconds(cron, has_seconds=seconds)
    marked, now_us = _marked(target), (clock or SystemClock()).wall_us()
    if every is None and cron is None:
        every, cron = marked.every, marked.cron
    if every is None and cron is None:
        if timezone is not None or missed is not None:
            raise InvalidInput("--timezone and --missed belong to --every or --cron, which say when to run")
        return None
    if every is not None and cron is not None:
        raise InvalidInput("a producer runs by --every or by --cron, not by both")
    if isinstance(target, FolderTarget):
        raise InvalidInput("a folder is watched all the time; leave out --every and --cron")
    if every is not None:
        schedule: Every | Cron = Every(duration_us(every, "every", least_us=1))
        plan = f"every {duration_us(every, 'every')} µs"
    else:
        zone_name = timezone or marked.timezone
        plan = f"cron {cron} in {zone_name or 'the local zone'}"
        schedule = Cron(cron or "", find_zone(zone_name))
    return Timetable(schedule, check_missed(missed or marked.missed), now_us, plan=plan)


@dataclass(frozen=True, slots=True)
class HandlerSource:
    """A Python handler. Belongs to the main thread."""

    handler: Handler
    putter: Putter
    report: Report
    stop: StopSignals

    def run_for_ever(self) -> int:
        while not self.stop.is_stopping:
            try:
                count = self._stream()
            except StopRequested:
                break
            except Exception as exc:  # noqa: BLE001 - a handler may raise anything; it ends the worker, for all to see
                self.report.warn(f"handler {self.handler.name!r} ended: {describe_exception(exc)}")
                return EXIT_FAILED
            if not count:
                self.stop.wait(_PAUSE_S)
        return EXIT_DONE

    def run_once(self) -> bool:
        try:
            with closing(_Items(self.handler, self.stop)) as items:
                run = items.take(ITEMS_LIMIT + 1)
        except StopRequested:
            return False
        except Exception as exc:  # noqa: BLE001 - a handler may raise anything; the next run has its chance
            self.report.warn(
                f"handler {self.handler.name!r} failed, nothing of this run was put: {describe_exception(exc)}"
            )
            return True
        if len(run) > ITEMS_LIMIT:
            self.report.warn(
                f"handler {self.handler.name!r} yielded more than {ITEMS_LIMIT:,} items in one run, nothing was put"
            )
        else:
            self.putter.put(run)
        return True

    def _stream(self) -> int:
        count = 0
        with closing(_Items(self.handler, self.stop)) as items:
            while not self.stop.is_stopping and (taken := items.take(1)):
                self.putter.put(taken)
                count += 1
        return count

    def close(self) -> None:
        pass


# Where messages come from. `run_for_ever` puts things until asked to stop, or until there is nothing more, and returns
# the exit code of the worker; `run_once` puts what there is now, in one transaction, tells a failure on stderr, and
# returns False when asked to stop.
Source = HandlerSource | CommandSource | FolderWatch


class _Items:
    """What one call of a handler yields. A signal to end raises StopRequested in the handler, and from here."""

    def __init__(self, handler: Handler, stop: StopSignals) -> None:
        self._stop = stop
        with stop.interruptible():
            returned = handler.function()
        if isinstance(returned, str | bytes | dict | Outgoing):
            raise TypeError(f"a producer yields its payloads; {handler.name} returned one {type(returned).__name__}")
        self._items = iter(returned or ())

    def take(self, count: int) -> list[Any]:
        """Up to `count` items; fewer only at the end."""
        taken: list[Any] = []
        try:
            with self._stop.interruptible():
                taken.extend(islice(self._items, count))  # in C: no signal comes between the yield and our having it
        except StopRequested:
            if not taken:
                raise
        return taken

    def close(self) -> None:
        """Run the `finally` blocks of a generator that was not asked to its end."""
        close: Callable[[], None] | None = getattr(self._items, "close", None)
        if close is not None:
            with self._stop.tidying():
                close()


def _run_by(
    timetable: Timetable,
    source: Source,
    report: Report,
    stop: StopSignals,
    zone: tzinfo,
    clock: Clock,
    memory: RunMemory,
) -> int:
    told_us: int | None = None
    kept_us = memory.next_us()
    if kept_us is not None:
        timetable.resume(kept_us, clock.wall_us())
    while not stop.is_stopping:
        if timetable.take(clock.wall_us()):
            if not source.run_once():
                break
            timetable.end_run(clock.wall_us())
        if timetable.next_us != kept_us:
            kept_us = timetable.next_us
            memory.keep(kept_us)
        is_ahead = timetable.next_us > clock.wall_us()
        if is_ahead and timetable.next_us != told_us and not stop.is_stopping:
            told_us = timetable.next_us
            report.line(f"next run {to_datetime(told_us).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}")
        left_s = (timetable.next_us - clock.wall_us()) / 1_000_000
        stop.wait(min(max(left_s, 0.0), _LONGEST_WAIT_S))
    return EXIT_DONE


def _source(
    target: ProducerTarget,
    form: Form | None,
    queue: Queue,
    workspace: WorkspacePaths | None,
    report: Report,
    stop: StopSignals,
    clock: Clock,
) -> Source:
    putter = Putter(queue, report, stop, clock)
    if isinstance(target, FolderTarget):
        return FolderWatch(target, putter, report, stop, clock)
    if isinstance(target, CommandTarget):
        environment = child_environment(None if workspace is None else workspace.root, {"PQDESK_QUEUE": queue.name})
        return CommandSource(find_program(target.command), form, environment, putter, report, stop, clock)
    return HandlerSource(target, putter, report, stop)


def _marked(target: ProducerTarget) -> ProducerOptions:
    """What a handler says itself of when it runs."""
    return (target.producer if isinstance(target, Handler) else None) or ProducerOptions(queue="")
