from __future__ import annotations

import pytest

from pqdesk import Busy, Queue
from pqdesk.storage.sqlite import connection


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
