"""Descriptors: none stays open for a queue that nobody waits for, and running out of them is an error of ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.programs import run_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")

_COUNT = """
import asyncio, contextlib, os, resource, sys, threading
from pqdesk import AsyncQueue, Empty, Full, InvalidInput, LeaseLost, NotFound, PQDeskError, Queue, Workspace
def is_open(one):
    return os.path.exists(f"/proc/self/fd/{one}")
def count():
    return len(list(filter(is_open, os.listdir("/proc/self/fd"))))
def bells():
    folder = f"{sys.argv[1]}/run/bells"
    return len(os.listdir(folder)) if os.path.exists(folder) else 0
def until(condition):
    while not condition():
        threading.Event().wait(0.001)
workspace = Workspace(sys.argv[1], durability="relaxed")
"""
_FEW = 40  # a store with its background thread has about fifteen


def test_waiting_for_a_thousand_queues_one_after_the_other_keeps_few_open(tmp_path: Path) -> None:
    program = """
for number in range(1000):
    with contextlib.suppress(Empty):
        workspace.queue(f"q{number}").get(timeout=0.002)
print(count(), bells())
workspace.close()
print(bells())
"""
    open_now, files, files_left = map(int, run_python(_COUNT + program, str(tmp_path / "w")).split())
    assert (open_now < _FEW, files < _FEW, files_left) == (True, True, 0)


def test_putting_to_a_thousand_queues_whose_getters_go_keeps_few_open(tmp_path: Path) -> None:
    program = """
for number in range(300):
    queue, got = workspace.queue(f"q{number}"), []
    thread = threading.Thread(target=lambda: got.append(queue.get(timeout=60).payload))
    thread.start()
    until(lambda: workspace.store._engine.bells._waiting.get(queue.name))
    queue.put(number)
    thread.join()
    assert got == [number]
print(count())
workspace.close()
"""
    assert int(run_python(_COUNT + program, str(tmp_path / "w"))) < 2 * _FEW


def test_waiting_for_room_in_many_queues_keeps_few_open(tmp_path: Path) -> None:
    program = """
for number in range(100):
    queue = workspace.queue(f"q{number}")
    queue.configure(max_size=1)
    queue.put(1)
    try:
        queue.put(2, timeout=0.002)
    except Full:
        continue
    raise AssertionError
print(count())
workspace.close()
"""
    assert int(run_python(_COUNT + program, str(tmp_path / "w"))) < _FEW


def test_many_threads_that_wait_at_once_are_each_woken_and_leave_little(tmp_path: Path) -> None:
    program = """
got = []
def get(queue):
    got.append(queue.get(timeout=60).payload)
queues = [workspace.queue(f"q{number}") for number in range(60)]
threads = [threading.Thread(target=get, args=(queue,)) for queue in queues]
for thread in threads:
    thread.start()
until(lambda: bells() == 60)
for number, queue in enumerate(queues):
    queue.put(number)
for thread in threads:
    thread.join()
assert sorted(got) == list(range(60)), got
print(count())
workspace.close()
"""
    assert int(run_python(_COUNT + program, str(tmp_path / "w"))) < 2 * _FEW


def test_event_loops_keep_few_open_for_queues_that_they_waited_for(tmp_path: Path) -> None:
    program = """
async def main():
    queues = [AsyncQueue(f"q{number}", workspace=workspace) for number in range(200)]
    for queue in queues:
        with contextlib.suppress(Empty):
            await queue.get(timeout=0.002)
    print(count())
    waiting = [asyncio.ensure_future(queue.get(timeout=60)) for queue in queues[:30]]
    while bells() < 30:
        await asyncio.sleep(0.001)
    for number, queue in enumerate(queues[:30]):
        await queue.put(number)
    assert [(await one).payload for one in waiting] == list(range(30))
    print(count())
    for queue in queues:
        await queue.close()
asyncio.run(main())
workspace.close()
print(bells())
"""
    after_empty, after_all, files = map(int, run_python(_COUNT + program, str(tmp_path / "w")).split())
    assert (after_empty < 2 * _FEW, after_all < 2 * _FEW, files) == (True, True, 0)


_LIMITED = """
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
def lowered(call):
    # what `call` raises with no descriptor left, with one, with two, …, until it succeeds
    texts, allowed = [], max(map(int, filter(is_open, os.listdir("/proc/self/fd")))) + 1
    for more in range(60):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed + more, hard))
        try:
            result = call()
        except Empty:
            return texts
        except PQDeskError as exc:
            texts.append(str(exc))
        else:
            return texts, result
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    raise AssertionError(texts)
def told(texts):
    assert all("ulimit -n" in text and "\\n" not in text for text in texts), texts
    return len(texts)
"""


def test_opening_without_descriptors_is_told_and_leaves_none_open_and_no_file(tmp_path: Path) -> None:
    program = """
Queue("q", database=f"{sys.argv[1]}/warm.db").close()  # what a process opens once
before = count()
texts, queue = lowered(lambda: Queue("q", database=f"{sys.argv[1]}/app.db"))
assert told(texts) > 3, texts
queue.close()
assert count() == before, (count(), before)
texts, queue = lowered(lambda: Queue("q", database=f"{sys.argv[1]}/app.db"))
assert told(texts) > 1, texts
print([name for name in os.listdir(sys.argv[1]) if ".new" in name])
queue.close()
texts, inspection = lowered(workspace.inspection)
told(texts)
inspection.close()
told(texts)
workspace.close()
"""
    assert run_python(_COUNT + _LIMITED + program, str(tmp_path / "w")).strip() == "[]"


def test_a_queue_that_is_open_takes_puts_and_acks_without_any_more_descriptors(tmp_path: Path) -> None:
    program = """
queue = workspace.queue("q")
queue.put(0)
queue.get().ack()
def work():
    queue.put("x" * 3_000_000)
    queue.put(2)
    for _ in range(2):
        queue.get(timeout=0).ack()
    return True
print(lowered(work))
workspace.close()
"""
    assert run_python(_COUNT + _LIMITED + program, str(tmp_path / "w")).strip() == "([], True)"


def test_the_first_put_of_an_open_queue_needs_none_and_getting_tells_that_it_does(tmp_path: Path) -> None:
    program = """
queue = workspace.queue("q")
print(lowered(lambda: queue.put(1)))
texts, message = lowered(lambda: queue.get(timeout=0))
assert told(texts), texts
message.ack()
assert told(lowered(lambda: queue.get(timeout=1))), "waiting takes descriptors"
texts, messages = lowered(lambda: list(queue.messages()))
assert told(texts), texts
workspace.close()
"""
    assert run_python(_COUNT + _LIMITED + program, str(tmp_path / "w")).strip() == "([], 1)"


def test_an_event_loop_that_waits_without_descriptors_is_told(tmp_path: Path) -> None:
    program = """
async def main():
    async with AsyncQueue("q", workspace=workspace) as queue:
        await queue.put(1)
        await (await queue.get()).ack()
        allowed = max(map(int, filter(is_open, os.listdir("/proc/self/fd")))) + 1
        texts = []
        for more in range(20):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed + more, hard))
            try:
                await queue.get(timeout=1)
            except Empty:
                break
            except PQDeskError as exc:
                texts.append(str(exc))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        print(told(texts) > 0)
asyncio.run(main())
workspace.close()
"""
    assert run_python(_COUNT + _LIMITED + program, str(tmp_path / "w")).strip() == "True"


def test_a_put_that_cannot_ring_for_want_of_descriptors_is_made_and_heard_all_the_same(tmp_path: Path) -> None:
    program = """
queue, other, got = workspace.queue("q"), Workspace(sys.argv[1]), []
other.store.wait("q", until_us=None, timeout_s=0)
print(lowered(lambda: queue.put(1)))
other.store.silence("q")
queue.put(2)
print(other.store.wait("q", until_us=None, timeout_s=0.5))
other.close()
workspace.close()
"""
    assert run_python(_COUNT + _LIMITED + program, str(tmp_path / "w")).split("\n")[:2] == ["([], 1)", "True"]


_EACH = """
from datetime import datetime, timedelta, UTC
CALLS = {
    "ack": lambda q, w: w.ack(q.get(False, detached=True).receipt),
    "attend": None,
    "backup": lambda q, w: w.backup(sys.argv[1] + "/copy.db"),
    "compact": lambda q, w: w.compact(),
    "exists": None,
    "fail": lambda q, w: w.fail(q.get(False, detached=True).receipt, "no"),
    "run_schedule": lambda q, w: w.run_schedule("none"),
    "activity": lambda q, w: w.activity(),
    "add_schedule": lambda q, w: w.add_schedule("s", "q", {}, cron="0 8 * * *", timezone="UTC"),
    "cancel": lambda q, w: q.cancel(where="enqueued:<2020-01-01T00:00"),
    "change": lambda q, w: q.change(first, priority=3),
    "claim": None,  # these are not for callers
    "claim_one": None,
    "close": None,
    "configuration": lambda q, w: q.configuration,
    "configure": lambda q, w: q.configure(max_size=9),
    "counts": lambda q, w: w.counts(),
    "defaults": None,
    "delete": lambda q, w: q.delete(first),
    "duplicate": lambda q, w: q.duplicate(first),
    "edit": lambda q, w: q.edit(first, 2),
    "empty": lambda q, w: q.empty(),
    "empty_trash": lambda q, w: q.empty_trash(),
    "enable_schedule": lambda q, w: w.enable_schedule("none"),
    "disable_schedule": lambda q, w: w.disable_schedule("none"),
    "errors": lambda q, w: q.errors(),
    "extend": lambda q, w: w.extend(q.get(False, detached=True).receipt),
    "full": lambda q, w: q.full(),
    "get": lambda q, w: q.get(False),
    "get_many": lambda q, w: q.get_many(2, False),
    "get_nowait": lambda q, w: q.get_nowait(),
    "inspection": lambda q, w: w.inspection().close(),
    "interrupt_waits": None,
    "is_shut": None,
    "join": lambda q, w: q.join(0),
    "look_only": lambda q, w: w.look_only,
    "message": lambda q, w: q.message(first),
    "messages": lambda q, w: q.messages(where="payload"),
    "metrics": lambda q, w: q.metrics(datetime.now(UTC) - timedelta(hours=1)),
    "move": lambda q, w: q.move(first, to="other"),
    "nack": lambda q, w: q.get(False).nack(ValueError("no")),
    "opened": None,
    "over": None,
    "pause": lambda q, w: q.pause(),
    "paused": lambda q, w: q.paused,
    "purge": lambda q, w: q.purge(),
    "put": lambda q, w: q.put(10**5000),
    "put_many": lambda q, w: q.put_many([1, 2]),
    "put_nowait": lambda q, w: q.put_nowait(1),
    "put_once": lambda q, w: q.put_once([("a", 1)]),
    "qsize": lambda q, w: q.qsize(),
    "queue": None,
    "queues": lambda q, w: w.queues(),
    "redo": lambda q, w: w.redo(),
    "release": lambda q, w: w.release(q.get(False, detached=True).receipt),
    "remove_queue": lambda q, w: w.remove_queue("other"),
    "remove_schedule": lambda q, w: w.remove_schedule("none"),
    "restore": lambda q, w: q.restore(first),
    "result": lambda q, w: q.result(first),
    "resume": lambda q, w: q.resume(),
    "retry": lambda q, w: q.retry(state="failed"),
    "run_now": lambda q, w: q.run_now(first),
    "schedules": lambda q, w: w.schedules(),
    "secure_delete": lambda q, w: w.secure_delete,
    "settle": None,
    "shutdown": None,
    "task_done": lambda q, w: (q.get(False), q.task_done()),
    "transaction": lambda q, w: q.transaction().__enter__(),
    "undo": lambda q, w: w.undo(1),
    "use_defaults": None,
    "versions": lambda q, w: q.versions(first),
    "why": lambda q, w: q.why(first),
    "workers": lambda q, w: w.workers(),
}
NAMES = {name for kind in (Queue, Workspace) for name in dir(kind) if name[0] != "_"} - {"store", "paths", "path"}
"""


def test_each_public_name_is_tried_or_left_out_on_purpose(tmp_path: Path) -> None:
    assert run_python(_COUNT + _EACH + "print(sorted(NAMES ^ set(CALLS)))", str(tmp_path / "w")).strip() == "[]"


@pytest.mark.parametrize("part", range(4))
def test_the_first_call_of_each_name_tells_that_there_are_none(part: int, tmp_path: Path) -> None:
    program = """
workspace.close()
for name in sorted(name for name, call in CALLS.items() if call is not None)[int(sys.argv[2])::4]:
    if os.fork():  # each in a process of its own, in which nothing was imported for it
        if os.wait()[1]:
            print(name)
        continue
    own = Workspace(sys.argv[1], durability="relaxed")
    queue = own.queue(name)
    first = queue.put("payload")
    def try_once():
        with contextlib.suppress(NotFound, InvalidInput, LeaseLost):
            CALLS[name](queue, own)
    try:
        texts = lowered(try_once)
        told(texts[0] if isinstance(texts, tuple) else texts)
    except BaseException as exc:
        print(name, repr(exc), flush=True)
    os._exit(0)
print("all told")
"""
    assert run_python(_COUNT + _EACH + _LIMITED + program, str(tmp_path / "w"), str(part)).strip() == "all told"
