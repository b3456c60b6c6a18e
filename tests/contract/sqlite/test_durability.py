"""One flush between commit and return, and errors where SQLite would lose commits silently."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pqdesk import DiskFull, Queue, WorkspaceError
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.sqlite import durability
from tests.programs import run_python


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors flushed by us, in order."""
    found: list[int] = []
    flush = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: (found.append(descriptor), flush(descriptor)))
    return found


@pytest.fixture
def durable(tmp_path: Path) -> Queue:
    with Queue("q", workspace=tmp_path / "w") as queue:
        yield queue


_DURABLE_CALLS: dict[str, Callable[[Queue], object]] = {
    "put": lambda queue: queue.put("x"),
    "put_many": lambda queue: queue.put_many(range(1000)),
    "ack": lambda queue: queue.get().ack(),
    "nack": lambda queue: queue.get().nack(),
    "fail": lambda queue: queue.get().fail("x"),
    "cancel": lambda queue: queue.cancel(1),
    "pause": lambda queue: queue.pause(),
    "configure": lambda queue: queue.configure(lease=3),
}


@pytest.mark.parametrize("name", _DURABLE_CALLS)
def test_each_durable_call_flushes_once_before_it_returns(durable: Queue, flushes: list[int], name: str) -> None:
    durable.put("first")
    flushes.clear()

    _DURABLE_CALLS[name](durable)

    assert len(flushes) == 1


def test_a_claim_needs_no_flush(durable: Queue, flushes: list[int]) -> None:
    durable.put("x")
    flushes.clear()

    durable.get()

    assert flushes == []


def test_relaxed_never_flushes(tmp_path: Path, flushes: list[int]) -> None:
    with Queue("q", workspace=tmp_path / "w", durability="relaxed") as queue:
        queue.put("x")
        queue.get().ack()

    assert flushes == []


def test_a_failed_flush_poisons_the_engine(durable: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(WorkspaceError, match="Input/output error"):
        durable.put("x")
    monkeypatch.undo()

    with pytest.raises(WorkspaceError, match="restart this program"):
        durable.put("y")


@pytest.mark.parametrize("name", ["queue.db", "queue.db-wal"])
def test_a_replaced_file_is_an_error_instead_of_a_silent_loss(tmp_path: Path, name: str) -> None:
    queue = Queue("q", workspace=tmp_path / "w")
    queue.put("x")
    (tmp_path / "w" / name).rename(tmp_path / "old")
    (tmp_path / "w" / name).touch()

    with pytest.raises(WorkspaceError, match="replaced or removed while open"):
        queue.put("lost")

    queue.close()


def test_a_second_sqlite_library_that_unlinks_the_wal_is_noticed(tmp_path: Path) -> None:
    """Where company.py does not see it; here the unlinking is enough."""
    queue = Queue("q", workspace=tmp_path / "w")
    queue.put("x")
    (tmp_path / "w" / "queue.db-wal").unlink()

    with pytest.raises(WorkspaceError):
        queue.put("lost")

    queue.close()


def test_a_forked_child_gets_an_error_and_the_parent_goes_on(tmp_path: Path) -> None:
    program = """
import os, sys
from pqdesk import Queue, WorkspaceError
queue = Queue("q", workspace=sys.argv[1])
queue.put(1)
held = queue.get()
if os.fork() == 0:
    try:
        queue.put(2)
    except WorkspaceError as error:
        print("child:", "before a fork" in str(error), flush=True)
    with Queue("q", workspace=sys.argv[1]) as own:
        own.put(3)
    queue.close()
    os._exit(0)
os.wait()
held.ack()
print("parent:", [m.payload for m in queue.get_many(9)], queue.counts().completed)
"""
    printed = run_python(program, str(tmp_path / "w"))

    assert printed.splitlines() == ["child: True", "parent: [3] 1"]


def test_what_a_forked_child_puts_over_its_own_connection_outlives_the_parents(tmp_path: Path) -> None:
    program = """
import os, sys
from pqdesk import Queue
queue = Queue("q", workspace=sys.argv[1])
queue.put(1)
to_parent, to_child = os.pipe(), os.pipe()
if os.fork() == 0:
    with Queue("q", workspace=sys.argv[1]) as own:
        own.put(2)
        os.write(to_parent[1], b"!")
        os.read(to_child[0], 1)  # the parent has closed, as the last one whose locks SQLite counts
        own.put(3)
    os._exit(0)
os.read(to_parent[0], 1)
queue.close()
os.write(to_child[1], b"!")
print(os.waitstatus_to_exitcode(os.wait()[1]))
with Queue("q", workspace=sys.argv[1]) as queue:
    print([message.payload for message in queue.get_many(9)])
"""
    assert run_python(program, str(tmp_path / "w")).splitlines() == ["0", "[1, 2, 3]"]


def test_puts_stop_while_only_the_reserve_is_left_and_acks_go_on(
    durable: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.put("x")
    full = os.statvfs_result((4096, 4096, 1_000_000, 10_000, 10_000, 1, 1, 1, 0, 255))  # 39 MiB of 4 GiB
    monkeypatch.setattr(os, "statvfs", lambda _folder: full)
    durable.store._space._looked_ms = -1000  # type: ignore[attr-defined]

    with pytest.raises(DiskFull, match="kept for acks"):
        durable.put("y")

    durable.get().ack()
    assert durable.counts().completed == 1


def test_a_closed_queue_says_so(tmp_path: Path) -> None:
    queue = Queue("q", workspace=tmp_path / "w")
    queue.close()
    queue.close()

    with pytest.raises(WorkspaceError, match="closed"):
        queue.put("x")


def test_a_dropped_queue_closes_itself_and_a_held_message_keeps_it(tmp_path: Path) -> None:
    queue = Queue("q", workspace=tmp_path / "w")
    queue.put("x")
    message = queue.get()
    del queue

    message.ack()
    del message  # the fixture of tests/conftest.py fails when a file or thread stays


def test_a_file_that_was_replaced_is_noticed_though_the_times_of_its_folder_were_set_back(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_SETTLED_NS", 0)
    queue = Queue("work", workspace=paths.root)
    for number in range(3):
        queue.put(number)
    before = os.stat(paths.root)

    copy = paths.root.with_name("copy.db")
    shutil.copy(paths.database, copy)
    os.rename(copy, paths.database)
    os.utime(paths.root, ns=(before.st_atime_ns, before.st_mtime_ns))  # as rsync -a does

    with pytest.raises(WorkspaceError, match="replaced"):
        queue.put("into nowhere")
    queue.close()
