"""Messages in and out per second, from the differences of the counts."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.gui.threads.reader import Reader
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.services.rates import BIN_S, RateMeter


class Throughput(QObject):
    """Counts on while the workspace is open, whatever page is shown.

    Signals:
        changed: Every BIN_S seconds.
    """

    changed = Signal()

    def __init__(self, reader: Reader, clock: Clock) -> None:
        super().__init__()
        self._clock, self._meter = clock, RateMeter()
        self._counts: Counts | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_due)
        self._timer.start(int(BIN_S * 1000))
        reader.counts_loaded.connect(self._on_counts_loaded)

    @property
    def series(self) -> tuple[list[float], list[float]]:
        """As the meter has it."""
        return self._meter.series(self._now_s())

    @property
    def average(self) -> tuple[float, float]:
        """As the meter has it."""
        return self._meter.average(self._now_s())[:2]

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._counts = sum((one.counts for one in queues), Counts())
        self._meter.observe(self._counts, self._now_s())

    @Slot()
    def _on_due(self) -> None:
        if self._counts is not None:
            self._meter.observe(self._counts, self._now_s())  # no news is a rate of nothing
        self.changed.emit()

    def _now_s(self) -> float:
        return self._clock.awake_ms() / 1000
