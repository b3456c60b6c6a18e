"""Schedules stored in the file, and putting what is due by them.

A due time is put and passed in one transaction, which reads the row again first: so it is put once, however many
processes look.
"""

from __future__ import annotations

import logging

import apsw

from pqdesk.clock import to_datetime
from pqdesk.errors import Corrupt, DiskFull, DuplicateKey, Full, InvalidInput, NotFound
from pqdesk.messages.checks import decode_headers, encode_headers
from pqdesk.messages.records import ScheduleRecord
from pqdesk.messages.schedules import (
    DueRuns,
    Schedule,
    after_clock_was_set_us,
    check_missed,
    due_runs,
    make_schedule,
)
from pqdesk.storage.scheduling import NewSchedule
from pqdesk.storage.sqlite import schedule_rows
from pqdesk.storage.sqlite.calling import call
from pqdesk.storage.sqlite.connection import Row, Translating, all_rows, first_row, only_value
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.puts import Putting
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.sqlite.waiting import LONGEST_SLEEP_S, NEXT_RUN
from pqdesk.storage.values import EncodedPayload, NewMessage

_logger = logging.getLogger(__name__)

_AT_ONCE = 100  # schedules per look, so that leases are extended in between
_SET_BACK_US = 1_000_000  # the wall clock is slewed by less all the time

_COLUMNS = ", ".join(schedule_rows.COLUMNS)
_ONE = f"SELECT {schedule_rows.READ} FROM pqdesk_schedule WHERE name = ?"
_DUE_ROW = f"SELECT {schedule_rows.READ} FROM pqdesk_schedule WHERE id = ? AND next_us IS NOT NULL AND next_us <= ?"
_DUE = """
    SELECT id FROM pqdesk_schedule INDEXED BY pqdesk_schedule_next
     WHERE next_us IS NOT NULL AND next_us <= ? ORDER BY next_us LIMIT ?"""
_PLANNED = f"SELECT id, {schedule_rows.READ} FROM pqdesk_schedule WHERE next_us IS NOT NULL"
_ADD = f"""
    INSERT INTO pqdesk_schedule ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, 0)
    ON CONFLICT (name) DO NOTHING"""
_REMOVE = "DELETE FROM pqdesk_schedule WHERE name = ?"
_ENABLE = "UPDATE pqdesk_schedule SET is_enabled = ?, next_us = ? WHERE name = ?"
_PASS = """
    UPDATE pqdesk_schedule SET next_us = ?2, last_us = coalesce(?3, last_us),
           last_message_id = coalesce(?4, last_message_id), skipped = skipped + ?5
     WHERE id = ?1"""
_PUT_NOW = "UPDATE pqdesk_schedule SET last_message_id = ? WHERE name = ?"
_MOVE = "UPDATE pqdesk_schedule SET next_us = ?2 WHERE id = ?1"


class SqliteScheduling:
    """See `storage.scheduling.Scheduling`; `run_due` is for the background thread."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine, self._clock, self._ledger = engine, engine.clock, ledger
        self._space = SpaceReserve(engine.path, engine.clock)
        self._offset_us: int | None = None  # wall time less awake time, when last looked at
        self._troubled: dict[int, str] = {}  # what was told of a schedule that cannot be run

    # --- keeping ----------------------------------------------------------------------------------

    @call
    def all(self) -> tuple[ScheduleRecord, ...]:
        with self._engine.locked() as db, Translating(self._engine.path):
            return schedule_rows.read_schedules(db)

    @call
    def add(self, new: NewSchedule) -> ScheduleRecord:
        schedule = make_schedule(new.every_us, new.cron, new.timezone)
        message = new.message
        with self._engine.writing() as db:
            self._ledger.refuse(db, "scheduled")
            now_us = self._clock.wall_us()
            next_us = schedule.first_us(now_us) if new.is_enabled else None
            db.execute(
                _ADD,
                (
                    new.name, message.queue, message.type, message.priority, message.group, message.key,
                    message.max_attempts, message.headers, message.payload.kind, message.payload.data, new.every_us,
                    new.cron, new.timezone, new.missed, new.is_enabled, now_us, next_us,
                ),
            )  # fmt: skip
            if not db.changes():
                raise InvalidInput(f"there is a schedule {new.name!r} already; remove it first, or take another name")
            record = schedule_rows.record(_found(db, new.name))
            self._ledger.add(db, schedule_rows.added(record, now_us))
        self._engine.flush()
        return record

    @call
    def remove(self, name: str) -> ScheduleRecord:
        with self._engine.writing() as db:
            self._ledger.refuse(db, "removed")
            record = schedule_rows.record(_found(db, name))
            self._ledger.add(db, schedule_rows.removed(db, record))
            db.execute(_REMOVE, (name,))
        self._engine.flush()
        return record

    @call
    def enable(self, name: str, is_enabled: bool) -> ScheduleRecord:
        with self._engine.writing() as db:
            self._ledger.refuse(db, "switched")
            record = schedule_rows.record(_found(db, name))
            if record.is_enabled != is_enabled or (is_enabled and record.next_at is None):
                next_us = _schedule_of(record).first_us(self._clock.wall_us()) if is_enabled else None
                self._ledger.add(db, schedule_rows.switched(db, record, is_enabled))
                db.execute(_ENABLE, (is_enabled, next_us, name))
            record = schedule_rows.record(_found(db, name))
        self._engine.flush()
        return record

    @call
    def run_now(self, name: str) -> int:
        engine = self._engine
        with engine.writing() as db:
            self._ledger.refuse(db, "put")
            now_us = self._clock.wall_us()
            putting = Putting(db, now_us)
            message_id = putting.add(_message(_found(db, name), now_us))
            db.execute(_PUT_NOW, (message_id, name))
            queues = putting.finish(engine.metrics)
        engine.ring(queues)
        engine.flush()
        return message_id

    # --- running ----------------------------------------------------------------------------------

    def run_due(self) -> float:
        """Put what is due; returns seconds until something is due again, at most 1. With the engine's lock held.

        Not flushed: should the power take it, it is due again.
        """
        engine = self._engine
        with Translating(engine.path):
            next_us = only_value(engine.db, NEXT_RUN)
            if next_us is None:
                return LONGEST_SLEEP_S
            now_us = self._clock.wall_us()
            if self._was_set_back(now_us):
                self._plan_anew(now_us)
                next_us = only_value(engine.db, NEXT_RUN)
            due = [row[0] for row in all_rows(engine.db, _DUE, (now_us, _AT_ONCE))] if next_us <= now_us else []
        for schedule_id in due:
            self._run(schedule_id, now_us)
        if due:
            with Translating(engine.path):
                next_us = only_value(engine.db, NEXT_RUN)
        left_s = LONGEST_SLEEP_S if next_us is None else (next_us - self._clock.wall_us()) / 1e6 + 0.001
        return min(LONGEST_SLEEP_S, left_s) if left_s > 0 or not self._troubled else LONGEST_SLEEP_S

    def _run(self, schedule_id: int, now_us: int) -> None:
        engine = self._engine
        try:
            with engine.writing() as db:
                row = first_row(db, _DUE_ROW, (schedule_id, now_us))
                queues = [] if row is None else self._put_due(db, schedule_id, schedule_rows.read(row), now_us)
            self._troubled.pop(schedule_id, None)
        except (Full, DiskFull, Corrupt) as exc:  # due until there is room; then it is late, as its policy has it
            self._tell(schedule_id, str(exc))
            return
        engine.ring(queues)

    def _put_due(self, db: apsw.Connection, schedule_id: int, row: Row, now_us: int) -> list[str]:
        """In a write transaction: put what is due by this row, and pass it. Returns the queues put to."""
        if not schedule_rows.is_sound(row):
            raise Corrupt(f"schedule {row[0]!r:.80} is damaged; remove it and add it anew")
        record = schedule_rows.record(row)
        try:
            due = due_runs(_schedule_of(record), check_missed(record.missed), _next_us(row), now_us)
        except InvalidInput as exc:  # its time zone is not on this machine
            _logger.warning("schedule %r stops, since its next run cannot be told: %s", record.name, exc)
            db.execute(_MOVE, (schedule_id, None))
            return []
        self._space.check(len(due.runs_us) * len(row[9]))
        putting = Putting(db, now_us)
        message_id, unput = self._put_each(putting, row, due)
        last_us = due.runs_us[-1] if due.runs_us else None
        db.execute(_PASS, (schedule_id, due.next_us, last_us, message_id, due.skipped + unput))
        if due.skipped:
            _logger.warning("schedule %r: %d runs were missed and are skipped", record.name, due.skipped)
        return putting.finish(self._engine.metrics)

    @staticmethod
    def _put_each(putting: Putting, row: Row, due: DueRuns) -> tuple[int | None, int]:
        """The id of the last message put, and how many were not, since the one before is not finished."""
        message_id, unput = None, 0
        for due_us in due.runs_us:
            try:
                message_id = putting.add(_message(row, due_us))
            except DuplicateKey:
                unput += 1
        return message_id, unput

    def _was_set_back(self, now_us: int) -> bool:
        """Whether the wall clock was, as far as this process knows: at its first look it may have been."""
        offset_us = now_us - self._clock.awake_ms() * 1000
        before_us, self._offset_us = self._offset_us, offset_us
        return before_us is None or offset_us < before_us - _SET_BACK_US

    def _plan_anew(self, now_us: int) -> None:
        for schedule_id, *values in all_rows(self._engine.db, _PLANNED):
            row = schedule_rows.read(tuple(values))
            if not schedule_rows.is_sound(row):
                continue
            record, next_us = schedule_rows.record(row), _next_us(row)
            try:
                planned_us = after_clock_was_set_us(_schedule_of(record), next_us, row[17], now_us)
            except InvalidInput:
                continue
            if planned_us != next_us:
                with self._engine.writing() as db:
                    db.execute(_MOVE, (schedule_id, planned_us))
                _logger.warning("schedule %r is planned anew, since the clock was set back", record.name)

    def _tell(self, schedule_id: int, problem: str) -> None:
        if self._troubled.get(schedule_id) != problem:
            _logger.warning("a schedule waits: %s", problem)
        self._troubled[schedule_id] = problem


def _found(db: apsw.Connection, name: str) -> Row:
    row = first_row(db, _ONE, (name,))
    if row is None:
        raise NotFound(f"there is no schedule {name!r}")
    return schedule_rows.read(row)


def _schedule_of(record: ScheduleRecord) -> Schedule:
    return make_schedule(None if record.every is None else round(record.every * 1e6), record.cron, record.timezone)


def _next_us(row: Row) -> int:
    next_us: int = row[16]
    return next_us


def _message(row: Row, due_us: int) -> NewMessage:
    """What a schedule puts for the due time `due_us`; two headers tell whose and which run it is."""
    name, queue, type_name, priority, group, key, max_attempts, headers, kind, data = row[:10]
    told = {"Schedule": name, "Scheduled-For": to_datetime(due_us).isoformat(timespec="seconds")}
    return NewMessage(
        queue=queue, payload=EncodedPayload(kind, data), type=type_name, priority=priority, group=group, key=key,
        max_attempts=max_attempts, headers=encode_headers(told | decode_headers(headers)),
    )  # fmt: skip
