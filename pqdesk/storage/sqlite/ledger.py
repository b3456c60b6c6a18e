"""Who acts through a store: every part of it asks here whether that is allowed, and writes here what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from pqdesk.messages.origin import Origin
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.look_only import refuse_look_only

if TYPE_CHECKING:
    from pqdesk.messages.activities import NewActivity


class Ledger:
    """Used inside write transactions. `origin` is set by whoever opens the store."""

    def __init__(self, engine: Engine) -> None:
        self.origin = Origin.here()
        self._engine = engine

    def refuse(self, db: apsw.Connection, what: str) -> None:
        """Raise LookOnly where people may only look: `what` ("retried") was not done."""
        if not self.origin.is_worker:
            refuse_look_only(db, str(self._engine.path.parent), what)

    def add(self, db: apsw.Connection, new: NewActivity) -> int:
        """Write down an activity; its id. What is done to messages is counted by activity.count."""
        from pqdesk.storage.sqlite.activity import add_activity  # who only puts and works leaves none

        return add_activity(
            db, self._engine.clock.wall_us(), self.origin.actor, new.action, new.command,
            queue=new.queue, done=1 if new.before is not None else 0, before=new.before, why_not=new.why_not,
        )  # fmt: skip
