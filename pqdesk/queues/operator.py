"""What an operator does to the messages of a queue or a workspace."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from pqdesk.later import Later
from pqdesk.messages.aliases import ActionOptions, Duration, Ids
from pqdesk.messages.checks import check_id, check_name
from pqdesk.messages.payloads import encode_payload
from pqdesk.staying import Staying
from pqdesk.storage.contract import Store
from pqdesk.storage.values import EncodedPayload

if TYPE_CHECKING:
    from pqdesk.messages import activities, records
else:
    activities, records = Later("pqdesk.messages.activities"), Later("pqdesk.messages.records")

SAME: Any = type("Same", (), {"__repr__": lambda _: "the same"})()  # as a payload: that of the original


class Operator(Staying):
    """The operator actions of Queue and Workspace.

        queue.retry([7, 9])
        queue.cancel(state="ready", where="age:>1d", dry_run=True)

    Each acts on `ids` (an int or an iterable) or on all messages that match a filter (see ActionOptions), in batches of
    1,000, each a transaction; a message whose state does not allow it is skipped. It leaves one activity, which
    `Workspace.undo` takes. `ids` may be a mapping of ids to the state that each was seen in, a State or its word: what
    is in another one by then is skipped, so that an order given twice is carried out once.

    Raises:
        InvalidInput: Neither ids nor a filter, or both; an argument is wrong. Nothing was changed.
        LookOnly: The workspace is set to look only.
    """

    store: Store

    def retry(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Failed, retrying, cancelled or completed → ready, with `max_attempts` more attempts allowed.

        Skipped when its key is in use. By a filter without a state, completed ones are left alone.
        Raises InvalidInput, LookOnly.
        """
        return self._act("retry", ids, **options)

    def run_now(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Scheduled → ready. Raises InvalidInput, LookOnly."""
        return self._act("run_now", ids, **options)

    def change(
        self,
        ids: Ids = None,
        *,
        priority: int | None = None,
        delay: Duration | None = None,
        at: datetime | None = None,
        **options: Unpack[ActionOptions],
    ) -> records.Outcome:
        """Another priority, or another time at which it is due, for scheduled, ready and retrying ones.

            queue.change(state="ready", priority=9)
            queue.change([7, 9], delay=3600)  # from now; or at=, an aware datetime

        What is ready and put off is scheduled; a time that has come makes it ready. Raises InvalidInput, LookOnly.
        """
        return self._act("change", ids, priority=priority, delay=delay, at=at, **options)

    def cancel(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Unfinished → cancelled; a running one's handler is asked (`Message.cancel_requested`), for good.

        Raises InvalidInput, LookOnly.
        """
        return self._act("cancel", ids, **options)

    def delete(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """To the trash, for 7 days; all but running ones. Raises InvalidInput, LookOnly."""
        return self._act("delete", ids, **options)

    def restore(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """From the trash, to the state it had. Skipped when its key is in use. Raises InvalidInput, LookOnly."""
        return self._act("restore", ids, **options)

    def move(self, ids: Ids = None, *, to: str, **options: Unpack[ActionOptions]) -> records.Outcome:
        """To the queue `to`, made if missing, as they are: id, state, attempts, key, group. All but running ones.

        Skipped when its key is in use there. Raises InvalidInput, LookOnly.
        """
        return self._act("move", ids, to=check_name(to, "to"), **options)

    def edit(self, ids: Ids, payload: Any, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Another payload; the one before is kept (`versions`). All but running and trashed ones; state stays.

        Raises InvalidInput, LookOnly.
        """
        return self._act("edit", ids, payload=EncodedPayload(*encode_payload(payload)), **options)

    def duplicate(self, ids: Ids = None, *, payload: Any = SAME, **options: Unpack[ActionOptions]) -> records.Outcome:
        """A new ready message like each: payload, type, priority, headers, group, max_attempts; no key, no expiry.

        With `payload`, it has that instead: to put an edited message anew while the old one stays.
        `Outcome.new_ids` are the new ones. Skipped when the queue has its max_size. Undone, they go to the trash.
        Raises InvalidInput, LookOnly.
        """
        encoded = None if payload is SAME else EncodedPayload(*encode_payload(payload))
        return self._act("duplicate", ids, payload=encoded, **options)

    def empty_trash(self, ids: Ids = None, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Delete for good what is in the trash: all of it, or these. Cannot be undone.

        Raises InvalidInput, LookOnly.
        """
        return self._act("erase", ids, is_all_meant=ids is None, **options)

    def purge(self, **options: Unpack[ActionOptions]) -> records.Outcome:
        """Everything of a queue but what runs, or what of it a filter describes, to the trash.

        100,000 messages or more are deleted for good, which cannot be undone; `Outcome.note` says so. A dry run tells.
        Raises InvalidInput, LookOnly.
        """
        return self._act("purge", None, is_all_meant=True, **options)

    def versions(self, id: int) -> tuple[activities.VersionRecord, ...]:
        """The payloads a message had before it was edited, oldest first. Raises NotFound."""
        return self.store.looking.versions(check_id(id))

    @abstractmethod
    def _act(self, action: str, ids: Ids, **options: Any) -> records.Outcome: ...
