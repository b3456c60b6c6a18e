"""Tables of records: a new one is a list of RecordColumns, and records handed to `RecordTable.show_records`.

columns  what a column shows, how wide it is, how it looks (no widgets)
rows     a record with its texts, and the smallest set of changes from one list of rows to the next (no Qt)
model    the rows as Qt's views see them, merged by id, never reset
delegate draws cells; layout decides which columns there are and how wide
selected which records are selected, by id
table    the view that joins them; it keeps its place, and holds rows back while somebody aims at them
"""

from __future__ import annotations

from pqdesk.gui.records.columns import Grows, RecordColumn
from pqdesk.gui.records.model import RecordModel
from pqdesk.gui.records.table import RecordTable

__all__ = ["Grows", "RecordColumn", "RecordModel", "RecordTable"]
