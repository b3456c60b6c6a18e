"""The public names: each is there and says what it does and raises, and every example in a docstring works.

An example is an indented block after an empty line, as in README it is a fence. Each runs by itself, in a new workspace
where `queue` is "emails" with three messages, `message` one more in hand, and `workspace` theirs.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sqlite3
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import pqdesk
from pqdesk import AsyncQueue, Queue, Workspace
from pqdesk.messages.records import QueueConfiguration
from pqdesk.queues import aio
from pqdesk.queues.known_queue import KnownQueue
from pqdesk.queues.operator import Operator

_ACTIONS = "retry run_now change cancel delete restore move edit duplicate purge"
_LOOKING = "messages message result why"
# Every name of the documented API: of the package, and of its classes.
_NAMES = {
    "pqdesk": "Queue Message Outgoing Workspace AsyncQueue AsyncMessage Counts MessageRecord MessageDetail Outcome "
    "State consumer producer Fail Retry Snooze next_runs PQDeskError Empty Full LeaseLost DuplicateKey NotFound "
    "InvalidInput WorkspaceError SchemaTooNew Corrupt DiskFull Busy LookOnly SupervisorError",
    "Queue": "put put_many get get_nowait get_many transaction counts qsize join pause resume paused configure "
    f"configuration {_LOOKING} errors metrics {_ACTIONS} close",
    "AsyncQueue": "put put_many get get_nowait get_many transaction counts qsize join pause resume paused configure "
    f"configuration {_LOOKING} errors metrics {_ACTIONS} close",
    "Message": "id queue type payload headers priority group key attempt max_attempts enqueued_at due_at "
    "lease_remaining receipt ack nack fail release extend progress cancel_requested",
    "AsyncMessage": "id queue type payload headers priority group key attempt max_attempts enqueued_at due_at "
    "lease_remaining receipt ack nack fail release extend progress cancel_requested",
    "Workspace": "path queue queues workers schedules add_schedule remove_schedule enable_schedule disable_schedule "
    f"run_schedule activity undo ack nack release backup compact look_only close {_ACTIONS}",
    "Outcome": "done skipped errors",
    "Counts": "scheduled ready running retrying completed failed cancelled",
}
_SETTINGS = (
    "max_attempts lease backoff timeout concurrency group_concurrency rate max_size max_deaths "
    "keep_completed keep_failed failed_to"
)
# What a caller may have to handle, beside WorkspaceError, which the class's own docstring tells.
_ERRORS = {
    "Queue.put": "InvalidInput DuplicateKey Full LookOnly DiskFull Busy",
    "Queue.get": "Empty InvalidInput",
    "Queue.get_nowait": "Empty",
    "Queue.get_many": "Empty InvalidInput",
    "Queue.transaction": "InvalidInput Busy",
    "Queue.join": "InvalidInput",
    "Queue.pause": "LookOnly",
    "Queue.resume": "LookOnly",
    "Queue.configure": "InvalidInput LookOnly",
    "Queue.messages": "InvalidInput",
    "Queue.message": "NotFound InvalidInput",
    "Queue.result": "NotFound InvalidInput",
    "Queue.why": "NotFound",
    "Queue.metrics": "InvalidInput",
    **{f"Operator.{name}": "InvalidInput LookOnly" for name in _ACTIONS.split()},
    **{f"Message.{name}": "LeaseLost" for name in ("fail", "release")},
    **{f"Message.{name}": "LeaseLost InvalidInput" for name in ("ack", "nack", "extend", "progress")},
    **{f"AsyncMessage.{name}": "LeaseLost" for name in ("fail", "release")},
    **{f"AsyncMessage.{name}": "LeaseLost InvalidInput" for name in ("ack", "nack", "extend", "progress")},
    "Workspace": "InvalidInput WorkspaceError SchemaTooNew Corrupt DiskFull",
    "Workspace.queue": "InvalidInput",
    "Workspace.add_schedule": "InvalidInput LookOnly",
    **{f"Workspace.{name}_schedule": "NotFound LookOnly" for name in ("remove", "enable", "disable")},
    "Workspace.run_schedule": "NotFound",
    "Workspace.activity": "InvalidInput",
    "Workspace.undo": "NotFound InvalidInput LookOnly",
    **{f"Workspace.{name}": "LeaseLost InvalidInput" for name in ("ack", "nack", "release")},
    "Workspace.backup": "WorkspaceError DiskFull",
    "Workspace.compact": "Busy",
    "consumer": "InvalidInput",
    "producer": "InvalidInput",
    "next_runs": "InvalidInput",
}
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Signals):$")
_MODULES = {"pqdesk": pqdesk, "pqdesk.queues.aio": aio}


class Example(NamedTuple):
    place: str
    code: str


def _documented() -> Iterator[tuple[str, Any]]:
    """Everything public that may have a docstring, with its name."""
    yield from _MODULES.items()
    yield "Operator", Operator
    for name in pqdesk.__all__:
        one = getattr(pqdesk, name)
        yield name, one
        if inspect.isclass(one):
            yield from ((f"{name}.{inner}", what) for inner, what in vars(one).items() if _is_shown(inner))
    for name, base in (("Queue", KnownQueue), ("Operator", Operator)):
        yield from ((f"{name}.{inner}", what) for inner, what in vars(base).items() if _is_shown(inner))


def _is_shown(name: str) -> bool:
    return not name.startswith("_") or name in ("__iter__", "__aiter__")


def _examples() -> list[Example]:
    found: dict[str, Example] = {}
    for place, one in _documented():
        doc = inspect.cleandoc(one.__doc__ or "") if not isinstance(one, int | str) else ""
        for code in _blocks(doc):
            found.setdefault(code, Example(place, code))
    return list(found.values())


def _blocks(doc: str) -> list[str]:
    blocks: list[str] = []
    for paragraph in re.split(r"\n\n(?=\S)", doc):  # an example may have empty lines of its own
        _, gap, rest = paragraph.partition("\n\n")
        if gap and rest.startswith("    ") and not _SECTION.match(paragraph.splitlines()[0]):
            blocks.append(textwrap.dedent(rest))
    return blocks


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What an example finds: the public names, and the things that it is about."""
    monkeypatch.setenv("PQDESK_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    found = {name: getattr(pqdesk, name) for name in pqdesk.__all__}
    with Workspace() as workspace:
        queue = workspace.queue("emails")
        queue.put("order 1")
        message = queue.get()
        queue.put_many([{"to": f"{name}@example.com"} for name in ("ada", "grace", "lin")])
        with queue.transaction() as tx:
            tx.execute("CREATE TABLE paid (order_id TEXT)")
        found |= {"workspace": workspace, "queue": queue, "message": message, "print": lambda *_: None}
        yield found | {"datetime": datetime, "timedelta": timedelta, "UTC": UTC, "sqlite3": sqlite3}


@pytest.mark.parametrize("example", _examples(), ids=lambda one: one.place)
def test_examples_in_docstrings_work(example: Example, names: dict[str, Any]) -> None:
    opened = names["queue"]
    code = compile(example.code, example.place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)

    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(_in_a_loop(code, names))
    else:
        exec(code, names)  # noqa: S102
    if names["queue"] is not opened:
        names["queue"].close()


async def _in_a_loop(code: Any, names: dict[str, Any]) -> None:
    """Awaited, with the asyncio kinds of queue and message."""
    async with AsyncQueue("emails") as queue:
        await queue.put("order 2", priority=9)
        message = await queue.get()

        async def send(payload: object) -> None:
            pass

        await eval(code, names | {"queue": queue, "message": message, "send": send})  # noqa: S307


def test_no_example_is_written_so_that_it_is_not_run() -> None:
    for place, one in _documented():
        assert ">>>" not in (getattr(one, "__doc__", None) or ""), place
    assert len(_examples()) > 15


@pytest.mark.parametrize("owner", _NAMES)
def test_every_name_is_there_and_says_what_it_is(owner: str) -> None:
    whose: Any = pqdesk if owner == "pqdesk" else getattr(pqdesk, owner)

    for name in _NAMES[owner].split():
        assert _says_what_it_is(whose, name), f"{owner}.{name}"


def _says_what_it_is(whose: Any, name: str) -> bool:
    """By a docstring of its own, or in the list of its class's attributes; a plain field by its name."""
    one = getattr(whose, name, None)
    if not isinstance(whose, ModuleType) and name in getattr(whose, "__dataclass_fields__", ()):
        return True
    listed = re.search(rf"^ {{4,8}}[\w, ]*\b{name}\b[\w, ]*:", whose.__doc__ or "", re.MULTILINE)
    return bool(listed) or (one is not None and bool((one.__doc__ or "").strip()))


def test_every_setting_is_explained() -> None:
    for setting in _SETTINGS.split():
        assert setting in QueueConfiguration.__dataclass_fields__
        assert re.search(rf"^ +[\w, ]*\b{setting}\b[\w, ]*:", Queue.configure.__doc__ or "", re.MULTILINE), setting


@pytest.mark.parametrize("place", _ERRORS)
def test_docstrings_name_the_errors(place: str) -> None:
    one = dict(_documented())[place]

    told = (one.__doc__ or "").partition("aises")[2]
    assert [error for error in _ERRORS[place].split() if error not in told] == []


def test_everything_exported_is_importable_and_listed() -> None:
    assert sorted(pqdesk.__all__) == list(pqdesk.__all__)
    assert set(_NAMES["pqdesk"].split()) <= set(pqdesk.__all__)
