"""Works out again and again what needs a person, in a thread of its own, and tells when that has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.errors import PQDeskError
from pqdesk.messages.records import QueueRecord
from pqdesk.paths import WorkspacePaths
from pqdesk.services.health import Health, health_of, look
from pqdesk.services.rates import RateMeter
from pqdesk.storage.looking import Inspection
from pqdesk.supervision.records import SupervisionStatus

_log = logging.getLogger(__name__)

_EVERY_MS = 1_000  # at most so often, and as often without news: messages grow old by themselves
_REST_MS = 5_000


class HealthWatch(QObject):
    """Of one place. What the reader and supervisord's link have found comes in by its slots.

    Signals:
        health_changed: The Health, when it is another one than before.
    """

    health_changed = Signal(object)

    def __init__(self, paths: WorkspacePaths, open_inspection: Callable[[], Inspection | None], clock: Clock) -> None:
        super().__init__()
        self._paths, self._open, self._clock = paths, open_inspection, clock
        self._status: SupervisionStatus | None = None
        self._meters: dict[str, RateMeter] = {}
        self._health: Health | None = None
        self._timer: QTimer | None = None

    @Slot()
    def begin(self) -> None:
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_due)
        self._timer.start(0)

    @Slot()
    def finish(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    @Slot(object)
    def take_counts(self, queues: tuple[QueueRecord, ...]) -> None:
        now_s = self._now_s()
        for one in queues:
            self._meters.setdefault(one.name, RateMeter()).observe(one.counts, now_s)
        self._hasten()

    @Slot(object)
    def take_status(self, status: SupervisionStatus) -> None:
        self._status = status
        self._hasten()

    def _hasten(self) -> None:
        if self._timer is not None and self._timer.remainingTime() > _EVERY_MS:
            self._timer.start(_EVERY_MS)

    def _on_due(self) -> None:
        if self._status is not None:
            self._look(self._status)
        if self._timer is not None:
            self._timer.start(_REST_MS if self._health is not None else _EVERY_MS)

    def _look(self, status: SupervisionStatus) -> None:
        now_s = self._now_s()
        moving = [name for name, meter in self._meters.items() if meter.average(now_s)[1] > 0]
        inspection = None
        try:
            inspection = self._open()
            health = health_of(look(self._paths, inspection, status=status, moving=moving))
        except (PQDeskError, OSError) as exc:
            # not exc, whose frames hold the connection; the reader tells, as far as it is the file
            _log.info("what needs a person is not known now: %s", str(exc))
            return
        finally:
            if inspection is not None:
                with suppress(PQDeskError):
                    inspection.close()
        if health != self._health:
            self._health = health
            self.health_changed.emit(health)

    def _now_s(self) -> float:
        return self._clock.awake_ms() / 1000
