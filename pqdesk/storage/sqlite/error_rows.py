"""The rows of pqdesk_error as records."""

from __future__ import annotations

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.looking import ErrorRecord
from pqdesk.storage.sqlite.connection import all_rows

_MOST_LISTED = 1000

_LIST = """
    SELECT e.id, q.name, e.type, e.message, e.first_us, e.last_us, e.count,
           (SELECT max(m.id) FROM pqdesk_message m INDEXED BY pqdesk_error_of
             WHERE m.error_id = e.id AND m.error_id IS NOT NULL)
      FROM pqdesk_error e JOIN pqdesk_queue q ON q.id = e.queue_id
     WHERE ?1 IS NULL OR q.name = ?1 ORDER BY e.last_us DESC, e.id DESC LIMIT ?2"""


def read_errors(db: apsw.Connection, queue: str | None) -> tuple[ErrorRecord, ...]:
    """See `Looking.errors`."""
    return tuple(
        ErrorRecord(
            id=error_id, queue=name, type=type_name, message=message, first_at=to_datetime(first_us),
            last_at=to_datetime(last_us), count=count, example_id=example_id,
        )
        for error_id, name, type_name, message, first_us, last_us, count, example_id in all_rows(
            db, _LIST, (queue, _MOST_LISTED)
        )
    )  # fmt: skip
