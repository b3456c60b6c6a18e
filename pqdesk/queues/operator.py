"""What an operator does to the messages of a queue or a workspace: checked here, done by the store."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import check_int, check_name
from pqdesk.messages.commands import act_command, command_line
from pqdesk.messages.payloads import encode_payload
from pqdesk.messages.records import Outcome
from pqdesk.messages.selection import Field, Is, Selection, Term
from pqdesk.messages.states import State
from pqdesk.queues.operations import Ids, select
from pqdesk.storage.contract import EncodedPayload, Store
from pqdesk.storage.operating import Order

if TYPE_CHECKING:
    from pqdesk.messages.activities import ActivityRecord, OnProgress, VersionRecord

_LARGEST_ID = 2**63 - 1
_LARGEST_PAGE = 10_000


SAME: Any = type("Same", (), {"__repr__": lambda _: "the same"})()  # as a payload: that of the original


class Options(TypedDict, total=False):
    """What every action takes beside ids: a filter instead of them, and how it is to go.

    Attributes:
        queue: Of a Workspace's actions only: the messages of this queue.
        state, type, search, where: As of `messages`; `where` is the filter grammar of the window. All that match.
        up_to: The highest id that is meant by the filter; else the highest there is at the start.
        dry_run: Change nothing, and tell what would be.
        on_progress: Called between batches with how many are done and skipped so far. It may block, to pause, and
            return False to stop there; what is done stays done.
    """

    queue: str
    state: Any
    type: str
    search: str
    where: str
    up_to: int | None
    dry_run: bool
    on_progress: OnProgress | None


class Operator:
    """The operator actions of Queue and Workspace.

        queue.retry([7, 9])
        queue.cancel(state="ready", where="age:>1d", dry_run=True)

    Each acts on `ids` (an int or an iterable) or on all messages that match a filter (see Options), in batches of
    1,000, each a transaction; a message whose state does not allow it is skipped. It leaves one activity, which
    `Workspace.undo` takes.

    Raises:
        InvalidInput: Neither ids nor a filter, or both; an argument is wrong. Nothing was changed.
        LookOnly: The workspace is set to look only.
    """

    store: Store

    def retry(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """Failed, retrying, cancelled or completed → ready, with `max_attempts` more attempts allowed.

        Skipped when its key is in use. By a filter without a state, completed ones are left alone.
        Raises InvalidInput, LookOnly.
        """
        return self._act("retry", ids, **options)

    def run_now(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """Scheduled → ready. Raises InvalidInput, LookOnly."""
        return self._act("run_now", ids, **options)

    def cancel(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """Unfinished → cancelled; a running one's handler is asked (`Message.cancel_requested`), for good.

        Raises InvalidInput, LookOnly.
        """
        return self._act("cancel", ids, **options)

    def delete(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """To the trash, for 7 days; all but running ones. Raises InvalidInput, LookOnly."""
        return self._act("delete", ids, **options)

    def restore(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """From the trash, to the state it had. Skipped when its key is in use. Raises InvalidInput, LookOnly."""
        return self._act("restore", ids, **options)

    def move(self, ids: Ids = None, *, to: str, **options: Unpack[Options]) -> Outcome:
        """To the queue `to`, made if missing, as they are: id, state, attempts, key, group. All but running ones.

        Skipped when its key is in use there. Raises InvalidInput, LookOnly.
        """
        return self._act("move", ids, to=check_name(to, "to"), **options)

    def edit(self, ids: Ids, payload: Any, **options: Unpack[Options]) -> Outcome:
        """Another payload; the one before is kept (`versions`). All but running and trashed ones; state stays.

        Raises InvalidInput, LookOnly.
        """
        return self._act("edit", ids, payload=EncodedPayload(*encode_payload(payload)), **options)

    def duplicate(self, ids: Ids = None, *, payload: Any = SAME, **options: Unpack[Options]) -> Outcome:
        """A new ready message like each: payload, type, priority, headers, group, max_attempts; no key, no expiry.

        With `payload`, it has that instead: to put an edited message anew while the old one stays.
        `Outcome.new_ids` are the new ones. Skipped when the queue has its max_size. Undone, they go to the trash.
        Raises InvalidInput, LookOnly.
        """
        encoded = None if payload is SAME else EncodedPayload(*encode_payload(payload))
        return self._act("duplicate", ids, payload=encoded, **options)

    def empty_trash(self, ids: Ids = None, **options: Unpack[Options]) -> Outcome:
        """Delete for good what is in the trash: all of it, or these. Cannot be undone.

        Raises InvalidInput, LookOnly.
        """
        return self._act("erase", ids, is_all_meant=ids is None, **options)

    def purge(self, **options: Unpack[Options]) -> Outcome:
        """Everything of a queue but what runs, or what of it a filter describes, to the trash.

        100,000 messages or more are deleted for good, which cannot be undone; `Outcome.note` says so. A dry run tells.
        Raises InvalidInput, LookOnly.
        """
        return self._act("purge", None, is_all_meant=True, **options)

    def versions(self, id: int) -> tuple[VersionRecord, ...]:
        """The payloads a message had before it was edited, oldest first. Raises NotFound."""
        return self.store.looking.versions(check_int(id, "id", least=0, most=_LARGEST_ID))

    @abstractmethod
    def _act(self, action: str, ids: Ids, **options: Any) -> Outcome: ...


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
    if ids is None and selection.ids is not None:  # of `where`: one of its terms, not the whole choice
        term = Term(Field.ID, tuple(map(Is, selection.ids)))
        selection = replace(selection, ids=None, terms=(*selection.terms, term))
    order = Order(
        action=action, selection=selection, is_dry_run=dry_run, to=to, payload=payload, on_progress=on_progress,
        up_to=None if up_to is None else check_int(up_to, "up_to", least=0, most=_LARGEST_ID),
        command=_command(action, selection if ids is not None else None, queue, filters, to=to, payload=payload),
    )  # fmt: skip
    return store.operating.act(order)


def list_activity(store: Store, limit: int, before: int | None) -> tuple[ActivityRecord, ...]:
    """See Workspace.activity."""
    below = None if before is None else check_int(before, "before", least=0, most=_LARGEST_ID)
    return store.looking.activity(limit=check_int(limit, "limit", least=1, most=_LARGEST_PAGE), before=below)


def undo(store: Store, activity_id: int, on_progress: OnProgress | None) -> Outcome:
    """See Workspace.undo."""
    check_int(activity_id, "activity_id", least=0, most=_LARGEST_ID)
    return store.operating.undo(activity_id, command=command_line("undo", str(activity_id)), on_progress=on_progress)


def _command(
    action: str,
    by_ids: Selection | None,
    queue: str | None,
    filters: dict[str, Any],
    *,
    to: str | None,
    payload: EncodedPayload | None,
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
