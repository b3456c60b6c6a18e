"""The messages as rows of a table, newest first."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QObject

from pqdesk.gui.pages.messages.columns import COLUMNS, Column, phrase
from pqdesk.gui.records import RecordModel
from pqdesk.messages.records import MessageRecord


class MessageTableModel(RecordModel[MessageRecord]):
    """A window of message rows; one column per Column."""

    def __init__(self, now: datetime, parent: QObject | None = None) -> None:
        """`now` is the moment that relative times refer to, until `tick`."""
        heading = (Column.STATE, Column.ID, Column.TYPE)
        super().__init__(COLUMNS, lambda record: record.id, phrase=phrase, heading=heading, now=now, parent=parent)
