"""Names for what some arguments may be; apart from the records, which few programs need.

Annotations here are no strings, from which typing would compile each at every start of a program.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from pqdesk.messages.states import State

OnConflict = Literal["raise", "keep", "replace", "after"]
Durability = Literal["full", "relaxed"]
Missed = Literal["once", "skip", "all"]
Duration = float | int | timedelta
# of messages; a mapping: with the state that each was seen in
Ids = int | Iterable[int] | Mapping[int, State | str] | None
States = State | str | Iterable[State | str]
# Called between batches with how many are done and skipped so far. It may block, to pause; False stops there.
OnProgress = Callable[[int, int], object]


class PutOptions(TypedDict, total=False):
    """What a payload can be put with: see `Queue.put`."""

    type: str | None
    priority: int
    delay: Duration | None
    at: datetime | None
    key: str | None
    on_conflict: OnConflict
    unique_for: Duration | None
    group: str | None
    expires: Duration | None
    max_attempts: int | None
    headers: Mapping[str, str] | None


class QueueSettings(TypedDict, total=False):
    """What can be set for a queue: see `Queue.configure`. None is the default."""

    max_attempts: int | None
    lease: Duration | None
    backoff: str | None
    timeout: Duration | None
    concurrency: int | None
    group_concurrency: int | None
    rate: tuple[int, Duration] | None
    max_size: int | None
    failed_to: str | None
    max_deaths: int | None
    keep_completed: Duration | None
    keep_failed: Duration | None


class ActionOptions(TypedDict, total=False):
    """What every operator action takes beside ids: a filter instead of them, and how it is to go.

    Attributes:
        queue: Of a Workspace's actions only: the messages of this queue.
        state, type, search, where: As of `messages`; `where` is the filter grammar of the window. All that match.
        up_to: The highest id that is meant by the filter; else the highest there is at the start.
        dry_run: Change nothing, and tell what would be.
        on_progress: Called between batches with how many are done and skipped so far. It may block, to pause, and
            return False to stop there; what is done stays done.
    """

    queue: str | None
    state: States | None
    type: str | None
    search: str | None
    where: str | None
    up_to: int | None
    dry_run: bool
    on_progress: OnProgress | None
