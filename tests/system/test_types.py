"""The library as type checkers, and whoever looks types up at run time, see it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import pqdesk
from pqdesk.queues.operator import Operator

# What a program has no use for: the parts that a queue is made of.
_INNER = {
    *("store", "paths", "over", "opened", "claim", "claim_one", "settle", "defaults"),
    *("use_defaults", "put_once", "inspection", "attend"),
}
_SPECIAL = ("__enter__", "__aenter__", "__iter__", "__aiter__")


def _public_calls() -> Iterator[tuple[str, Any]]:
    for name in pqdesk.__all__:
        one = getattr(pqdesk, name)
        if inspect.isfunction(one):
            yield name, one
        if inspect.isclass(one):
            yield from ((f"{name}.{inner}", call) for inner, call in _calls_of(one))


def _calls_of(owner: type) -> Iterator[tuple[str, Any]]:
    for name, _ in inspect.getmembers(owner):
        found = inspect.getattr_static(owner, name)
        if name in _INNER or (name.startswith("_") and name not in _SPECIAL):
            continue
        call = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if inspect.isfunction(call) and call.__module__.startswith("pqdesk"):
            yield name, call


_CALLS = dict(_public_calls())


@pytest.mark.parametrize("name", _CALLS)
def test_types_can_be_looked_up_at_run_time(name: str) -> None:
    assert "return" in get_type_hints(_CALLS[name])


@pytest.mark.parametrize("name", [one for one in pqdesk.__all__ if inspect.isclass(getattr(pqdesk, one))])
def test_types_of_a_class_can_be_looked_up_at_run_time(name: str) -> None:
    one = getattr(pqdesk, name)

    get_type_hints(one)
    get_type_hints(one.__init__)


def test_every_type_that_a_public_call_takes_or_returns_can_be_imported() -> None:
    exported = {id(getattr(pqdesk, name)) for name in pqdesk.__all__}
    missing: dict[str, str] = {}

    def look(type_: Any, where: str) -> None:
        for part in get_args(type_):
            look(part, where)
        if inspect.isclass(type_) and type_.__module__.startswith("pqdesk") and id(type_) not in exported:
            missing.setdefault(f"{type_.__module__}.{type_.__name__}", where)

    for name, call in _CALLS.items():
        for part in get_type_hints(call).values():
            look(part, name)
    for name in pqdesk.__all__:
        if hasattr(getattr(pqdesk, name), "__dataclass_fields__"):
            for part in get_type_hints(getattr(pqdesk, name)).values():
                look(part, name)

    assert missing == {}
    assert {"Queue.put", "Queue.configure", "AsyncQueue.get", "Workspace.workers", "Message.ack"} <= set(_CALLS)
    assert {f"Workspace.{name}" for name in vars(Operator) if not name.startswith("_")} <= {*_CALLS, "Workspace.store"}


_PROGRAM = """
import datetime
from pqdesk import Quue  # E
from pqdesk import Queue, Workspace, AsyncQueue, Outgoing, Outcome, MetricRecord, QueueConfiguration
import pqdesk
pqdesk.Wrkspace  # E
queue = Queue("work")
queue.put("x", priority="high")  # E
queue.put_many(["x"], priority=1, delay=datetime.timedelta(1))
queue.put_many(["x"], priorty=1)  # E
queue.put_many(["x"], key=1)  # E
queue.configure(max_attempts=3, rate=(1, 60), lease=None)
queue.configure(max_attemps=3)  # E
queue.configure(rate=5)  # E
queue.messages(state="failed", limit=3)
queue.messages(state=["failed", pqdesk.State.READY])
queue.messages(state=7.5)  # E
queue.messages(stat="failed")  # E
outcome: Outcome = queue.retry(state="failed", dry_run=True)
queue.retry(dry=True)  # E
queue.retry(state=7.5)  # E
settings: QueueConfiguration = queue.configuration
metrics: list[MetricRecord] = queue.metrics(datetime.datetime.now())
queue.counts().redy  # E
with queue.get() as message:
    message.payload["to"]
    message.attempts  # E
async def main() -> None:
    other = AsyncQueue("work")
    await other.configure(max_attemps=3)  # E
    await other.put_many(["x"], priorty=1)  # E
    await other.messages(stat="failed")  # E
    found: list[pqdesk.MessageRecord] = await other.messages(state="failed")
"""


def test_a_type_checker_finds_misspelt_names_and_wrong_types_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}/cache", str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    found = {int(line) for line in re.findall(r"^program\.py:(\d+): error", ran.stdout, re.MULTILINE)}
    wanted = {number for number, line in enumerate(_PROGRAM.splitlines(), start=1) if line.endswith("# E")}
    assert found == wanted, ran.stdout + ran.stderr
