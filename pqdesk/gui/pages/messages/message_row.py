"""One row of the message table, ready to be painted: the delegate and the model read it and compute nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pqdesk.gui.pages.messages.columns import Column, cell_text, changes_with_time
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.states import State


class MessageRow:
    """A message and the texts of its cells, made when first asked for and kept.

    Rows are replaced, never changed, except for the texts that time changes.

    Attributes:
        gone_ms: The moment (awake time) from which on it no longer matched the filter; None while it does.
    """

    __slots__ = ("_now", "_texts", "gone_ms", "id", "record", "state")

    def __init__(self, record: MessageRecord, gone_ms: int | None = None) -> None:
        self.record = record
        self.id = record.id
        self.state: State = record.state
        self.gone_ms = gone_ms
        self._texts: dict[Column, str] = {}
        self._now: datetime | None = None

    def text(self, column: Column, now: datetime) -> str:
        """What the cell shows at `now`."""
        if now is not self._now:  # a new look at the clock; only texts that depend on it are made again
            for one in [one for one in self._texts if changes_with_time(self.record, one)]:
                del self._texts[one]
            self._now = now
        text = self._texts.get(column)
        if text is None:
            text = self._texts[column] = cell_text(self.record, column, now)
        return text


def reuse_rows(old: Iterable[MessageRow], records: Sequence[MessageRecord]) -> list[MessageRow]:
    """A row for each record: the one of `old` where it says the same, so that it need not be painted again."""
    known = {row.id: row for row in old}
    rows = []
    for record in records:
        row = known.get(record.id)
        if row is None or row.gone_ms is not None or row.record != record:
            row = MessageRow(record)
        rows.append(row)
    return rows
