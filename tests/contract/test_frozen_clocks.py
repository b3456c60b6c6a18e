"""Timeouts end where a program's tests have stopped its clocks: due times stand still then, waiting does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import run_python

_BY_HAND = """
import contextlib, time
@contextlib.contextmanager
def frozen():
    names = "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns".split()
    before = {name: getattr(time, name) for name in names}
    for name, value in before.items():
        setattr(time, name, lambda value=value(): value)
    yield
    for name, value in before.items():
        setattr(time, name, value)
"""
_BY_FREEZEGUN = """
from freezegun import freeze_time
def frozen():
    return freeze_time("2030-01-01")
"""
_PROGRAM = """
import os, signal, sys
from pqdesk import Empty, Full, Queue
signal.alarm(50)  # a timeout that never ends is ended by it
queue = Queue("q", database=sys.argv[1])
queue.configure(max_size=1)
queue.put("first")
with frozen():
    print(queue.join(timeout=0.05))
    try:
        queue.put("second", timeout=0.05)
    except Full:
        print("Full")
    with queue.get(timeout=0.05) as message:
        print(message.payload)
    for get in (queue.get, lambda timeout: queue.get_many(3, timeout=timeout)):
        try:
            get(timeout=0.05)
        except Empty:
            print("Empty")
    print(queue.join(timeout=0.05))
queue.close()
"""
_PRINTED = ["False", "Full", "first", "Empty", "Empty", "True"]


def test_timeouts_end_under_clocks_that_stand_still(tmp_path: Path) -> None:
    assert run_python(_BY_HAND + _PROGRAM, str(tmp_path / "app.db")).split() == _PRINTED


def test_timeouts_end_under_freezegun(tmp_path: Path) -> None:
    pytest.importorskip("freezegun")

    assert run_python(_BY_FREEZEGUN + _PROGRAM, str(tmp_path / "app.db")).split() == _PRINTED
