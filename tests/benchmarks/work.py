"""The work itself, as done in the process of a contender. Each function returns plain values for the parent.

Times that two processes compare are of CLOCK_MONOTONIC, which is one clock for the machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from tests.benchmarks.contenders.contender import Contender

Measured = dict[str, Any]


def payload(number: int) -> dict[str, Any]:
    """About 100 bytes of JSON."""
    return {"to": "ada@example.com", "number": number, "body": "the quick brown fox jumps over the lazy dog"}


class Stopwatch:
    """`with Stopwatch(contender, count) as watch:`: seconds, CPU and flushes of the block; `lap` for each operation."""

    def __init__(self, contender: Contender, count: int) -> None:
        self._contender, self._count = contender, count
        self.laps_ns: list[int] = []

    def __enter__(self) -> Stopwatch:
        self._flushes = self._contender.flushes()
        self._cpu_ns = time.process_time_ns()
        self._start_ns = time.perf_counter_ns()
        return self

    def __exit__(self, *exc: object) -> None:
        self.seconds = (time.perf_counter_ns() - self._start_ns) / 1e9
        self.cpu_us = (time.process_time_ns() - self._cpu_ns) / 1e3 / self._count
        flushes = self._contender.flushes()
        self.flushes = None if flushes is None or self._flushes is None else (flushes - self._flushes) / self._count

    def each(self, items: Iterable[Any], do: Callable[[Any], Any]) -> None:
        """Do it for each item, and note how long each took."""
        clock, note = time.perf_counter_ns, self.laps_ns.append
        for item in items:
            start = clock()
            do(item)
            note(clock() - start)

    @property
    def measured(self) -> Measured:
        laps = [round(lap / 1e3, 1) for lap in self.laps_ns]
        return {"count": self._count, "seconds": self.seconds, "cpu_us": self.cpu_us, "flushes": self.flushes,
                "laps_us": laps}  # fmt: skip


def describe(contender: Contender) -> Measured:
    return {"synchronous": contender.synchronous(), "has_ack": contender.has_ack}


def put(contender: Contender, count: int) -> Measured:
    items = [contender.prepare(payload(number)) for number in range(count)]
    with Stopwatch(contender, count) as watch:
        watch.each(items, contender.put)
    return watch.measured


def put_many(contender: Contender, count: int, batch: int) -> Measured:
    batches = [
        [contender.prepare(payload(number)) for number in range(start, min(start + batch, count))]
        for start in range(0, count, batch)
    ]
    with Stopwatch(contender, count) as watch:
        watch.each(batches, contender.put_many)
    return watch.measured


def fill(contender: Contender, count: int, limit_s: float = 60.0) -> Measured:
    """Put the quickest way there is, for no longer than `limit_s`; not measured."""
    items = [contender.prepare(payload(number)) for number in range(count)]
    end, done = time.monotonic() + limit_s, 0
    while done < count and time.monotonic() < end:
        try:
            contender.put_many(items[done : done + 1000])
            done = min(done + 1000, count)
        except NotImplementedError:
            contender.put(items[done])
            done += 1
    return {"count": done}


def get_ack(contender: Contender, count: int) -> Measured:
    def one(_: int) -> None:
        taken = contender.take()
        assert taken is not None, "the queue was filled before"
        contender.finish(taken[1])

    with Stopwatch(contender, count) as watch:
        watch.each(range(count), one)
    return watch.measured


def iterate(contender: Contender, count: int) -> Measured:
    with Stopwatch(contender, count) as watch:
        loop = contender.iterate()
        watch.each(range(count), lambda _: contender.finish(next(loop)[1]))
        close = getattr(loop, "close", None)
        if close is not None:
            close()
    return watch.measured


def consume(contender: Contender, count: int) -> Measured:
    """The contender's consumer with an empty handler, from its first message to its end."""
    stop = threading.Event()
    handled = 0
    started: list[int] = []

    def handle(_payload: Any) -> None:
        nonlocal handled
        if not handled:
            started.append(time.perf_counter_ns())
        handled += 1
        if handled >= count:
            stop.set()

    with Stopwatch(contender, count) as watch:
        contender.consume(handle, stop)
        ended = time.perf_counter_ns()
    return {**watch.measured, "count": handled, "seconds": (ended - started[0]) / 1e9}


def produce_until(contender: Contender, start: float, end: float, writer: int) -> Measured:
    """Put one by one between two instants, whether or not puts fail."""
    number = failed = 0
    cpu, laps = time.process_time(), []
    _sleep_until(start)
    while (before := time.monotonic()) < end:
        try:
            contender.put(contender.prepare({**payload(number), "writer": writer}))
            number += 1
        except Exception:  # noqa: BLE001 - told as failed
            failed += 1
        laps.append(round((time.monotonic() - before) * 1e6))
    cpu_s = time.process_time() - cpu
    return {"count": number, "refused": failed, "worst_ms": max(laps) / 1e3, "laps_us": laps, "cpu_s": cpu_s}


def consume_until(contender: Contender, end: float) -> Measured:
    """The contender's consumer with an empty handler until an instant; which messages it was given before.

    It looks at the time when it is given a message: somebody has to go on putting until it has ended.
    """
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    def handle(value: Any) -> None:
        if time.monotonic() >= end:
            stop.set()
        else:
            seen.append((value["writer"], value["number"]))

    cpu = time.process_time()
    contender.consume(handle, stop)
    return {"seen": seen, "cpu_s": time.process_time() - cpu}


def put_slowly(contender: Contender, count: int, least_s: float, most_s: float, seed: int) -> Measured:
    """Put stamped messages with random pauses, for somebody who waits."""
    rng = Random(seed)
    for _ in range(count):
        time.sleep(rng.uniform(least_s, most_s))
        contender.put(contender.prepare({**payload(0), "sent_ns": time.monotonic_ns()}))
    return {"count": count}


def wait_for(contender: Contender, count: int) -> Measured:
    """In an idle consumer: how long after the start of its put each message reached the handler."""
    stop = threading.Event()
    late_us: list[float] = []

    def handle(value: Any) -> None:
        late_us.append((time.monotonic_ns() - value["sent_ns"]) / 1e3)
        if len(late_us) >= count:
            stop.set()

    contender.wait_and_handle(handle, stop)
    return {"laps_us": late_us}


def hold(contender: Contender, journal: str, work_s: float) -> Measured:
    """In an idle consumer: note the start of every message in `journal` as `PID NANOSECONDS`, and take a while."""
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def handle(_payload: Any) -> None:
        os.write(descriptor, f"{os.getpid()} {time.monotonic_ns()}\n".encode())
        time.sleep(work_s)

    contender.wait_and_handle(handle, threading.Event())
    return {}


def work_through(contender: Contender, journal: str, work_s: float) -> Measured:
    """Message after message for ever, noting `b`egin, `e`nd and `a`cked with its number, until killed."""
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for value, token in contender.iterate():
        os.write(descriptor, b"b %d\n" % value["number"])
        time.sleep(work_s)
        os.write(descriptor, b"e %d\n" % value["number"])
        contender.finish(token)
        os.write(descriptor, b"a %d\n" % value["number"])
    return {}


def _sleep_until(instant: float) -> None:
    while (left := instant - time.monotonic()) > 0:
        time.sleep(left)


WORK: dict[str, Callable[..., Measured]] = {
    function.__name__: function
    for function in (
        describe, put, put_many, fill, get_ack, iterate, consume,
        produce_until, consume_until, put_slowly, wait_for, hold, work_through,
    )
}  # fmt: skip
