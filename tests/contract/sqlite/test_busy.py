from __future__ import annotations

import threading

import apsw
import pytest

from pqdesk import Busy, Queue
from pqdesk.messages.states import State
from pqdesk.storage.sqlite import connection
from tests.contract import engines


def test_a_file_held_for_too_long_is_busy_and_nothing_changes(
    queue: Queue, other: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.put("first")
    monkeypatch.setattr(connection, "BUSY_DEADLINE_S", 0.1)
    db = other.store._engine.db  # type: ignore[attr-defined]
    db.execute("BEGIN IMMEDIATE")

    with pytest.raises(Busy, match="nothing changed, try again"):
        queue.put("second")
    db.execute("ROLLBACK")

    assert queue.put("third") > 1
    assert queue.counts().ready == 2


def test_a_completion_waits_for_a_busy_file_and_is_not_lost(queue: Queue) -> None:
    """As in mydia 283."""
    message_id = queue.put("x")
    message = queue.get(block=False)
    holder = apsw.Connection(str(engines.database(queue)))
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: holder.execute("COMMIT")).start()

    message.ack()

    assert queue.message(message_id).state == State.COMPLETED
    holder.close()
