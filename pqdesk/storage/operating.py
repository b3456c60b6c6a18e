"""What an operator does to messages and queues, as every engine offers it: `Store.operating`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pqdesk.messages.aliases import OnProgress
from pqdesk.messages.records import Outcome
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State

if TYPE_CHECKING:
    from pqdesk.messages.activities import NewActivity, Undoable
    from pqdesk.storage.values import EncodedPayload

TRASH_LIMIT = 100_000  # a purge of as many is for good: their undo would be as large as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One operator action on what is selected.

    Attributes:
        action: retry, run_now, change, cancel, delete, restore, move, edit, duplicate, purge, or erase: out of the
            trash, for good.
        command: The command line that does the same, for the activity.
        up_to: The highest id that is meant, where a filter selects; None is the highest there is at the start.
        to: The queue to move to, made if missing.
        seen: The state that each id was seen in; a message in another one is skipped. None: whatever it is in.
        priority, delay_us, at_us: What a change sets; at most one of the last two.
        payload: What an edit puts in the place of the old one, and a duplicate gets instead of its original's.
    """

    action: str
    selection: Selection = field(default_factory=Selection)
    seen: Mapping[int, State] | None = None
    command: str = ""
    up_to: int | None = None
    is_dry_run: bool = False
    to: str | None = None
    priority: int | None = None
    delay_us: int | None = None
    at_us: int | None = None
    payload: EncodedPayload | None = None
    on_progress: OnProgress | None = None


class Operating(Protocol):
    """Operator actions. Thread-safe; each returns after its flush, and leaves one activity.

    All that change something raise LookOnly when the workspace is set to look only, unless a worker calls them.
    """

    def act(self, order: Order) -> Outcome:
        """In batches, by id upwards, each message compared and set; one that may not be changed is skipped."""
        ...

    def pause(self, queue: str | None, is_paused: bool) -> int | None:
        """One queue, made if missing, or all that there are; the activity, None where all was so already."""
        ...

    def configure(self, queue: str, values: Mapping[str, Any]) -> None:
        """Store settings of `QueueConfiguration` by name. Raises InvalidInput."""
        ...

    def remove_queue(self, queue: str) -> None:
        """Raises NotFound; InvalidInput when it is not empty."""
        ...

    def record_activity(self, activity: NewActivity) -> int:
        """Write down what was done elsewhere; its id."""
        ...

    def undo(self, which: int | Undoable, *, on_progress: OnProgress | None = None) -> Outcome:
        """Bring back what is still as the activity left it; the rest is skipped.

        `which`: its id; or "done", the newest of this person's that has its effect still, or "undone", the newest that
        this person undid and has done nothing since.

        Raises:
            NotFound: There is no such activity.
            InvalidInput: It cannot be undone, or was undone before; the text says why.
        """
        ...

    def set_look_only(self, is_look_only: bool) -> None: ...

    def is_secure_delete(self) -> bool: ...

    def set_secure_delete(self, is_on: bool) -> None:
        """Whether all that is deleted for good from now on is overwritten in the file. Raises LookOnly."""
        ...

    def refuse_look_only(self, what: str) -> None:
        """Raise LookOnly where this store may not change anything: "`what`" names what was not done."""
        ...
