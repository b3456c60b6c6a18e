"""Looking, as every engine offers it: what can be asked, and the plain values that come back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pqdesk.messages.records import Counts, MessageDetail, MessageRecord, QueueRecord, RefusedPut, ScheduleRecord
from pqdesk.messages.selection import Selection

if TYPE_CHECKING:  # what comes back is imported when somebody looks, so that `import pqdesk` stays quick
    from pqdesk.messages.activities import ActivityRecord, Undoable, VersionRecord
    from pqdesk.messages.looking import (
        CappedCounts,
        Cursor,
        ErrorRecord,
        MetricRecord,
        Names,
        Reason,
        SearchSlice,
        SortName,
    )

SLICE_IDS = 100_000  # 17 to 50 ms of searching
COUNTED_IDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """One page of messages, at most `limit`.

    By id, the default, it is newest first: those below `before` or next above `after`. Any other order needs an index
    (see SortName) or at most 10,000 messages, and goes on from a `cursor`.

    Attributes:
        sort, descending: The order; ties are by id.
        cursor: The page after the row that this describes, or before it with `is_backward`; None is the first page.
    """

    selection: Selection = field(default_factory=Selection)
    before: int | None = None
    after: int | None = None
    limit: int = 100
    sort: SortName = "id"
    descending: bool = True
    cursor: Cursor | None = None
    is_backward: bool = False


class Looking(Protocol):
    """Questions about a workspace. None of them changes anything; all but `search` and `page` are short."""

    def queues(self) -> tuple[QueueRecord, ...]:
        """All queues by name, with their counts."""
        ...

    def counts(self, queue: str | None = None) -> Counts:
        """Counts of one queue or of all; an unknown queue has none."""
        ...

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        """In the order asked for. An unknown queue has none. Raises InvalidInput for an order that is too dear."""
        ...

    def search(self, request: PageRequest, *, from_id: int | None = None, slice_ids: int = SLICE_IDS) -> SearchSlice:
        """Those of the ids from `from_id` (the newest) down to `slice_ids` below it that match, newest first.

        For what no index answers: ask again with the slice's `next_id` until it is done or enough was found.
        """
        ...

    def count(self, selection: Selection, most_ids: int = COUNTED_IDS) -> CappedCounts:
        """How many match: of all where counters tell or few can, else among the `most_ids` newest messages."""
        ...

    def id_at(self, at: datetime) -> int | None:
        """The lowest id that was put at `at` or later; None when nothing was."""
        ...

    def message(self, message_id: int) -> MessageDetail:
        """Raises NotFound."""
        ...

    def versions(self, message_id: int) -> tuple[VersionRecord, ...]:
        """The payloads a message had before it was edited, oldest first. Raises NotFound."""
        ...

    def activity(
        self, *, limit: int, before: int | None = None, about: int | None = None
    ) -> tuple[ActivityRecord, ...]:
        """What people did, newest first: those below id `before`; `about` one message, as far as kept."""
        ...

    def newest_of(self, user: str, which: Undoable) -> ActivityRecord | None:
        """What `undo` of this user would take back, or `redo` do again."""
        ...

    def is_look_only(self) -> bool:
        """Whether people may only look; see `Workspace.look_only`."""
        ...

    def explain(self, message_id: int) -> tuple[Reason, ...]:
        """Why a message is not running now, the most telling first; see messages/reasons.py. Raises NotFound."""
        ...

    def names(self) -> Names:
        """The queues, types and workers there are, and what is in the newest payloads: for suggestions."""
        ...

    def errors(self, queue: str | None = None) -> tuple[ErrorRecord, ...]:
        """Errors that are the same but for their numbers, ids and paths, the newest first; at most 1,000."""
        ...

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
        """What happened per step of whole minutes, the oldest first; steps in which nothing did are left out.

        Kept by the minute for two days, then by the hour for 400 days. `by_queue`: a record per queue.
        """
        ...

    def waiting_since(self) -> dict[str, datetime]:
        """For each queue with something ready, when the oldest of it was due. Costs more than `queues`."""
        ...

    def served(self, queues: Collection[str]) -> frozenset[str]:
        """Of `queues`, those that a living process waits for, or that somebody living has a message of in hand."""
        ...

    def schedules(self) -> tuple[ScheduleRecord, ...]:
        """By name."""
        ...

    def refused_puts(self, limit: int = 100) -> tuple[RefusedPut, ...]:
        """Rows put by plain SQL that cannot become messages, oldest first."""
        ...


class Inspection(Looking, Protocol):
    """Looks over a connection of its own; belongs to the thread that opened it."""

    def version(self) -> int:
        """Changes whenever somebody else changed anything. Costs microseconds."""
        ...

    def running_by_worker(self) -> dict[int, tuple[str, tuple[int, ...]]]:
        """For each live process: pid → (name, ids of the messages it has in hand)."""
        ...

    def interrupt(self) -> None:
        """Ends the question under way with Busy. The only call allowed from another thread."""
        ...

    def close(self) -> None: ...
