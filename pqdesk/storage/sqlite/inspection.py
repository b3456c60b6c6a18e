"""Looking at a queue file over a connection of its own, in short reads: a long reader keeps the WAL from shrinking."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial
from operator import index
from random import Random
from typing import Any, TypeVar

import apsw

from pqdesk.clock import Clock, from_datetime, to_datetime
from pqdesk.errors import Busy, NotFound
from pqdesk.messages.activities import ActivityRecord, Undoable, VersionRecord
from pqdesk.messages.looking import CappedCounts, ErrorRecord, MetricRecord, Names, Reason, SearchSlice
from pqdesk.messages.records import (
    Counts,
    MessageDetail,
    MessageRecord,
    QueueConfiguration,
    QueueRecord,
    RefusedPut,
    ScheduleRecord,
)
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage.looking import COUNTED_IDS, SLICE_IDS, PageRequest
from pqdesk.storage.sqlite import pages
from pqdesk.storage.sqlite.activity import newest_of, read_activities
from pqdesk.storage.sqlite.configuration import read_configuration
from pqdesk.storage.sqlite.connection import (
    ReadTransaction,
    Row,
    Translating,
    all_rows,
    connect,
    first_row,
    let_go,
    only_value,
)
from pqdesk.storage.sqlite.editing import read_versions
from pqdesk.storage.sqlite.error_rows import read_errors
from pqdesk.storage.sqlite.explaining import explain, served_queues
from pqdesk.storage.sqlite.files import Location, check_file, check_place
from pqdesk.storage.sqlite.listing import Finder
from pqdesk.storage.sqlite.look_only import is_look_only
from pqdesk.storage.sqlite.metric_rows import read_metrics
from pqdesk.storage.sqlite.migrations import is_made, leave_no_log, let_go_untouched, refuse_other_program
from pqdesk.storage.sqlite.naming import oldest_ready, read_names
from pqdesk.storage.sqlite.queue_rows import find_queue
from pqdesk.storage.sqlite.rows import (
    OWN_MAX_ATTEMPTS,
    PAYLOAD_KIND,
    attempt_record,
    current_attempt,
    find_message,
    shown_headers,
    shown_payload,
    shown_text,
)

T = TypeVar("T")

_QUEUES = """
    SELECT id, name, is_paused, wake_us, scheduled, ready, running, retrying, completed, failed, cancelled
      FROM pqdesk_queue
     WHERE (?1 IS NULL OR name = ?1)
           AND (NOT is_removed OR scheduled + ready + running + retrying + completed + failed + cancelled)
     ORDER BY name"""
_DUE = """
    SELECT state, count(*) FROM pqdesk_message INDEXED BY pqdesk_due
     WHERE queue_id = ? AND state IN (1, 4) AND due_us <= ? GROUP BY state"""
_WHOLE = """
    SELECT CAST(coalesce(m.payload, p.payload) AS BLOB), CAST(m.headers AS BLOB), CAST(r.kind AS INTEGER),
           CAST(r.result AS BLOB)
      FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id LEFT JOIN pqdesk_result r ON r.id = m.id
     WHERE m.id = ?"""
_HISTORY = """
    SELECT CAST(progress AS REAL), CAST(progress_note AS BLOB), CAST(copy_of AS INTEGER),
           1 + (SELECT count(*) FROM pqdesk_version v WHERE v.message_id = m.id),
           (SELECT CAST(until_us AS INTEGER) FROM pqdesk_unique u
             WHERE u.queue_id = m.queue_id AND u.key = m.key AND u.message_id = m.id)
      FROM pqdesk_message m WHERE m.id = ?"""
_ATTEMPTS = """
    SELECT CAST(a.attempt AS INTEGER), CAST(o.name AS BLOB), CAST(a.started_us AS INTEGER),
           CAST(a.ended_us AS INTEGER), CAST(a.outcome AS INTEGER), CAST(a.error AS BLOB)
      FROM pqdesk_attempt a LEFT JOIN pqdesk_owner o ON o.id = a.owner_id WHERE a.message_id = ? ORDER BY a.attempt"""
_RUNNING = """
    SELECT o.pid, o.name, m.id FROM pqdesk_message m INDEXED BY pqdesk_running JOIN pqdesk_owner o ON o.id = m.owner_id
     WHERE m.state = 3 LIMIT 10000"""
_REFUSED = """
    SELECT id, CAST(substr(queue, 1, 255) AS BLOB), CAST(substr(refused, 1, 1000) AS BLOB) FROM pqdesk_put
     WHERE refused IS NOT NULL AND octet_length(queue) < 1000000 ORDER BY id LIMIT ?"""
_PROGRESS = "SELECT cancel_requested FROM pqdesk_message WHERE id = ? AND state = 3 AND receipt = ?"


class SqliteInspection:
    """Answers questions; see `storage.contract.Inspection`. Belongs to the thread that opened it."""

    def __init__(self, location: Location, clock: Clock, rng: Random, *, vfs: str | None = None) -> None:
        check_place(location)
        check_file(location.database, is_ours=location.is_ours)
        self._path = location.database
        self._run = location.run
        self._clock = clock
        self._is_interrupted = False
        if location.is_ours:
            refuse_other_program(location.database, vfs)
        makes_log = vfs is None and not os.path.exists(f"{location.database}-wal")
        self._tidy_up: Callable[[], object] = partial(leave_no_log, location, rng) if makes_log else lambda: None
        self._db = connect(location.database, is_ours=location.is_ours, readonly=True, vfs=vfs, rng=rng)
        try:
            with Translating(self._path, self._db):
                self._is_empty = not is_made(self._db, location)
        except BaseException:
            let_go_untouched(self._db, self._path)
            self._tidy_up()
            raise

    def version(self) -> int:
        with Translating(self._path, self._db):
            return int(only_value(self._db, "PRAGMA data_version"))  # the method of APSW needs a read first

    def queues(self) -> tuple[QueueRecord, ...]:
        return self._queues(None)

    def counts(self, queue: str | None = None) -> Counts:
        with Translating(self._path, self._db):
            return sum((one.counts for one in self._queues(queue)), Counts())

    def configuration(self, queue: str) -> QueueConfiguration:
        with Translating(self._path, self._db):
            return read_configuration(self._db, find_queue(self._db, queue))

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        return () if self._is_empty else pages.whole_page(request, self._asked(), self._clock)

    def search(self, request: PageRequest, *, from_id: int | None = None, slice_ids: int = SLICE_IDS) -> SearchSlice:
        if self._is_empty:
            return SearchSlice(records=(), next_id=None, scanned=0)
        with self._finding(request.selection) as finder:
            return pages.search(finder, request, from_id, slice_ids)

    def count(self, selection: Selection, most_ids: int = COUNTED_IDS) -> CappedCounts:
        return CappedCounts() if self._is_empty else pages.whole_count(selection, most_ids, self._asked(), self._clock)

    def id_at(self, at: datetime) -> int | None:
        return self._read(None, lambda db: pages.id_at(db, from_datetime(at)))

    def quick_page(self, request: PageRequest) -> tuple[MessageRecord, ...] | None:
        with self._finding(request.selection) as finder:
            return pages.quick_page(finder, request)

    def page_part(
        self, request: PageRequest, from_id: int | None, size: int, limit: int
    ) -> tuple[list[MessageRecord], int | None]:
        with self._finding(request.selection) as finder:
            return pages.page_part(finder, request, from_id, size, limit)

    def quick_count(self, selection: Selection) -> tuple[int, Counts | None]:
        with self._finding(selection) as finder:
            up_to = finder.start(below=None, above=None) or 0
            if not pages.is_counted(finder):
                return up_to, finder.count_few()
            counts = sum((one.counts for one in self._read_queues(selection.queue, finder.now_us)), Counts())
            return up_to, Counts(**{state.word: counts.of(state) for state in finder.states})

    def count_part(self, selection: Selection, from_id: int, size: int) -> tuple[Counts, int | None]:
        with self._finding(selection) as finder:
            return finder.count_down(from_id, size)

    def message(self, message_id: int) -> MessageDetail:
        now_us = self._clock.wall_us()
        with ReadTransaction(self._db, self._path):
            found = None if self._is_empty else find_message(self._db, message_id, now_us)
            if found is None:
                raise self._not_found(message_id)
            payload, headers, result_kind, result = all_rows(self._db, _WHOLE, (message_id,))[0]
            ended = all_rows(self._db, _ATTEMPTS, (message_id,))
            progress, note, copy_of, version, until_us = all_rows(self._db, _HISTORY, (message_id,))[0]
        attempts = [attempt_record(*one) for one in ended]
        fields, row = found
        has_own = any(one.attempt == fields["attempt"] for one in attempts)
        if fields["state"] in (State.RUNNING, State.COMPLETED) and not has_own:
            attempts.append(current_attempt(fields))
        error_text = attempts[-1].error if attempts else None
        return MessageDetail(
            **fields,
            payload=shown_payload(row[PAYLOAD_KIND], payload),
            headers=shown_headers(headers),
            result=None if result_kind is None else shown_payload(result_kind, result),
            attempts=tuple(attempts),
            error_text=error_text or fields["error"],
            copy_of=copy_of,
            version=version,
            key_until=None if until_us is None else to_datetime(until_us),
            own_max_attempts=row[OWN_MAX_ATTEMPTS],
            progress=progress,
            progress_note=shown_text(note) or "",
        )

    def versions(self, message_id: int) -> tuple[VersionRecord, ...]:
        with ReadTransaction(self._db, self._path):
            if find_message(self._db, message_id, self._clock.wall_us()) is None:
                raise self._not_found(message_id)
            return () if self._is_empty else read_versions(self._db, message_id)

    def activity(
        self, *, limit: int, before: int | None = None, about: int | None = None
    ) -> tuple[ActivityRecord, ...]:
        return self._read((), lambda db: read_activities(db, below=before, limit=limit, about=about))

    def newest_of(self, user: str, which: Undoable) -> ActivityRecord | None:
        return self._read(None, lambda db: newest_of(db, user, which))

    def is_look_only(self) -> bool:
        return self._read(False, is_look_only)

    def explain(self, message_id: int) -> tuple[Reason, ...]:
        found = self._read(None, lambda db: explain(db, self._run, self._clock, message_id))
        if found is None:
            raise self._not_found(message_id)
        return found

    def names(self) -> Names:
        return self._read(Names(), read_names)

    def errors(self, queue: str | None = None) -> tuple[ErrorRecord, ...]:
        return self._read((), lambda db: read_errors(db, queue))

    def metrics(
        self,
        queue: str | None = None,
        type: str | None = None,
        *,
        since: datetime,
        until: datetime,
        step_s: int = 60,
        by_queue: bool = False,
    ) -> tuple[MetricRecord, ...]:
        since_us, until_us = from_datetime(since), from_datetime(until)
        return self._read(
            (),
            lambda db: read_metrics(
                db, queue, type, since_us=since_us, until_us=until_us, step_s=step_s, by_queue=by_queue
            ),
        )

    def waiting_since(self) -> dict[str, datetime]:
        return self._read({}, lambda db: oldest_ready(db, self._clock.wall_us()))

    def served(self, queues: Collection[str]) -> frozenset[str]:
        return self._read(frozenset(), lambda db: served_queues(db, self._run, self._clock, queues))

    def is_cancel_requested(self, message_id: int, receipt: int) -> bool:
        with Translating(self._path, self._db):
            row = first_row(self._db, _PROGRESS, (message_id, receipt))
        return row is not None and bool(row[0])

    def schedules(self) -> tuple[ScheduleRecord, ...]:
        from pqdesk.storage.sqlite.schedule_rows import read_schedules  # with cron and time zones, which few have

        return self._read((), read_schedules)

    def refused_puts(self, limit: int = 100) -> tuple[RefusedPut, ...]:
        rows: list[Row] = self._read([], lambda db: all_rows(db, _REFUSED, (limit,)))
        return tuple(RefusedPut(row_id, shown_text(queue) or "", shown_text(why) or "") for row_id, queue, why in rows)

    def running_by_worker(self) -> dict[int, tuple[str, tuple[int, ...]]]:
        found: dict[int, tuple[str, tuple[int, ...]]] = {}
        with Translating(self._path, self._db):
            rows = all_rows(self._db, _RUNNING)
        for pid, name, message_id in rows:
            found[pid] = (name, (*found.get(pid, (name, ()))[1], message_id))
        return found

    def interrupt(self) -> None:
        self._is_interrupted = True  # between two slices nothing runs that SQLite could end
        self._db.interrupt()

    def close(self) -> None:
        let_go(self._db)
        self._tidy_up()

    def _read(self, nothing: T, ask: Callable[[apsw.Connection], T]) -> T:
        """What `ask` finds in one short read; `nothing` where the file has no queues yet."""
        if self._is_empty:
            return nothing
        with ReadTransaction(self._db, self._path):
            return ask(self._db)

    @contextlib.contextmanager
    def _finding(self, selection: Selection) -> Iterator[Finder]:
        """A Finder inside one short read."""
        with ReadTransaction(self._db, self._path):
            yield Finder(self._db, selection, self._clock.wall_us())

    def _asked(self) -> pages.Ask:
        """Lets a long question ask its parts one after the other, until `interrupt`."""
        self._is_interrupted = False

        def ask(part: Callable[[pages.Parts], T]) -> T:
            if self._is_interrupted:
                raise Busy(f"the question to queue file {str(self._path)!r} was stopped")
            return part(self)

        return ask

    def _not_found(self, message_id: int) -> NotFound:
        return NotFound(f"there is no message {message_id} in {str(self._path)!r}")

    def _queues(self, name: str | None) -> tuple[QueueRecord, ...]:
        return self._read((), lambda _: self._read_queues(name, self._clock.wall_us()))

    def _read_queues(self, name: str | None, now_us: int) -> tuple[QueueRecord, ...]:
        rows = all_rows(self._db, _QUEUES, (name,))
        return tuple(QueueRecord(row[1], bool(row[2]), self._counts(row, now_us)) for row in rows)

    def _counts(self, row: tuple[Any, ...], now_us: int) -> Counts:
        """The counters, with what is due by now counted as ready though nobody has promoted it yet."""
        queue_id, _, _, wake_us, *by_state = row
        if wake_us is not None and wake_us <= now_us:
            for state, count in all_rows(self._db, _DUE, (queue_id, now_us)):
                by_state[state - 1] -= count
                by_state[State.READY.number - 1] += count
        return Counts(*map(index, by_state))  # which raises for what is no number
