"""One place with its queues and workers: a folder that belongs to one user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pqdesk.clock import SystemClock
from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.later import Later
from pqdesk.messages.aliases import Durability, Duration, Ids, Missed, OnProgress, States
from pqdesk.messages.checks import check_name, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.origin import Origin
from pqdesk.messages.states import AttemptOutcome
from pqdesk.paths import WorkspacePaths, choose_workspace, database_path, path_text
from pqdesk.queues.known_queue import KnownQueue
from pqdesk.queues.message import completed, error_text, parse_receipt, released
from pqdesk.queues.operator import Operator
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_inspection, open_store
from pqdesk.storage.contract import Store
from pqdesk.storage.values import Settlement

if TYPE_CHECKING:
    from pqdesk.messages import activities, looking, records
    from pqdesk.queues import acting, explaining, operations, scheduled
    from pqdesk.storage import looking as storage_looking
    from pqdesk.supervision import records as supervision_records
    from pqdesk.supervision import supervision
else:
    activities, looking, records = map(
        Later, ("pqdesk.messages.activities", "pqdesk.messages.looking", "pqdesk.messages.records")
    )
    acting, explaining = Later("pqdesk.queues.acting"), Later("pqdesk.queues.explaining")
    operations, scheduled = Later("pqdesk.queues.operations"), Later("pqdesk.queues.scheduled")
    storage_looking, supervision_records = Later("pqdesk.storage.looking"), Later("pqdesk.supervision.records")
    supervision = Later("pqdesk.supervision.supervision")


class Workspace(Operator):
    """A workspace, made if missing. Thread-safe; its queues share one connection.

        with Workspace() as workspace:
            for record in workspace.queues():
                print(record.name, record.counts.ready)
            outcome = workspace.delete(queue="emails", where="state:failed")
            if outcome.activity_id is not None:  # there were some
                workspace.undo(outcome.activity_id)

    Args:
        path: Its folder, or the SQLite file of an application with queues in it. None: $PQDESK_WORKSPACE, else
            `default` in the user's data folder.
        durability: For what is put and settled through it; see Queue.
        program: What acts through it, as the activity names it: "library", "cli" or "window".

    Attributes:
        path: Its folder, or that file.
        paths: The files in it.
        store: The engine it stands on.

    Raises:
        InvalidInput: An argument is wrong.
        WorkspaceError: It cannot be used; SchemaTooNew, Corrupt and DiskFull are kinds of it.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, durability: Durability = "full", program: str = "library"
    ) -> None:
        if durability not in ("full", "relaxed"):
            raise InvalidInput(f"durability must be 'full' or 'relaxed', got {quoted(durability)}")
        self.paths: WorkspacePaths = choose_workspace(path)
        self.path = self.paths.location
        self.store: Store = open_store(self.paths, durability=durability)
        self.store.origin = Origin.here(program)

    def _instead(self) -> str:
        return f"open it there, with Workspace({str(self.path)!r})"

    @staticmethod
    def exists(path: str | os.PathLike[str] | None = None) -> bool:
        """Whether there is a queue file at `path`; makes nothing."""
        return choose_workspace(path).database.exists()

    def queue(self, name: str) -> Queue:
        """The queue of this name; it exists from its first message or configuration on. Raises InvalidInput."""
        return Queue.over(self.store, name, SystemClock(), self.paths)

    def queues(self) -> tuple[records.QueueRecord, ...]:
        """All queues by name, with their counts."""
        return self.store.looking.queues()

    def counts(self, queue: str | None = None) -> records.Counts:
        """Messages per state of one queue, or of all."""
        return self.store.looking.counts(queue)

    def messages(
        self,
        queue: str | None = None,
        *,
        state: States | None = None,
        type: str | None = None,
        search: str | None = None,
        where: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        sort: looking.SortName = "id",
        descending: bool = True,
    ) -> list[records.MessageRecord]:
        """As Queue.messages, of one queue or of all. Raises InvalidInput."""
        return operations.list_messages(
            self.store, queue=queue, before=before, after=after, limit=limit,
            sort=sort, descending=descending, state=state, type=type, search=search, where=where,
        )  # fmt: skip

    def message(self, id: int) -> records.MessageDetail:
        """One message with its payload, result and attempts, also from the trash. Raises NotFound, InvalidInput."""
        return operations.find_message(self.store, id)

    def why(self, id: int) -> str:
        """Why a message is not running now, in words. Raises NotFound."""
        return explaining.why(self.store.looking, id, queue=None, paths=self.paths, ask_workers=KnownQueue._ask_workers)

    def errors(self, queue: str | None = None) -> tuple[looking.ErrorRecord, ...]:
        """As Queue.errors, of one queue or of all."""
        return self.store.looking.errors(queue)

    def metrics(
        self, since: datetime, until: datetime | None = None, *, step: Duration = 60, queue: str | None = None
    ) -> list[looking.MetricRecord]:
        """As Queue.metrics, of one queue or of all together. Raises InvalidInput."""
        return operations.metrics(self.store, SystemClock(), since, until, step, queue=queue)

    def workers(self) -> tuple[supervision_records.ReplicaRecord, ...]:
        """Every replica of every worker with its state, stopped ones too."""
        return supervision.Supervision(self.paths).status().replicas  # who only looks needs no leave

    # --- schedules ----------------------------------------------------------------------------------

    def schedules(self) -> tuple[records.ScheduleRecord, ...]:
        """All schedules that are stored here, by name."""
        return self.store.schedules.all()

    def add_schedule(
        self,
        name: str,
        queue: str,
        payload: Any = None,
        *,
        every: Duration | None = None,
        cron: str | None = None,
        timezone: str | None = None,
        missed: Missed = "once",
        type: str | None = None,
        priority: int = 0,
        key: str | None = None,
        group: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_attempts: int | None = None,
        enabled: bool = True,
    ) -> records.ScheduleRecord:
        """Put a message again and again from now on, also when this process has ended.

        Any process of the workspace that waits or works does it; each due time is put once. Every message has the
        headers `Schedule` (this name) and `Scheduled-For` (its due time, ISO 8601).

            workspace.add_schedule("report", "emails", {"to": "ada@example.com"}, cron="0 8 * * 1-5", missed="skip")

        Args:
            name: 1–255 characters; not in use.
            queue, payload, type, priority, group, headers, max_attempts: As of Queue.put; at most 62 headers.
            key: With one, nothing is put while the message of an earlier run is unfinished; that run is skipped.
            every: Seconds (at least 1) or timedelta between runs; the first is at once.
            cron: Instead, five fields (six: seconds first), such as "*/10 * * * *"; also "@daily".
            timezone: Of the cron expression, such as "Europe/Berlin"; None is this process's, by its name from now on.
            missed: What becomes of runs that were due while nobody was there: "once" (one run, late), "skip", or "all"
                (each, at most 1,000).
            enabled: Whether it runs; else it waits for enable_schedule.

        Raises:
            InvalidInput: An argument is wrong, or the name is in use; nothing was changed.
            LookOnly: The workspace is set to look only.
        """
        new = scheduled.checked_schedule(
            name,
            records.Outgoing(payload, queue=queue, type=type, priority=priority, key=key, group=group, headers=headers,
                             max_attempts=max_attempts),
            every=every, cron=cron, timezone=timezone, missed=missed, is_enabled=enabled,
        )  # fmt: skip
        return self.store.schedules.add(new)

    def remove_schedule(self, name: str) -> records.ScheduleRecord:
        """Put nothing more by it; what it has put stays. Returns what it was. Raises NotFound, LookOnly."""
        return self.store.schedules.remove(name)

    def enable_schedule(self, name: str) -> records.ScheduleRecord:
        """Let it run again, from now on. Raises NotFound, LookOnly."""
        return self.store.schedules.enable(name, True)

    def disable_schedule(self, name: str) -> records.ScheduleRecord:
        """Let it rest; what is due meanwhile is not missed. Raises NotFound, LookOnly."""
        return self.store.schedules.enable(name, False)

    def run_schedule(self, name: str) -> int:
        """Put its message now, beside its plan; the id. Raises NotFound, and what Queue.put raises."""
        return self.store.schedules.run_now(name)

    def compact(self) -> int:
        """Give space that is not used any more back to the disk, beside everybody who works; the bytes.

        It happens by itself too, in small steps; this does it now. Raises Busy.
        """
        return self.store.compact()

    def backup(self, path: str | os.PathLike[str]) -> int:
        """Write the queues as they are at one moment to the new file `path`, while others work; its bytes.

        Raises:
            WorkspaceError: Something is there already, or it cannot be written; DiskFull, Corrupt.
        """
        return self.store.backup(database_path(os.path.abspath(path_text(path, "path", "file")), "path", "file"))

    def attend(self) -> None:
        """Do what this workspace needs in the background until close: run its schedules, promote, prune and so on.

        A process that gets messages does so anyway; this is for one that only looks or puts.
        """
        self.store.attend()

    def inspection(self) -> storage_looking.Inspection:
        """A connection for looking only, of the calling thread; the caller closes it."""
        return open_inspection(self.paths)

    def remove_queue(self, name: str) -> None:
        """Let a queue that has no messages, in the trash neither, be as if it had never been; its settings go.

        It exists again from its next message or configuration on. Can be undone.
        Raises NotFound; InvalidInput when it has messages or a schedule; LookOnly.
        """
        self.store.operating.remove_queue(check_name(name, "queue"))

    def pause(self) -> None:
        """Pause every queue there is, in one activity: undone, those go on that went on before. Raises LookOnly."""
        self.store.operating.pause(None, True)

    def resume(self) -> None:
        """Let every queue go on, in one activity. Raises LookOnly."""
        self.store.operating.pause(None, False)

    # --- receipts that travelled: for shells and other programs -------------------------------------

    def ack(self, receipt: str, result: Any = None) -> None:
        """As Message.ack, in any process. Raises LeaseLost; InvalidInput when it is no receipt."""
        self._settle(receipt, completed(result))

    def nack(self, receipt: str, error: object = None, *, delay: Duration | None = None) -> None:
        """As Message.nack, in any process. Raises LeaseLost; InvalidInput."""
        delay_us = None if delay is None else duration_us(delay, "delay")
        self._settle(receipt, Settlement(AttemptOutcome.NACKED, error=error_text(error), delay_us=delay_us))

    def fail(self, receipt: str, reason: object) -> None:
        """As Message.fail, in any process. Raises LeaseLost; InvalidInput."""
        self._settle(receipt, Settlement(AttemptOutcome.FAILED, error=error_text(reason)))

    def release(self, receipt: str, *, delay: Duration | None = None) -> None:
        """As Message.release, in any process. Raises LeaseLost; InvalidInput."""
        self._settle(receipt, released(delay))

    def extend(self, receipt: str, seconds: Duration | None = None) -> None:
        """Lease anew for `seconds` from now, or for the queue's lease (60 s), in any process.

        Raises LeaseLost; InvalidInput.
        """
        lease_us = None if seconds is None else duration_us(seconds, "seconds", least_us=1)
        self.store.extend_receipt(*parse_receipt(receipt), lease_us)

    # --- operating: the actions are those of Operator, over one `queue=` or all ---------------------------

    def activity(
        self, limit: int = 100, before: int | None = None, about: int | None = None
    ) -> tuple[activities.ActivityRecord, ...]:
        """What people did, newest first: at most `limit` (up to 10,000) below id `before`. Kept for 400 days.

        `about`: only what changed the message of this id and was not undone; for 30 days.
        Raises InvalidInput.
        """
        return acting.list_activity(self.store, limit, before, about)

    def undo(self, activity_id: int | None = None, *, on_progress: OnProgress | None = None) -> records.Outcome:
        """Bring back what an activity changed, as far as nobody has touched it since; the rest is skipped.

        Possible for 30 days. Leaves an activity of its own; undoing that does it again. Workers are told
        to be as they were, and not waited for.

        Args:
            activity_id: None: the newest one of this user's, by whatever program, that was not undone.

        Raises:
            NotFound: There is no such activity.
            InvalidInput: It cannot be undone, or was undone before; the text says why.
            LookOnly: The workspace is set to look only.
            SupervisorError: It was about workers, and supervisord does not do it; the activity stands as it was.
        """
        return acting.undo(self.store, activity_id, on_progress, self._tell_workers)

    def redo(self, *, on_progress: OnProgress | None = None) -> records.Outcome:
        """Do again what this user undid last, where nothing else was done since. Raises NotFound, LookOnly."""
        return acting.take_back(self.store, "undone", on_progress, self._tell_workers)

    def _tell_workers(self, deed: activities.WorkerDeed) -> None:
        workers = supervision.Supervision(self.paths, is_look_only=self.store.looking.is_look_only)
        if workers.unseen_before(deed[0]):
            text = "its workers were never started here by this user, so nothing is undone that may start one"
            raise SupervisorError(f"{text}; look at what they run, and start them by hand first")
        workers.do(*deed)

    @property
    def look_only(self) -> bool:
        """Whether people may only look: a lock against slips, which anybody may set and lift.

        While it is set, putting, configuring, pausing, schedules' changes, operator actions and all that is done to
        workers raise LookOnly, from the window, the commands and this library. It does not bind work: get, ack and all
        that ends a delivery go on, and so does whatever a worker does (a process that supervisord, `pqdesk consume` or
        `pqdesk produce` started), schedules, and rows of pqdesk_put. An application whose puts have to go on sets
        $PQDESK_WORKER to its name.
        """
        return self.store.looking.is_look_only()

    @look_only.setter
    def look_only(self, is_look_only: bool) -> None:
        if not isinstance(is_look_only, bool):
            raise InvalidInput(f"look_only must be True or False, got {quoted(is_look_only)}")
        self.store.operating.set_look_only(is_look_only)

    @property
    def secure_delete(self) -> bool:
        """Whether what is deleted for good is overwritten in the file at once, and not only when its place is needed.

        Emptying the trash by hand does so always. Set, it holds for all that is pruned or purged, in every process;
        deleting large payloads then takes as long as writing them. What was deleted before stays as it was; backups and
        the disk's own copies are beyond it.
        """
        return self.store.operating.is_secure_delete()

    @secure_delete.setter
    def secure_delete(self, is_on: bool) -> None:
        if not isinstance(is_on, bool):
            raise InvalidInput(f"secure_delete must be True or False, got {quoted(is_on)}")
        self.store.operating.set_secure_delete(is_on)

    def close(self) -> None:
        """Give back the messages in hand and close, its queues too."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workspace {str(self.path)!r}>"

    def _settle(self, receipt: str, settlement: Settlement) -> None:
        message_id, token = parse_receipt(receipt)
        self.store.settle_receipt(message_id, token, settlement)

    def _act(self, action: str, ids: Ids, *, queue: str | None = None, **options: Any) -> records.Outcome:
        return acting.act(self.store, action, ids, queue=queue, is_queue_enough=True, **options)
