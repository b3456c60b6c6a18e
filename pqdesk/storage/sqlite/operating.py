"""Operator actions on any number of messages: in batches of one transaction each, so that workers claim in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pqdesk.messages.records import Outcome
from pqdesk.messages.selection import Selection
from pqdesk.storage.sqlite.actions import ACTIONS, BATCH, DEFAULT_STATES, Acting
from pqdesk.storage.sqlite.chores import Chores
from pqdesk.storage.sqlite.connection import Translating, only_value
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.listing import select_ids
from pqdesk.storage.sqlite.queue_rows import find_queue

_HIGHEST_ID = "SELECT coalesce(max(id), 0) FROM pqdesk_message"


class SqliteOperating:
    """See `storage.operating.Operating`."""

    def __init__(self, engine: Engine, chores: Chores) -> None:
        self._engine, self._chores = engine, chores

    def act(self, action: str, selection: Selection, *, is_dry_run: bool = False) -> Outcome:
        assert action in ACTIONS, action
        done, skipped, errors = 0, 0, []
        self._promote_due()
        for ids in self._batches(action, selection):
            with contextlib.suppress(_RolledBack), self._engine.writing() as db:
                only_queue = None if selection.queue is None else find_queue(db, selection.queue) or 0
                acting = Acting(db, self._engine.clock.wall_us(), only_queue)
                one_done, one_skipped, one_errors = acting.apply(action, ids)
                queue_ids = acting.queue_ids()
                if is_dry_run:
                    raise _RolledBack
            done, skipped = done + one_done, skipped + one_skipped
            errors.extend(one_errors)
            if not is_dry_run:
                self._engine.ring(self._engine.queue_name(queue_id) for queue_id in queue_ids)
                self._engine.flush()
        return Outcome(done, skipped, tuple(errors))

    def _promote_due(self) -> None:
        """What is due is ready, whoever says so first."""
        with self._engine.locked():
            while self._chores.promote_overdue():
                pass

    def _batches(self, action: str, selection: Selection) -> Iterator[list[int]]:
        if selection.ids is not None:
            ids = list(dict.fromkeys(selection.ids))
            yield from (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
            return
        fields = {name: getattr(selection, name) for name in selection.__slots__}
        fields["is_trashed"] = action == "restore"
        wanted = Selection(**{**fields, "states": selection.states or DEFAULT_STATES[action]})
        with self._engine.locked() as db, Translating(self._engine.path):
            below = only_value(db, _HIGHEST_ID) + 1  # what comes after this moment is not meant
        while True:
            with self._engine.locked() as db, Translating(self._engine.path):
                ids = select_ids(db, wanted, now_us=self._engine.clock.wall_us(), below=below, limit=BATCH)
            if not ids:
                return
            below = ids[-1]
            yield ids


class _RolledBack(Exception):
    pass
