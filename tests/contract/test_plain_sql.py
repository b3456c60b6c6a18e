"""Putting by plain SQL: rows of pqdesk_put, from any SQLite, in any program's own transaction."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pqdesk import Queue, Workspace
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection
from pqdesk.storage.contract import Store
from tests.programs import run_python
from tests.support import wait_until

_OTHER_LIBRARY = """
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
for sql, values in json.loads(sys.argv[2]):
    db.execute(sql, [bytes.fromhex(one["hex"]) if isinstance(one, dict) else one for one in values])
db.close()
"""
_PUT = "INSERT INTO pqdesk_put (queue, payload) VALUES (?, ?)"


def _elsewhere(database: Path, *statements: tuple[str, list[Any]] | str) -> None:
    """Run statements over the standard library's SQLite, in a process that knows nothing of PQDesk."""
    each = [(one, []) if isinstance(one, str) else one for one in statements]
    run_python(_OTHER_LIBRARY, str(database), json.dumps(each))


def _rows(queue: Queue, sql: str = "SELECT id, refused FROM pqdesk_put ORDER BY id") -> list[tuple[Any, ...]]:
    with queue.transaction() as tx:
        return tx.execute(sql)


def test_another_library_puts_in_its_own_transaction(queue: Queue, paths: WorkspacePaths) -> None:
    _elsewhere(
        paths.database,
        "BEGIN",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
        "INSERT INTO orders VALUES (1)",
        (_PUT, ["work", '{"order": 1}']),
        "COMMIT",
        "BEGIN",
        (_PUT, ["work", '"never"']),
        "ROLLBACK",
    )

    assert queue.get(block=False).payload == {"order": 1}
    assert queue.counts().total == 1
    assert _rows(queue) == []


def test_a_program_killed_inside_its_transaction_put_nothing(queue: Queue, paths: WorkspacePaths) -> None:
    program = """
import signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('work', '1')")
print("inside", flush=True)
signal.pause()
"""
    queue.put("x")
    child = subprocess.Popen([sys.executable, "-c", program, paths.database], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()

    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    assert queue.get(block=False).payload == "x"
    assert queue.counts().total == 1


def test_all_columns_arrive(queue: Queue, paths: WorkspacePaths) -> None:
    sql = """INSERT INTO pqdesk_put (queue, payload, type, priority, delay, key, "group", headers)
             VALUES ('work', '[1, 2.5, null]', 'mail', -3, 0, 'k', 'g', '{"Lang": "de"}')"""
    _elsewhere(paths.database, sql, """INSERT INTO pqdesk_put (queue, payload, delay) VALUES ('work', '1', 3600.5)""")

    message = queue.get(block=False)

    assert (message.payload, message.type, message.priority) == ([1, 2.5, None], "mail", -3)
    assert (message.key, message.group, message.headers) == ("k", "g", {"Lang": "de"})
    [later] = queue.messages(state="scheduled")
    assert (later.due_at - later.enqueued_at).total_seconds() == 3600.5


_PAYLOADS: list[tuple[Any, Any]] = [
    ('{"a": [1, "ä"]}', {"a": [1, "ä"]}),
    ('"text"', "text"),
    ("null", None),
    ("1" * 5000, int("1" * 4000) * 10**1000 + int("1" * 1000)),
    ({"hex": "00ff"}, b"\x00\xff"),
    ({"hex": ""}, b""),
]


@pytest.mark.parametrize(("stored", "expected"), _PAYLOADS, ids=["object", "text", "null", "huge", "bytes", "no bytes"])
def test_text_is_json_and_a_blob_is_bytes(queue: Queue, paths: WorkspacePaths, stored: Any, expected: Any) -> None:
    _elsewhere(paths.database, (_PUT, ["work", stored]))

    assert queue.get(block=False).payload == expected


_BAD: list[tuple[str, list[Any], str]] = [
    (_PUT, ["work", "{no json"], "payload is not JSON: Expecting property name"),
    (_PUT, ["work", "NaN"], "payload contains nan"),
    (_PUT, ["work", "[" * 300 + "]" * 300], "nested more than 200 levels"),
    (_PUT, ["work", "[" * 50_000 + "]" * 50_000], "nested more than 200 levels deep"),
    (_PUT, ["work", '"\\ud800"'], "lone surrogate"),
    (_PUT, ["work", 5], "payload is an INTEGER; TEXT is JSON, BLOB is bytes"),
    (_PUT, ["work", 0.5], "payload is a REAL"),
    (_PUT, ["work", None], "payload is NULL"),
    ("INSERT INTO pqdesk_put (queue, payload) VALUES (?, zeroblob(16777217))", ["work"], "the limit is 16,777,216"),
    ("INSERT INTO pqdesk_put (queue, payload) VALUES (?, zeroblob(100000000))", ["work"], "the limit is 16,777,216"),
    ("INSERT INTO pqdesk_put (queue, payload) VALUES (?, CAST(x'22ff22' AS TEXT))", ["work"], "not UTF-8 at byte 1"),
    (_PUT, ["", "1"], "queue must have 1 to 255 characters"),
    (_PUT, ["q" * 256, "1"], "queue must have 1 to 255 characters"),
    (
        "INSERT INTO pqdesk_put (queue, payload) VALUES (hex(zeroblob(10000000)), ?)",
        ["1"],
        "queue has 20,000,000 bytes",
    ),
    (_PUT, ["a\nb", "1"], "which a name cannot have"),
    (_PUT, [{"hex": "ff"}, "1"], "queue must be TEXT, got a BLOB"),
    ("INSERT INTO pqdesk_put (queue, payload) VALUES (CAST(x'ff' AS TEXT), ?)", ["1"], "queue is not UTF-8"),
    ("INSERT INTO pqdesk_put (queue, payload, priority) VALUES (?, ?, 'high')", ["work", "1"], "got a TEXT"),
    ("INSERT INTO pqdesk_put (queue, payload, priority) VALUES (?, ?, 9223372036854775807)", ["work", "1"], "priority"),
    ("INSERT INTO pqdesk_put (queue, payload, delay) VALUES (?, ?, -1)", ["work", "1"], "delay must be zero or more"),
    ("INSERT INTO pqdesk_put (queue, payload, delay) VALUES (?, ?, 9e999)", ["work", "1"], "at most 100 years"),
    ("INSERT INTO pqdesk_put (queue, payload, delay) VALUES (?, ?, 'soon')", ["work", "1"], "number of seconds"),
    (
        "INSERT INTO pqdesk_put (queue, payload, headers) VALUES (?, ?, '[1]')",
        ["work", "1"],
        "headers must be a mapping",
    ),
    ("INSERT INTO pqdesk_put (queue, payload, headers) VALUES (?, ?, '{')", ["work", "1"], "headers is not JSON"),
    ("INSERT INTO pqdesk_put (queue, payload, key) VALUES (?, ?, 'taken')", ["work", "1"], "'taken'"),
    ("INSERT INTO pqdesk_put (queue, payload, type) VALUES (?, ?, '')", ["work", "1"], "type must have"),
]


@pytest.mark.parametrize(("sql", "values", "reason"), _BAD, ids=[reason for *_, reason in _BAD])
def test_a_row_that_cannot_become_a_message_is_kept_with_the_reason_and_told_once(
    queue: Queue,
    paths: WorkspacePaths,
    caplog: pytest.LogCaptureFixture,
    sql: str,
    values: list[Any],
    reason: str,
) -> None:
    queue.put("holder", key="taken", delay=1000)
    _elsewhere(paths.database, (sql, values), (_PUT, ["work", '"good"']))

    with caplog.at_level(logging.WARNING):
        good = queue.get(block=False)
        queue.put("more")
        queue.get(block=False)

    assert good.payload == "good"
    [(row_id, refused)] = _rows(queue)
    assert (row_id, reason in refused, "\n" in refused) == (1, True, False)
    assert len([one for one in caplog.records if "row 1 of pqdesk_put" in one.message]) == 1


def test_a_row_without_a_queue_is_refused_to_the_program_itself(paths: WorkspacePaths, queue: Queue) -> None:
    program = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1]).execute("INSERT INTO pqdesk_put (payload) VALUES ('1')")
except sqlite3.IntegrityError as exc:
    print(exc)
"""
    assert "pqdesk_put.queue" in run_python(program, str(paths.database))


def test_a_corrected_row_is_tried_anew(queue: Queue, paths: WorkspacePaths) -> None:
    _elsewhere(paths.database, (_PUT, ["work", "{"]))
    assert queue.counts().total == 0
    with pytest.raises(Exception, match="no ready message"):
        queue.get(block=False)

    _elsewhere(paths.database, "UPDATE pqdesk_put SET payload = '{}', refused = NULL WHERE id = 1")

    assert queue.get(block=False).payload == {}


def test_refused_rows_can_be_seen(queue: Queue, paths: WorkspacePaths) -> None:
    _elsewhere(paths.database, (_PUT, ["work", "{"]), (_PUT, ["a\x1bb", "1"]))
    queue.put("x")
    queue.store._ingestion.take_in()  # type: ignore[attr-defined]

    inspection = open_inspection(paths)
    found = inspection.refused_puts()
    inspection.close()

    assert [(one.id, one.queue, one.reason[:19]) for one in found] == [
        (1, "work", "payload is not JSON"),
        (2, "a\x1bb", "queue 'a\\x1bb' has "),
    ]


def test_a_waiting_consumer_gets_it_within_a_second_or_so(queue: Queue, other: Queue, paths: WorkspacePaths) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", _SLEEPER, paths.root], stdout=subprocess.PIPE, text=True)
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "waits\n"

    _elsewhere(paths.database, (_PUT, ["work", '"from afar"']))

    assert sleeper.stdout.readline() == "from afar\n"
    sleeper.wait()
    sleeper.stdout.close()


_SLEEPER = """
import sys
from pqdesk import Queue
with Queue("work", workspace=sys.argv[1]) as queue:
    print("waits", flush=True)
    message = queue.get(timeout=30)
    message.ack()
    print(message.payload)
"""


def test_a_process_that_works_on_another_queue_takes_rows_in(queue: Queue, other: Queue, paths: WorkspacePaths) -> None:
    queue.put("long work")
    queue.get()

    _elsewhere(paths.database, (_PUT, ["elsewhere", '"x"']))

    wait_until(lambda: other.store.looking.counts("elsewhere").ready == 1, reason="the background thread to take it in")


def test_rows_are_taken_in_by_id_in_batches(queue: Queue, paths: WorkspacePaths) -> None:
    many = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO pqdesk_put (queue, payload) SELECT 'work', CAST(i AS TEXT) FROM n"""
    _elsewhere(paths.database, many)
    ingestion: Any = queue.store._ingestion  # type: ignore[attr-defined]

    taken = [ingestion.take_in() for _ in range(4)]

    assert taken == [1000, 1000, 500, 0]
    assert [queue.get().payload for _ in range(3)] == [1, 2, 3]
    assert queue.counts().total == 2500


def test_huge_rows_make_small_batches(queue: Queue, paths: WorkspacePaths) -> None:
    huge = "INSERT INTO pqdesk_put (queue, payload) VALUES ('work', zeroblob(9000000))"
    _elsewhere(paths.database, huge, huge, huge)
    ingestion: Any = queue.store._ingestion  # type: ignore[attr-defined]

    assert [ingestion.take_in() for _ in range(4)] == [1, 1, 1, 0]


def test_two_processes_take_each_row_in_once(
    queue: Queue, open_another: Callable[[], Store], paths: WorkspacePaths
) -> None:
    many = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO pqdesk_put (queue, payload, key) SELECT 'work', CAST(i AS TEXT), 'k' || i FROM n"""
    _elsewhere(paths.database, many)
    taker = f"""
from pqdesk import Workspace
with Workspace({str(paths.root)!r}) as workspace:
    while workspace.store._ingestion.take_in():
        pass
"""
    running = [subprocess.Popen([sys.executable, "-c", taker]) for _ in range(3)]

    assert [one.wait() for one in running] == [0, 0, 0]
    assert queue.counts().ready == 3000
    assert _rows(queue) == []


def test_a_max_size_does_not_lose_what_a_program_was_told_is_in(queue: Queue, paths: WorkspacePaths) -> None:
    queue.configure(max_size=1)

    _elsewhere(paths.database, *[(_PUT, ["work", str(number)]) for number in range(3)])

    assert [queue.get().payload for _ in range(3)] == [0, 1, 2]


def test_within_a_transaction_of_ours_rows_are_messages_at_its_commit(queue: Queue) -> None:
    with queue.transaction() as tx:
        first = queue.put("first", tx=tx)
        tx.execute(_PUT, ("work", '"second"'))
        tx.execute(_PUT, ("work", "{"))

    assert [one.id for one in queue.messages(state=State.READY)] == [first + 1, first]
    assert [row[0] for row in _rows(queue)] == [2]


def test_what_is_put_by_sql_counts_in_the_metrics(queue: Queue, paths: WorkspacePaths, clock: Any) -> None:
    _elsewhere(paths.database, (_PUT, ["work", "1"]), (_PUT, ["work", "2"]))
    queue.get().ack()
    clock.advance(5)
    queue.put("x")

    assert _rows(queue, "SELECT sum(count) FROM pqdesk_metric WHERE kind = 1") == [(3,)]


def test_it_works_in_a_database_of_the_application_too(tmp_path: Path) -> None:
    with Queue("work", database=tmp_path / "app.db") as queue:
        _elsewhere(tmp_path / "app.db", "CREATE TABLE mine (x)", (_PUT, ["work", "[1]"]))

        assert queue.get(block=False).payload == [1]


def test_rows_wait_while_nobody_is_there(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()

    _elsewhere(tmp_path / "w" / "queue.db", (_PUT, ["work", "1"]))

    with Workspace(tmp_path / "w") as workspace:
        assert workspace.queue("work").get(block=False).payload == 1


def test_jobs_run_although_the_clocks_of_the_program_and_of_the_workers_differ(
    queue: Queue, paths: WorkspacePaths, clock: Any
) -> None:
    clock.set_wall(-10 * 365 * 86_400)  # the program's clock, the machine's, is ten years ahead of this one
    _elsewhere(paths.database, "INSERT INTO pqdesk_put (queue, payload, delay) VALUES ('work', '1', 60)")
    ingestion: Any = queue.store._ingestion  # type: ignore[attr-defined]
    ingestion.take_in()
    assert queue.counts().scheduled == 1

    clock.advance(61)

    assert queue.get(block=False).payload == 1
