"""Operator actions on any number of messages: in batches of one transaction each, so that workers claim in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apsw

from pqdesk.errors import InvalidInput, NotFound, PQDeskError
from pqdesk.messages.activities import ActivityRecord, NewActivity, Undoable
from pqdesk.messages.aliases import OnProgress
from pqdesk.messages.commands import command_line, configure_command
from pqdesk.messages.records import Outcome
from pqdesk.messages.states import State
from pqdesk.storage.operating import TRASH_LIMIT, Order
from pqdesk.storage.sqlite import activity, configuration, damage, erasing, look_only
from pqdesk.storage.sqlite.actions import BATCH_BYTES, DEFAULT_STATES, Acting
from pqdesk.storage.sqlite.bulk import batches
from pqdesk.storage.sqlite.calling import call, long_call
from pqdesk.storage.sqlite.connection import Translating
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.progress import Total, Work
from pqdesk.storage.sqlite.queue_rows import find_queue
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.sqlite.undoing import Undoing
from pqdesk.storage.sqlite.waiting import room_bell

# What an action was not, for LookOnly.
_PAST = {"run_now": "run", "cancel": "cancelled", "edit": "edited", "purge": "purged", "retry": "retried"}
_FOR_GOOD = "deleted for good"
_GROWING = ("edit", "duplicate")  # what takes space, of which some is kept back for acks


class SqliteOperating:
    """See `storage.operating.Operating`."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine, self._clock, self._ledger = engine, engine.clock, ledger
        self._space = SpaceReserve(engine.path, engine.clock)

    # --- acting on messages -------------------------------------------------------------------------

    @long_call
    def act(self, order: Order) -> Outcome:
        what = _PAST.get(order.action, f"{order.action.removesuffix('e')}ed")
        if not order.is_dry_run:
            self.refuse_look_only(what)
        deed, note = self._deed(order)
        total, work = Total(note=note), Work(order, deed, what)
        with _telling(total):
            for batch in batches(self._engine, order):
                ids = batch
                while ids and not total.is_stopped:
                    try:
                        count = self._act_once(work, ids, total)
                    except Exception as exc:  # noqa: BLE001 - judged there, and raised again
                        ids = self._but_damaged(exc, ids, total)
                        continue
                    ids = ids[count:]
                    total.tell(order.on_progress)
                if not batch:  # nothing so far where it looks: a moment to stop, too
                    total.tell(order.on_progress)
                if total.is_stopped:
                    break
        if deed == "erase" and total.activity_id is not None:
            with self._engine.locked() as db, Translating(self._engine.path):
                erasing.forget_log(db)
        return total.outcome()

    def _act_once(self, work: Work, ids: Sequence[int], total: Total) -> int:
        """One transaction; returns how many of `ids` were come to."""
        engine, order, metrics = self._engine, work.order, Metrics(self._clock)
        queue_ids: list[int] = []
        activity_id, count = total.activity_id, 0
        if work.deed in _GROWING and not order.is_dry_run:
            self._space.check(BATCH_BYTES if order.payload is None else len(order.payload.data), work.past)
        with contextlib.suppress(_RolledBack), engine.writing() as db:
            if not order.is_dry_run:
                self._ledger.refuse(db, work.past)
                activity_id = activity_id or self._ledger.add(db, work.activity)
            acting = Acting(
                db, self._clock.wall_us(), metrics, activity_id=activity_id, order=order,
                only_queue=None if order.selection.queue is None else find_queue(db, order.selection.queue) or 0,
            )  # fmt: skip
            with erasing.overwriting(db, always=work.deed == "erase"):
                count = acting.apply(work.deed, ids)
            tally = acting.tally
            acting.changes.write()
            if order.is_dry_run:
                raise _RolledBack
            assert activity_id is not None
            if total.activity_id is None and not tally.done and not tally.skipped:
                activity.take_back(db, activity_id)
                activity_id = None
            else:
                activity.count(db, activity_id, tally.done, tally.skipped)
                activity.keep_undo(db, activity_id, tally.undo)
            queue_ids = acting.changes.queue_ids
        if not order.is_dry_run:
            total.activity_id = activity_id
            engine.metrics.add_all(metrics)
            self._tell(queue_ids)
        total.add(tally)
        return count

    def _but_damaged(self, exc: Exception, ids: Sequence[int], total: Total) -> list[int]:
        """Those of `ids` that are not damaged, where that is why there was an error; the others are errors each."""
        if not damage.is_stumble(exc):
            raise exc
        with self._engine.locked() as db, Translating(self._engine.path):
            columns = {one: damage.unsound_columns(db, one) for one in ids}
        if not any(columns.values()):
            raise exc
        total.errors += [f"message {one} is {damage.what(found)}" for one, found in columns.items() if found]
        return [one for one, found in columns.items() if not found]

    def _deed(self, order: Order) -> tuple[str, str]:
        """What is done to each message, and what there is to say about that."""
        if order.action != "purge":
            return order.action, ""
        with self._engine.inspecting() as inspection:
            counts = inspection.counts(order.selection.queue)
        many = sum(
            counts.of(state) for state in order.selection.states or DEFAULT_STATES["purge"] if state != State.RUNNING
        )
        if many < TRASH_LIMIT:
            return "delete", ""
        return "erase_wherever", f"{many:,} messages are too many for the trash: they are {_FOR_GOOD}"

    # --- switches -----------------------------------------------------------------------------------

    @call
    def pause(self, queue: str | None, is_paused: bool) -> int | None:
        action, activity_id = "pause" if is_paused else "resume", None
        with self._engine.writing() as db:
            self._ledger.refuse(db, f"{action}d")
            changed = configuration.pause(db, queue, is_paused)
            if changed:
                before = {"paused": {"queues": changed, "is_paused": is_paused}}
                command = command_line(action, queue or "--all")
                activity_id = self._ledger.add(db, NewActivity(action, command, queue, before))
        self._engine.ring(changed)
        self._flush()
        return activity_id

    @call
    def configure(self, queue: str, values: Mapping[str, Any]) -> None:
        columns = configuration.checked_configuration(values)
        with self._engine.writing() as db:
            self._ledger.refuse(db, "configured")
            before = configuration.configure(db, queue, columns)
            if before is not None:
                self._ledger.add(db, NewActivity("configure", configure_command(queue, values), queue, before))
        self._engine.ring([queue, room_bell(queue)])
        self._flush()

    @call
    def remove_queue(self, queue: str) -> None:
        with self._engine.writing() as db:
            self._ledger.refuse(db, "removed")
            before = configuration.remove(db, queue)
            self._ledger.add(db, NewActivity("remove-queue", command_line("remove-queue", queue), queue, before))
        self._flush()

    @call
    def set_look_only(self, is_look_only: bool) -> None:
        word = "on" if is_look_only else "off"
        with self._engine.writing() as db:
            if look_only.set_look_only(db, is_look_only):
                why_not = "switch it by look-only"
                self._ledger.add(db, NewActivity("look-only", command_line("look-only", word), why_not=why_not))
        self._flush()

    @call
    def is_secure_delete(self) -> bool:
        with self._engine.locked() as db, Translating(self._engine.path):
            return erasing.is_secure(db)

    @call
    def set_secure_delete(self, is_on: bool) -> None:
        with self._engine.writing() as db:
            self._ledger.refuse(db, "changed")
            if erasing.set_secure(db, is_on):
                word = "on" if is_on else "off"
                why_not = "switch it by secure-delete"
                self._ledger.add(db, NewActivity("secure-delete", command_line("secure-delete", word), why_not=why_not))
        self._flush()

    @call
    def refuse_look_only(self, what: str) -> None:
        with self._engine.locked() as db, Translating(self._engine.path):
            self._ledger.refuse(db, what)

    # --- what was done --------------------------------------------------------------------------------

    @call
    def record_activity(self, new: NewActivity) -> int:
        with self._engine.writing() as db:
            activity_id = self._ledger.add(db, new)
        self._flush()
        return activity_id

    @long_call
    def undo(self, which: int | Undoable, *, on_progress: OnProgress | None = None) -> Outcome:
        self.refuse_look_only("undone")
        with self._engine.locked() as db, Translating(self._engine.path):
            record = self._find(db, which)
        if record.why_not is not None:
            raise InvalidInput(f"activity {record.id} ({record.action}) cannot be undone: {record.why_not}")
        total, has_more = Total(note="" if isinstance(which, int) else f"that was: {record.command}"), True
        with _telling(total):
            while has_more:
                has_more = self._undo_once(record, total)
                if has_more:
                    total.tell(on_progress)
                    has_more = not total.is_stopped
        return total.outcome()

    def _find(self, db: apsw.Connection, which: int | Undoable) -> ActivityRecord:
        if isinstance(which, int):
            found = activity.read_activity(db, which)
            if found is None:
                raise NotFound(f"there is no activity {which}; see: pqdesk activity")
            return found[0]
        user = self._ledger.origin.user
        record = activity.newest_of(db, user, which)
        if record is None:
            what = "undo" if which == "done" else "do again"
            raise NotFound(f"there is nothing of {user}'s to {what}; see: pqdesk activity")
        return record

    def _undo_once(self, record: ActivityRecord, total: Total) -> bool:
        """One batch of it; False when there is no more."""
        action = activity.REDO if record.action == activity.UNDO else activity.UNDO
        command = command_line("undo", str(record.id))
        with self._engine.writing() as db:
            self._ledger.refuse(db, "undone")
            found = activity.read_activity(db, record.id)
            if found is None or (found[0].why_not is not None and total.activity_id is None):
                raise InvalidInput(f"activity {record.id} cannot be undone: another has just undone it")
            _, before, has_messages = found
            if not has_messages and (total.activity_id is not None or not before):
                return False
            by_id = total.activity_id or self._ledger.add(db, NewActivity(action, command, record.queue))
            undoing = Undoing(db, record.id, by_id, self._clock.wall_us())
            has_more = undoing.apply(record.action)
            if not has_messages:
                again = undoing.put_back(before)
                if again:
                    activity.tell_before(db, by_id, again)
            undoing.changes.write()
            activity.count(db, by_id, undoing.tally.done, undoing.tally.skipped)
            activity.keep_undo(db, by_id, undoing.tally.undo)
        total.activity_id = by_id
        total.add(undoing.tally)
        self._tell(undoing.changes.queue_ids)
        if record.queue is not None:
            self._engine.ring([record.queue, room_bell(record.queue)])
        return has_more

    # --- parts ----------------------------------------------------------------------------------------

    def _tell(self, queue_ids: Sequence[int]) -> None:
        """Wake who waits for messages, or for room, and return when it is on disk."""
        for queue_id in queue_ids:
            name = self._engine.queue_name(queue_id)
            self._engine.ring([name, room_bell(name)])
        self._flush()

    def _flush(self) -> None:
        engine = self._engine
        engine.flush()
        with engine.lock:
            if engine.checkpointer.is_due and not engine.is_closing and engine.transaction is None:
                engine.checkpointer.do_by_the_way(engine.db)  # there may be nobody else to bound the log


@contextlib.contextmanager
def _telling(total: Total) -> Iterator[None]:
    """An error half way says what is done already, and stays so."""
    try:
        yield
    except PQDeskError as exc:
        if total.done:
            exc.add_note(f"{total.done:,} were done before that; see activity {total.activity_id}")
        raise


class _RolledBack(Exception):
    pass
