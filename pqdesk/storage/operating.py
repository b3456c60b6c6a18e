"""What an operator does to messages and queues, as every engine offers it: `Store.operating`."""

from __future__ import annotations

from typing import Protocol

from pqdesk.messages.records import Outcome
from pqdesk.messages.selection import Selection


class Operating(Protocol):
    """Operator actions. Thread-safe; each returns after its flush."""

    def act(self, action: str, selection: Selection, *, is_dry_run: bool = False) -> Outcome:
        """`retry`, `run_now`, `cancel`, `delete` or `restore` what is selected, in batches, skipping what may not."""
        ...
