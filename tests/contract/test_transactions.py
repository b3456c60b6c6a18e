"""Transactions of the caller's own: SQL, puts and settlements that commit together, or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pqdesk import DuplicateKey, Full, InvalidInput, LeaseLost, Outgoing, Queue, Workspace, WorkspaceError
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage import open_store
from pqdesk.storage.contract import Store
from pqdesk.storage.values import Settlement
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until

_RELEASED = Settlement(AttemptOutcome.RELEASED)


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Queue]:
    """A queue beside the tables of an application."""
    with Queue("work", database=tmp_path / "app.db") as queue:
        with queue.transaction() as tx:
            tx.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT NOT NULL CHECK (state <> ''))")
            tx.execute("INSERT INTO orders VALUES (1, 'new')")
        yield queue


class _UndoneError(Exception):
    pass


@contextmanager
def _rolled_back(queue: Queue) -> Iterator[Any]:
    """A transaction whose block raises at its end."""
    with suppress(_UndoneError), queue.transaction() as tx:
        yield tx
        raise _UndoneError


def _states(queue: Queue) -> list[Any]:
    with queue.transaction() as tx:
        return [row[0] for row in tx.execute("SELECT state FROM orders ORDER BY id")]


# --- together, or not at all ----------------------------------------------------------------------


def test_rows_puts_and_the_ack_commit_together(orders: Queue) -> None:
    first = orders.put({"order": 1})
    message = orders.get()

    with orders.transaction() as tx:
        tx.execute("UPDATE orders SET state = 'paid' WHERE id = ?", (message.payload["order"],))
        second = orders.put("receipt", tx=tx)
        third, fourth = orders.put_many(["a", Outgoing("b", queue="mail")], tx=tx)
        message.ack({"paid": True}, put=["thanks"], tx=tx)

    assert _states(orders) == ["paid"]
    assert orders.result(first) == {"paid": True}
    assert [one.id for one in orders.messages(state="ready")] == [fourth + 1, third, second]


def test_an_exception_undoes_all_of_it_and_the_message_is_still_in_hand(orders: Queue) -> None:
    message_id = orders.put("x")
    message = orders.get()

    with _rolled_back(orders) as tx:
        tx.execute("UPDATE orders SET state = 'paid'")
        orders.put("more", tx=tx)
        message.ack(put=["follow-up"], tx=tx)

    assert _states(orders) == ["new"]
    assert orders.counts().total == 1
    assert not message.is_settled
    message.ack("by hand")
    assert orders.result(message_id) == "by hand"


@pytest.mark.parametrize("verb", ["ack", "nack", "fail", "release"])
def test_every_settlement_may_be_part_of_it(orders: Queue, verb: str) -> None:
    message_id = orders.put("x")
    message = orders.get()
    after = {"ack": State.COMPLETED, "nack": State.RETRYING, "fail": State.FAILED, "release": State.READY}

    with _rolled_back(orders) as tx:
        getattr(message, verb)(*(["no"] if verb == "fail" else []), tx=tx)
    assert orders.message(message_id).state == State.RUNNING
    with orders.transaction() as tx:
        getattr(message, verb)(*(["no"] if verb == "fail" else []), tx=tx)

    assert orders.message(message_id).state == after[verb]


def test_after_a_rollback_the_with_block_of_the_message_settles_it(orders: Queue) -> None:
    message_id = orders.put("x")

    with suppress(RuntimeError), orders.get() as message, orders.transaction() as tx:
        message.ack(tx=tx)
        raise RuntimeError("the work failed")

    detail = orders.message(message_id)
    assert detail.state == State.RETRYING
    assert "the work failed" in (detail.error or "")


def test_a_loop_goes_on_after_acks_in_transactions(orders: Queue) -> None:
    orders.put_many(range(3))
    seen = []

    for message in orders:
        with orders.transaction() as tx:
            tx.execute("INSERT INTO orders VALUES (?, 'done')", (10 + message.payload,))
            message.ack(tx=tx)
        seen.append(message.payload)
        if len(seen) == 3:
            break

    assert (seen, orders.counts().completed) == ([0, 1, 2], 3)


def test_an_ack_moves_a_message_on_to_the_next_queue_or_not_at_all(orders: Queue) -> None:
    orders.put("x")
    message = orders.get()
    orders.put("other", key="taken")

    with pytest.raises(DuplicateKey):
        message.ack(put=[Outgoing("next", key="taken")])

    assert orders.counts().running == 1
    message.ack(put=[Outgoing("next", queue="second")])
    assert (orders.counts().completed, orders.store.looking.counts("second").ready) == (1, 1)


def test_a_key_in_use_leaves_the_rest_of_the_transaction_usable(orders: Queue) -> None:
    holder = orders.put("x", key="k")

    with orders.transaction() as tx:
        orders.put("before", tx=tx)
        with pytest.raises(DuplicateKey) as caught:
            orders.put_many([Outgoing("undone"), Outgoing("y", key="k")], tx=tx)
        orders.put("after", tx=tx)

    assert caught.value.message_id == holder
    assert [one.payload_preview for one in orders.messages()] == ["after", "before", "x"]


def test_a_put_in_a_transaction_never_blocks(orders: Queue) -> None:
    orders.configure(max_size=1)
    orders.put("x")

    with orders.transaction() as tx, pytest.raises(Full):
        orders.put("y", tx=tx, block=True, timeout=None)

    assert orders.counts().ready == 1


def test_a_lease_that_was_lost_is_told_inside_and_leaves_the_rest_usable(orders: Queue) -> None:
    orders.put("x")
    message = orders.get()
    orders.store.settle_receipt(message.id, message._claim.receipt, _RELEASED)

    with orders.transaction() as tx:
        with pytest.raises(LeaseLost):
            message.ack(tx=tx)
        orders.put("after", tx=tx)

    assert orders.counts().ready == 2


# --- whose it is ----------------------------------------------------------------------------------


def test_any_queue_of_the_file_takes_part_whatever_its_connection(orders: Queue, tmp_path: Path) -> None:
    with Queue("second", database=tmp_path / "app.db") as second:
        second.put("mine")
        message = second.get()

        with _rolled_back(orders) as tx:
            second.put("undone", tx=tx)
            message.ack(tx=tx)
        assert second.counts().running == 1
        with orders.transaction() as tx:
            second.put("done", tx=tx)
            message.ack(tx=tx)

        assert (second.counts().ready, second.counts().completed) == (1, 1)
        assert second.get(block=False).payload == "done"


def test_a_queue_of_another_file_does_not(orders: Queue, tmp_path: Path) -> None:
    with Queue("q", database=tmp_path / "other.db") as stranger, orders.transaction() as tx:
        with pytest.raises(InvalidInput, match="same file"):
            stranger.put("x", tx=tx)
        assert stranger.put("without tx, which is no call on this file") == 1


_CALLS: dict[str, Callable[[Queue], object]] = {
    "put": lambda queue: queue.put("x"),
    "put_many": lambda queue: queue.put_many(["x"]),
    "get": lambda queue: queue.get(block=False),
    "counts": lambda queue: queue.counts(),
    "messages": lambda queue: queue.messages(),
    "pause": lambda queue: queue.pause(),
    "configure": lambda queue: queue.configure(lease=5),
    "retry": lambda queue: queue.retry(1),
    "delete": lambda queue: queue.delete(where="state:ready"),
    "transaction": lambda queue: queue.transaction().__enter__(),
}


@pytest.mark.parametrize("name", _CALLS)
@pytest.mark.parametrize("is_other_connection", [False, True], ids=["same connection", "another connection"])
def test_a_call_of_that_thread_without_tx_is_refused(
    orders: Queue, tmp_path: Path, name: str, is_other_connection: bool
) -> None:
    with Queue("work", database=tmp_path / "app.db") as another:
        queue = another if is_other_connection else orders

        with orders.transaction() as tx:
            with pytest.raises(InvalidInput, match="transaction open"):
                _CALLS[name](queue)
            orders.put("still usable", tx=tx)

        assert queue.counts().ready == 1


def test_settling_and_closing_in_that_thread_without_tx_are_refused(orders: Queue, tmp_path: Path) -> None:
    orders.put("x")
    message = orders.get()
    with Queue("work", database=tmp_path / "app.db") as another, orders.transaction() as tx:
        for call in (message.ack, message.extend, orders.close, another.close):
            with pytest.raises(InvalidInput, match="transaction open"):
                call()
        message.ack(tx=tx)

    assert orders.counts().completed == 1


def test_other_threads_wait_for_its_end(orders: Queue, tmp_path: Path) -> None:
    ids: list[int] = []
    with Queue("work", database=tmp_path / "app.db") as another:
        threads = [threading.Thread(target=lambda one=one: ids.append(one.put("t"))) for one in (orders, another)]

        with orders.transaction() as tx:
            for thread in threads:
                thread.start()
            mine = orders.put("first", tx=tx)
            assert not ids
        for thread in threads:
            thread.join()

    assert sorted(ids) == [mine + 1, mine + 2]


def test_another_thread_may_not_use_it(orders: Queue) -> None:
    problems: list[Exception] = []

    def use(tx: Any) -> None:
        for call in (lambda: tx.execute("SELECT 1"), lambda: orders.put("x", tx=tx)):
            try:
                call()
            except InvalidInput as exc:
                problems.append(exc)

    with orders.transaction() as tx:
        thread = threading.Thread(target=use, args=(tx,))
        thread.start()
        thread.join()

    assert ["belongs to the thread" in str(one) for one in problems] == [True, True]


def test_after_its_end_it_is_refused(orders: Queue) -> None:
    with orders.transaction() as tx:
        pass

    for call in (lambda: tx.execute("SELECT 1"), lambda: orders.put("x", tx=tx)):
        with pytest.raises(InvalidInput, match="inside its `with` block"):
            call()
    with pytest.raises(InvalidInput, match="value of `with queue"):
        orders.put("x", tx="tx")  # type: ignore[arg-type]


def test_a_fork_inside_it_leaves_it_to_the_parent(orders: Queue, tmp_path: Path) -> None:
    answer, told = os.pipe()
    with orders.transaction() as tx:
        orders.put("x", tx=tx)
        child = os.fork()
        if child == 0:
            said = b""
            try:
                try:
                    tx.execute("SELECT 1")
                except WorkspaceError:
                    said += b"execute "
                try:
                    orders.put("y", tx=tx)
                except WorkspaceError:
                    said += b"put "
                try:
                    with orders.transaction():
                        pass
                except WorkspaceError:
                    said += b"transaction"
                os.write(told, said)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        orders.put("z", tx=tx)
    os.close(told)

    assert os.read(answer, 100) == b"execute put transaction"
    os.close(answer)
    assert orders.counts().ready == 2


_LEAVES_BLOCK_IN_CHILD = """
import os, sys
from pqdesk import Queue, WorkspaceError
queue = Queue("work", database=sys.argv[1])
child = None
try:
    with queue.transaction() as tx:
        queue.put("x", tx=tx)
        child = os.fork()
except WorkspaceError as exc:
    assert child == 0 and "before a fork" in str(exc), exc
    try:
        Queue("work", database=sys.argv[1])
    except WorkspaceError as own:
        assert "forked inside a transaction" in str(own), own
        os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(queue.counts().ready)
queue.close()
"""


def test_a_child_that_leaves_the_block_gets_an_error_and_ends_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LEAVES_BLOCK_IN_CHILD, str(tmp_path / "app.db")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("1\n", "")


# --- SQL ------------------------------------------------------------------------------------------

_REFUSED_SQL = [
    "UPDATE pqdesk_message SET priority = 9",
    "DELETE FROM pqdesk_message WHERE id = ?1",
    "INSERT INTO pqdesk_queue (name) VALUES ('q')",
    "INSERT INTO pqdesk_put (id, queue, payload) VALUES (1, 'q', '1') ON CONFLICT (id) DO UPDATE SET type = 'x'",
    "UPDATE pqdesk_put SET refused = NULL",
    "DELETE FROM pqdesk_put",
    "DROP TABLE pqdesk_put",
    "ALTER TABLE pqdesk_message ADD COLUMN mine TEXT",
    "ALTER TABLE orders RENAME TO pqdesk_orders",
    "CREATE INDEX mine ON pqdesk_message (priority)",
    "CREATE TRIGGER mine AFTER INSERT ON pqdesk_message BEGIN SELECT 1; END",
    "CREATE TEMP TRIGGER mine AFTER INSERT ON pqdesk_message BEGIN SELECT 1; END",
    "CREATE TABLE pqdesk_mine (x)",
    "CREATE TEMP TABLE pqdesk_message (x)",
    "DROP INDEX pqdesk_claimable",
    "REINDEX pqdesk_claimable",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE pqdesk",
    "ATTACH ':memory:' AS m",
    "PRAGMA synchronous = OFF",
    "PRAGMA user_version",
    "SELECT * FROM pragma_user_version",
    "SELECT 1; DELETE FROM pqdesk_message",
]


@pytest.mark.parametrize("sql", _REFUSED_SQL)
def test_sql_on_what_is_pqdesks_is_refused_and_the_transaction_goes_on(orders: Queue, sql: str) -> None:
    orders.put("x")

    with orders.transaction() as tx:
        with pytest.raises(InvalidInput, match="not allowed in a transaction") as caught:
            tx.execute(sql)
        tx.execute("UPDATE orders SET state = 'after'")

    assert "\n" not in str(caught.value)
    assert _states(orders) == ["after"]
    assert orders.counts().ready == 1


def test_a_statement_that_pqdesk_has_compiled_before_is_judged_all_the_same(orders: Queue) -> None:
    orders.put("x")
    message = orders.get()
    ours = "UPDATE pqdesk_queue SET is_paused = ? WHERE id = ?"
    orders.pause()

    with orders.transaction() as tx, pytest.raises(InvalidInput, match="pqdesk_queue"):
        tx.execute(ours, (0, 1))

    message.ack()
    assert orders.paused


_WRONG_SQL = [
    ("INSERT INTO orders VALUES (1, 'twice')", (), "UNIQUE constraint failed: orders.id"),
    ("INSERT INTO orders VALUES (2, '')", (), "CHECK constraint failed"),
    ("SELEC 1", (), 'near "SELEC": syntax error'),
    ("SELECT * FROM missing", (), "no such table: missing"),
    ("SELECT ?", (), "bindings"),
    ("SELECT ?", (object(),), "object"),
    ("SELECT ?", (1 << 70,), "OverflowError|too large|too big"),
    ("VACUUM", (), "cannot VACUUM"),
    ("INSERT INTO pqdesk_put (queue, payload) VALUES (NULL, '1')", (), "NOT NULL constraint failed: pqdesk_put.queue"),
]


@pytest.mark.parametrize(("sql", "bindings", "words"), _WRONG_SQL, ids=[sql for sql, _, _ in _WRONG_SQL])
def test_a_mistake_in_sql_has_sqlites_words_and_undoes_that_statement_alone(
    orders: Queue, sql: str, bindings: tuple[Any, ...], words: str
) -> None:
    with orders.transaction() as tx:
        orders.put("before", tx=tx)
        with pytest.raises(InvalidInput, match=words) as caught:
            tx.execute(sql, bindings)
        tx.execute("UPDATE orders SET state = 'after'")

    assert "\n" not in str(caught.value)
    assert (_states(orders), orders.counts().ready) == (["after"], 1)


@pytest.mark.parametrize("is_caught", [True, False], ids=["caught", "let out"])
def test_where_sqlite_rolls_all_back_nothing_of_it_is_done(orders: Queue, is_caught: bool) -> None:
    orders.put("x")
    message = orders.get()

    with pytest.raises(InvalidInput, match="rolled"), orders.transaction() as tx:  # noqa: PT012
        message.ack(tx=tx)
        orders.put("undone", tx=tx)
        try:
            tx.execute("INSERT OR ROLLBACK INTO orders VALUES (1, 'twice')")
        except InvalidInput:
            if not is_caught:
                raise
            with pytest.raises(InvalidInput, match="rolled this transaction back"):
                orders.put("into nothing", tx=tx)

    assert (orders.counts().running, orders.counts().ready) == (1, 0)
    message.ack()


def test_rows_can_be_read_and_written_with_names(orders: Queue) -> None:
    with orders.transaction() as tx:
        tx.execute("INSERT INTO orders VALUES (:id, :state)", {"id": 2, "state": "named"})
        rows = tx.execute("WITH n AS (SELECT 1 AS x) SELECT id, state, x FROM orders, n ORDER BY id")
        ready = tx.execute("SELECT ready FROM pqdesk_queue")

    assert rows == [(1, "new", 1), (2, "named", 1)]
    assert ready in ([], [(0,)])


def test_an_applications_tables_may_live_in_a_workspaces_file_too(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        with queue.transaction() as tx:
            tx.execute("CREATE TABLE paid (id INTEGER PRIMARY KEY)")
            tx.execute("CREATE INDEX paid_again ON paid (id)")
            tx.execute("INSERT INTO paid VALUES (7)")
            queue.put("x", tx=tx)
            for sql in ("CREATE TRIGGER t AFTER INSERT ON paid BEGIN SELECT 1; END", "CREATE VIEW v AS SELECT 1"):
                with pytest.raises(InvalidInput, match="triggers, views"):
                    tx.execute(sql)

    with Workspace(tmp_path / "w") as again, again.queue("q").transaction() as tx:
        assert tx.execute("SELECT id FROM paid") == [(7,)]


def test_a_trigger_of_the_application_runs_and_may_put(orders: Queue) -> None:
    trigger = """
        CREATE TRIGGER paid AFTER UPDATE ON orders WHEN new.state = 'paid'
        BEGIN INSERT INTO pqdesk_put (queue, payload) VALUES ('mail', json_object('order', new.id)); END"""

    with orders.transaction() as tx:
        tx.execute(trigger)
        tx.execute("UPDATE orders SET state = 'paid'")

    with Queue("mail", database=engines.database(orders)) as mail:
        assert mail.get(block=False).payload == {"order": 1}


def test_a_trigger_that_changes_what_is_pqdesks_is_refused(orders: Queue) -> None:
    with orders.transaction() as tx:
        tx.execute("CREATE TRIGGER bad AFTER UPDATE ON orders BEGIN DELETE FROM pqdesk_message; END")
        with pytest.raises(InvalidInput, match="pqdesk_message"):
            tx.execute("UPDATE orders SET state = 'paid'")
        tx.execute("DROP TRIGGER bad")


def test_pqdesks_statements_go_on_after_sql_that_changes_the_schema(orders: Queue) -> None:
    message_id = orders.put("before")
    with orders.transaction() as tx:
        tx.execute("CREATE TABLE more (x)")
        orders.put("inside", tx=tx)
        tx.execute("ALTER TABLE more ADD COLUMN y")

    assert orders.put("after") == message_id + 2
    assert [orders.get().payload for _ in range(3)] == ["before", "inside", "after"]


# --- what others notice ---------------------------------------------------------------------------


def test_what_was_rolled_back_rings_no_bell_and_counts_in_no_metrics(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    rung = engines.listen_to_bells(queue)
    queue.put("seen")
    held = queue.get()
    rung.clear()

    with _rolled_back(queue) as tx:
        queue.put_many(["a", "b"], tx=tx)
        other.put("c", tx=tx)
        held.ack(put=["d"], tx=tx)
    assert rung == []
    with queue.transaction() as tx:
        queue.put("e", tx=tx)
        assert rung == []

    assert rung == ["work"]
    queue.put("f")
    engines.write_metrics(queue)
    with queue.transaction() as tx:
        rows = tx.execute("SELECT kind, sum(count) FROM pqdesk_metric GROUP BY kind")
    assert dict(rows).get(1) == 3
    assert 2 not in dict(rows)


def test_a_follow_up_that_is_refused_counts_no_completion(queue: Queue, clock: MovableClock) -> None:
    queue.put("holder", key="k")
    held = queue.get()

    with pytest.raises(DuplicateKey):
        held.ack(put=[Outgoing("x", key="fresh"), Outgoing("y", key="fresh")])
    clock.advance(5)
    queue.put("z")

    with queue.transaction() as tx:
        assert tx.execute("SELECT count(*) FROM pqdesk_metric WHERE kind = 2") == [(0,)]
    held.ack()


def test_a_waiting_consumer_wakes_at_the_commit(queue: Queue, other: Queue) -> None:
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(other.get(timeout=20).payload))
    thread.start()

    with queue.transaction() as tx:
        queue.put("x", tx=tx)
        assert not got
    thread.join()

    assert got == ["x"]


def test_one_that_promises_power_loss_safety_makes_the_whole_commit_safe(tmp_path: Path) -> None:
    with (
        Queue("q", database=tmp_path / "app.db", durability="relaxed") as relaxed,
        Queue("q", database=tmp_path / "app.db") as full,
    ):
        flushed = engines.listen_to_flushes(relaxed)
        with relaxed.transaction() as tx:
            relaxed.put("x", tx=tx)
        assert not flushed
        with relaxed.transaction() as tx:
            full.put("y", tx=tx)

    assert flushed


_KILLED_INSIDE = """
import os, signal, sys
from pqdesk import Queue
from tests.contract import engines
queue = Queue("work", database=sys.argv[1])
message = queue.get()
with queue.transaction() as tx:
    tx.execute("UPDATE orders SET state = 'paid'")
    queue.put("more", tx=tx)
    message.ack(tx=tx)
    print("inside", flush=True)
    signal.pause()
"""


def test_kill_9_inside_leaves_nothing_of_it(orders: Queue, tmp_path: Path) -> None:
    orders.put("x")
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED_INSIDE, str(tmp_path / "app.db")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "inside\n"

    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    message = orders.get(timeout=20)
    assert (message.payload, message.attempt) == ("x", 2)
    assert (_states(orders), orders.counts().total) == (["new"], 1)


def test_a_workspace_store_of_its_own_takes_part(tmp_path: Path, clock: MovableClock) -> None:
    with Workspace(tmp_path / "w") as workspace, Queue("b", workspace=tmp_path / "w") as second:
        first = workspace.queue("a")
        with first.transaction() as tx:
            first.put(1, tx=tx)
            second.put(2, tx=tx)

        assert workspace.counts().ready == 2
        store = open_store(workspace.paths, clock=clock)
        assert wait_until(lambda: store.looking.counts("b").ready == 1)
        store.close()


def test_a_send_reported_as_failed_though_the_row_was_committed_is_repeated_without_a_duplicate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Queue("work", database=tmp_path / "app.db") as broken:
        broken.put("warm up")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", fail)
            with pytest.raises(WorkspaceError, match="flushing"):
                broken.put("once", key="order-1")

    with Queue("work", database=tmp_path / "app.db") as queue:
        with pytest.raises(DuplicateKey):
            queue.put("once", key="order-1")
        assert queue.put("once", key="order-1", on_conflict="keep") == 2
        assert queue.counts().ready == 2


def test_a_closed_queue_joins_no_transaction(
    queue: Queue, open_another: Callable[[], Store], clock: MovableClock
) -> None:
    closed = Queue.over(open_another(), "work", clock)
    closed.store.close()

    with queue.transaction() as tx, pytest.raises(WorkspaceError, match="closed"):
        closed.put("one", tx=tx)
