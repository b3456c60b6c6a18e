"""What people do, as it is written down and shown. Plain values that cross threads and layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

# what of a person's: the newest activity that has its effect still, or the newest undo with nothing done since
Undoable = Literal["done", "undone"]

WorkerDeed = tuple[str, tuple[str, ...], int | str | bool | None]  # a verb, names, a value


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord:
    """One thing that somebody did.

    Attributes:
        actor: User and program, such as "ada, pqdesk 0.2.0 cli".
        action: Its word: "retry", "move", "pause", "undo", …
        command: The command line that does the same.
        queue: Where it was about one queue.
        done, skipped: Messages changed, and passed over since their state did not allow it.
        undone_by: The activity that undid it.
        why_not: Why it cannot be undone; None when it can.
        workers: What undoes it where it is about workers, one after the other as `Supervision.do` takes it.
    """

    id: int
    at: datetime
    actor: str
    action: str
    command: str
    queue: str | None
    done: int
    skipped: int
    undone_by: int | None
    why_not: str | None
    workers: tuple[WorkerDeed, ...] | None = None

    @property
    def can_be_undone(self) -> bool:
        """Whether `Workspace.undo` takes it."""
        return self.why_not is None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A payload that a message had before it was edited; 1 is the one it was put with.

    Attributes:
        activity_id: The activity that replaced it.
    """

    version: int
    replaced_at: datetime
    activity_id: int | None
    payload: Any


@dataclass(frozen=True, slots=True)
class NewActivity:
    """An activity that is not about single messages: pause, configure, a schedule, a worker.

    Attributes:
        before: What undoes it, as JSON values; None: it cannot be undone, and `why_not` says why.
    """

    action: str
    command: str
    queue: str | None = None
    before: Mapping[str, Any] | None = None
    why_not: str | None = None
