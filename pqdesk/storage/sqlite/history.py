"""Keeping small what outlives the messages: minutes of metrics become hours, errors that nobody has are forgotten."""

from __future__ import annotations

from pathlib import Path

import apsw

from pqdesk.clock import Clock
from pqdesk.storage.sqlite.connection import Translating, WriteTransaction
from pqdesk.storage.sqlite.errors import forget_old_errors, old_errors
from pqdesk.storage.sqlite.metric_rows import has_old_metrics, tidy_metrics


class HistoryKeeper:
    """Does one small step at a time. Whoever calls it holds the connection's lock."""

    def __init__(self, db: apsw.Connection, path: Path, clock: Clock) -> None:
        self._db, self._path, self._clock = db, path, clock
        self._after_error = 0  # kinds of errors are gone through in rounds

    def tidy(self) -> None:
        now_us = self._clock.wall_us()
        with Translating(self._path):
            old, self._after_error = old_errors(self._db, now_us, self._after_error)
            has_old = has_old_metrics(self._db, now_us // 1_000_000)
        if old or has_old:
            with WriteTransaction(self._db, self._path):
                forget_old_errors(self._db, old)
                tidy_metrics(self._db, now_us // 1_000_000)
