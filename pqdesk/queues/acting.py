"""How an operator action of a queue or a workspace is checked, told as a command and handed to the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.aliases import Duration, Ids, OnProgress
from pqdesk.messages.checks import LARGEST_ID, PRIORITY_LIMIT, check_id, check_int, check_state
from pqdesk.messages.commands import act_command
from pqdesk.messages.durations import written_duration
from pqdesk.messages.records import Outcome
from pqdesk.messages.selection import Field, Is, Selection, Term
from pqdesk.messages.states import State
from pqdesk.queues.operations import LARGEST_PAGE, select
from pqdesk.queues.outgoing import due_of
from pqdesk.storage.contract import Store
from pqdesk.storage.operating import Order
from pqdesk.storage.values import EncodedPayload

if TYPE_CHECKING:
    from pqdesk.messages.activities import ActivityRecord, Undoable, WorkerDeed


def act(
    store: Store,
    action: str,
    ids: Ids,
    *,
    queue: str | None,
    is_queue_enough: bool = False,
    is_all_meant: bool = False,
    dry_run: bool = False,
    up_to: int | None = None,
    on_progress: OnProgress | None = None,
    to: str | None = None,
    priority: int | None = None,
    delay: Duration | None = None,
    at: datetime | None = None,
    payload: EncodedPayload | None = None,
    **filters: Any,
) -> Outcome:
    """Do `action` to what is selected. Raises InvalidInput when neither ids nor a filter is given.

    Args:
        is_queue_enough: Whether naming the queue is a filter.
        is_all_meant: Whether no filter means everything.
    """
    selection = select(ids, queue=queue, **filters)
    if on_progress is not None and not callable(on_progress):
        raise InvalidInput(f"on_progress must be callable, got {type(on_progress).__name__}; nothing changed")
    if action == "purge" and selection.queue is None:
        raise InvalidInput("purge which queue? Give queue=; nothing changed")
    is_filtered = any(value is not None for value in filters.values()) or (is_queue_enough and queue is not None)
    if ids is None and not is_filtered and not is_all_meant:
        raise InvalidInput(
            f"{action.replace('_', ' ')} what? Give ids, or a filter such as state='failed'; nothing changed"
        )
    if ids is not None and is_filtered:
        raise InvalidInput("give ids or a filter, not both; nothing changed")
    delay_us, at_us = due_of(delay, at)
    if priority is not None:
        check_int(priority, "priority", least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT)
    elif action == "change" and delay is None and at is None:
        raise InvalidInput("change what of them? Give priority, delay or at; nothing changed")
    changes = {"priority": priority, "delay": None if delay_us is None else written_duration(delay_us / 1e6), "at": at}
    if ids is None and selection.ids is not None:  # of `where`: one of its terms, not the whole choice
        term = Term(Field.ID, tuple(map(Is, selection.ids)))
        selection = replace(selection, ids=None, terms=(*selection.terms, term))
    order = Order(
        action=action, selection=selection, is_dry_run=dry_run, to=to, payload=payload, on_progress=on_progress,
        priority=priority, delay_us=delay_us, at_us=at_us,
        up_to=None if up_to is None else check_id(up_to, "up_to"),
        seen={one: check_state(state) for one, state in ids.items()} if isinstance(ids, Mapping) else None,
        command=_command(
            action, selection if ids is not None else None, queue, filters, to=to, payload=payload, changes=changes
        ),
    )  # fmt: skip
    return store.operating.act(order)


def list_activity(store: Store, limit: int, before: int | None, about: int | None = None) -> tuple[ActivityRecord, ...]:
    """See Workspace.activity."""
    below = None if before is None else check_id(before, "before")
    about = None if about is None else check_id(about, "about")
    return store.looking.activity(
        limit=check_int(limit, "limit", least=1, most=LARGEST_PAGE), before=below, about=about
    )


def undo(
    store: Store,
    activity_id: int | None,
    on_progress: OnProgress | None,
    tell_workers: Callable[[WorkerDeed], object] | None = None,
) -> Outcome:
    """See Workspace.undo. `tell_workers` has what undoes an activity done to workers; the store knows none."""
    which: int | Undoable = "done" if activity_id is None else check_id(activity_id, "activity_id")
    return take_back(store, which, on_progress, tell_workers)


def take_back(
    store: Store,
    which: int | Undoable,
    on_progress: OnProgress | None,
    tell_workers: Callable[[WorkerDeed], object] | None,
) -> Outcome:
    """As Operating.undo. What is not done to workers is not written down as undone."""
    if isinstance(which, str):
        record = store.looking.newest_of(store.origin.user, which)
    else:
        record = next(iter(store.looking.activity(limit=1, before=min(which + 1, LARGEST_ID))), None)
    is_found = record is not None and which in (record.id, "done", "undone")
    if record is None or not is_found or record.workers is None or not record.can_be_undone or tell_workers is None:
        return store.operating.undo(which, on_progress=on_progress)
    for deed in record.workers:
        tell_workers(deed)
    outcome = store.operating.undo(record.id)
    return outcome if isinstance(which, int) else replace(outcome, note=f"that was: {record.command}")


def _command(
    action: str,
    by_ids: Selection | None,
    queue: str | None,
    filters: dict[str, Any],
    *,
    to: str | None,
    payload: EncodedPayload | None,
    changes: Mapping[str, Any],
) -> str:
    """The command line that does the same."""
    ids: Sequence[int] | None = None if by_ids is None else by_ids.ids
    words: list[str] = []
    given = {"queue": None if ids is not None else queue, **{name: _written(value) for name, value in filters.items()}}
    if action == "purge":
        return act_command(action, ids=None, filters=given | {"queue": None}, words=[queue or "", "--yes"])
    if action == "erase":
        action, words = "trash", ["--empty", "--yes"]
    if to is not None:
        words += ["--to", to]
    for name, value in changes.items():
        if value is not None:
            words += [f"--{name}", value.isoformat() if isinstance(value, datetime) else str(value)]
    if payload is not None:  # never the payload itself: an activity is shown to everybody
        words += ["--payload", "-"] if action == "duplicate" else ["-"]
    return act_command(action, ids=ids, filters=given, words=words)


def _written(value: Any) -> str | None:
    """A filter's value as the command takes it."""
    if isinstance(value, State):
        return value.word
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ",".join(one.word if isinstance(one, State) else str(one) for one in value)
    return str(value)
