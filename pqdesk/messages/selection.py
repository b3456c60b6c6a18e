"""Which messages a listing or an action is about. A plain value that crosses threads and layers."""

from __future__ import annotations

from dataclasses import dataclass

from pqdesk.messages.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which messages a listing or an action is about: ids, or all that match every field that is set."""

    ids: tuple[int, ...] | None = None
    queue: str | None = None
    states: tuple[State, ...] = ()
    type: str | None = None
    search: str | None = None
    is_trashed: bool = False
