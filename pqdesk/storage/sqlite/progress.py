"""How far an order is, over its many transactions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pqdesk.messages.activities import NewActivity
from pqdesk.messages.aliases import OnProgress
from pqdesk.messages.records import Outcome
from pqdesk.storage.operating import Order
from pqdesk.storage.sqlite.actions import Tally

_SHOWN_SKIPPED = 1000


@dataclass(frozen=True, slots=True)
class Work:
    """An order, what is done to each message by it, and the word for that."""

    order: Order
    deed: str
    past: str

    @property
    def activity(self) -> NewActivity:
        why_not = "the messages were deleted for good" if self.deed.startswith("erase") else None
        return NewActivity(self.order.action, self.order.command, self.order.selection.queue, why_not=why_not)


@dataclass(slots=True)
class Total:
    """What became of an order so far."""

    note: str = ""
    activity_id: int | None = None
    is_stopped: bool = False
    done: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    skipped_ids: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    new_ids: list[int] = field(default_factory=list)

    def add(self, tally: Tally) -> None:
        self.done += tally.done
        self.reasons += tally.reasons
        self.skipped_ids += tally.skipped_ids[: _SHOWN_SKIPPED - len(self.skipped_ids)]
        self.errors += tally.errors
        self.new_ids += tally.new_ids

    def tell(self, on_progress: OnProgress | None) -> None:
        """Tell how far it is, and stop where that says so. Called without the lock, since it may block."""
        if on_progress is not None and on_progress(self.done, self.reasons.total()) is False:
            self.is_stopped = True

    def outcome(self) -> Outcome:
        return Outcome(
            self.done, self.reasons.total(), tuple(self.errors), reasons=dict(self.reasons),
            skipped_ids=tuple(self.skipped_ids), new_ids=tuple(self.new_ids), activity_id=self.activity_id,
            note=self.note, is_stopped=self.is_stopped,
        )  # fmt: skip
