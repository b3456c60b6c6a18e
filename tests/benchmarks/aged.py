"""A file that has lived long, and what things cost in it: python -m tests.benchmarks.aged FOLDER ORDER.

ORDER is a JSON object, {"do": "flatness" | "looking", …arguments}; the answer is one on standard output. A process of
its own that ends without closing: giving back a million messages in hand would take long.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import apsw

from pqdesk import Queue
from pqdesk.errors import PQDeskError
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import PageRequest

# state, and what else is special: of the messages, or of the queue's configuration
MIXES: dict[str, tuple[State, dict[str, Any]]] = {
    "ready": (State.READY, {}),
    "scheduled, urgent": (State.SCHEDULED, {"priority": 9}),
    "running": (State.RUNNING, {}),
    "completed": (State.COMPLETED, {}),
    "failed": (State.FAILED, {}),
    "grouped": (State.READY, {"group": "g"}),
    "limited": (State.READY, {"configure": {"concurrency": 1000, "rate": (5000, 1), "max_size": 2**31 - 1}}),
}
_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO pqdesk_message (queue_id, state, line, priority, enqueued_us, due_us, owner_id, lease_ends_ms,
                                finished_us, "group", payload_kind, checksum, payload)
    SELECT :queue_id, :state, CASE WHEN :group IS NULL THEN 0 WHEN i = 1 THEN 1 ELSE 2 END, :priority, :now_us + i,
           :due_us, (SELECT coalesce(min(id), 0) FROM pqdesk_owner), 1 << 60, :finished_us, :group, 1, 0,
           CAST('{"to":"ada@example.com","number":' || i || '}' AS BLOB) FROM n"""
_FAR_US = 1 << 60
_LEAST_US = 1_700_000_000_000_000
_WARM, _EACH, _ROUNDS = 20, 15, 15
_LOOKS = 40


def fill(queue: Queue, mix: str, count: int) -> apsw.Connection:
    """`count` messages in one state, as a long life leaves them, with the counters that belong to them."""
    state, options = MIXES[mix]
    if "configure" in options:
        queue.configure(**options["configure"])
    queue.put("x")
    queue.get().ack()
    engine = queue.store._engine  # type: ignore[attr-defined]
    db: apsw.Connection = engine.db
    is_due_later, group = state in (State.SCHEDULED, State.RETRYING), options.get("group")
    with engine.lock:  # the background thread uses this connection too
        db.execute("BEGIN IMMEDIATE")
        (queue_id,) = db.execute("SELECT id FROM pqdesk_queue").fetchall()[0]
        values = {
            "count": count, "queue_id": queue_id, "state": int(state), "group": group,
            "priority": options.get("priority", -1), "now_us": _LEAST_US, "finished_us": int(state.is_final),
            "due_us": _FAR_US if is_due_later else 1,
        }  # fmt: skip
        db.execute(_FILL, values)
        sql = f"UPDATE pqdesk_queue SET {state.word} = ?, wake_us = ?, blocked = ? WHERE id = ?"
        db.execute(sql, (count, _FAR_US if is_due_later else None, count - 1 if group else 0, queue_id))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return db


def flatness(folder: Path, mix: str, sizes: list[int]) -> dict[str, Any]:
    """Microseconds of put, get and ack at each size, in turns, and the VM steps of each."""
    queues: dict[int, Queue] = {}
    for size in sizes:
        queues[size] = Queue("work", workspace=folder / str(size), durability="relaxed")
        fill(queues[size], mix, size)
    steps = {size: _steps(queue, mix) for size, queue in queues.items()}
    for queue in queues.values():
        _cycle(queue, mix, _WARM)
    rounds = [{size: _cycle(queue, mix, _EACH) for size, queue in queues.items()} for _ in range(_ROUNDS)]
    return {
        "us": {size: {what: [one[size][what] for one in rounds] for what in ("put", "get", "ack")} for size in sizes},
        "steps": steps,
    }


def looking(folder: Path, size: int) -> dict[str, Any]:
    """Milliseconds of what a window asks, at `size` messages, most of them completed."""
    with Queue("work", workspace=folder / "looking", durability="relaxed") as queue:
        fill(queue, "completed", size)
        newest = queue.put("newest")
    inspection = open_inspection(queue.paths)  # type: ignore[arg-type]
    work = Selection(queue="work")
    at = datetime.fromtimestamp(_LEAST_US / 1e6, UTC) + timedelta(microseconds=size // 3)
    completed = Selection(queue="work", states=(State.COMPLETED,))
    asked: dict[str, Callable[[], Any]] = {
        "first page": lambda: inspection.page(PageRequest(selection=work)),
        "first page of a state": lambda: inspection.page(PageRequest(selection=completed)),
        "next page": lambda: inspection.page(PageRequest(selection=work, before=newest - 100)),
        "jump to an id": lambda: inspection.page(PageRequest(selection=work, before=size // 2)),
        "jump to a time": lambda: inspection.page(PageRequest(selection=work, before=inspection.id_at(at))),
        "counts": lambda: inspection.counts("work"),
    }
    answer: dict[str, Any] = {what: [_ms(ask) for _ in range(_LOOKS)] for what, ask in asked.items()}
    nowhere = PageRequest(selection=Selection(queue="work", search="nowhere"))
    for _ in range(3):
        cpu_s = time.process_time()
        answer.setdefault("search rows/s", []).append(size / _ms(lambda: inspection.page(nowhere)) * 1e3)
        answer.setdefault("search rows/CPU s", []).append(size / (time.process_time() - cpu_s))
    answer["stop a search"] = [_stop_ms(inspection, nowhere) for _ in range(10)]
    inspection.close()
    return answer


def _cycle(queue: Queue, mix: str, count: int) -> dict[str, float]:
    """The median of each in microseconds."""
    laps: dict[str, list[int]] = {"put": [], "get": [], "ack": []}
    for _ in range(count):
        for what, do in _operations(queue, mix).items():
            start = time.perf_counter_ns()
            do()
            laps[what].append(time.perf_counter_ns() - start)
    return {what: median(several) / 1e3 for what, several in laps.items()}


def _operations(queue: Queue, mix: str) -> dict[str, Callable[[], Any]]:
    """Of a message that goes before the backlog."""
    group = "fresh" if mix == "grouped" else None
    taken: list[Any] = []
    return {
        "put": lambda: queue.put({"to": "ada@example.com", "number": 0}, priority=5, group=group),
        "get": lambda: taken.append(queue.get(block=False)),
        "ack": lambda: taken[0].ack(),
    }


def _steps(queue: Queue, mix: str) -> dict[str, int]:
    """SQLite VM steps of the cheapest of some calls: now and then one writes the metrics along."""
    counted = [0]
    engine = queue.store._engine  # type: ignore[attr-defined]

    def note(event: dict[str, Any]) -> None:
        counted[0] += event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    least: dict[str, int] = {}
    with engine.lock:  # the background thread uses this connection too
        engine.db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
    for _ in range(_WARM):
        for what, do in _operations(queue, mix).items():
            counted[0] = 0
            do()
            least[what] = min(least.get(what, 1 << 60), counted[0])
    with engine.lock:
        engine.db.trace_v2(0, None)
    return least


def _ms(do: Callable[[], Any]) -> float:
    start = time.perf_counter_ns()
    do()
    return (time.perf_counter_ns() - start) / 1e6


def _stop_ms(inspection: Any, request: PageRequest) -> float | None:
    """From interrupt() to the end of a search; None when it had ended before."""
    ended: list[int] = []
    was_interrupted: list[bool] = []

    def search() -> None:
        try:
            inspection.page(request)
        except PQDeskError:
            was_interrupted.append(True)
        ended.append(time.perf_counter_ns())

    thread = threading.Thread(target=search)
    thread.start()
    time.sleep(0.03)
    start = time.perf_counter_ns()
    inspection.interrupt()
    thread.join()
    return (ended[0] - start) / 1e6 if was_interrupted else None


def main() -> None:
    folder, order = Path(sys.argv[1]), json.loads(sys.argv[2])
    jobs: dict[str, Callable[..., dict[str, Any]]] = {"flatness": flatness, "looking": looking}
    answer = jobs[order.pop("do")](folder, **order)
    print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
