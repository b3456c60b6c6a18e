"""What SQLite runs while a block runs, as it tells itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw


@contextmanager
def traced(
    store: Any, note: Callable[[dict[str, Any]], object], mask: int = apsw.SQLITE_TRACE_PROFILE
) -> Iterator[None]:
    """Call `note` for each statement of the store's own connection, which its keeper uses, too: hence the lock."""
    engine = store._engine
    with engine.lock:
        engine.db.trace_v2(mask, note)
    try:
        yield
    finally:
        with engine.lock:
            engine.db.trace_v2(0, None)


@contextmanager
def counted_steps(store: Any, counted: dict[str, int]) -> Iterator[None]:
    """The VM steps of the dearest run of every statement in the block, by its SQL."""

    def note(event: dict[str, Any]) -> None:
        if "pqdesk_metric" not in event["sql"]:  # written once a second, whatever is done
            counted[event["sql"]] = max(counted.get(event["sql"], 0), steps_of(event))

    with traced(store, note):
        yield


def steps_of(event: dict[str, Any]) -> int:
    return int(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
