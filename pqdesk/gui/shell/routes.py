"""Where one can go in the window, and back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Route:
    """A page by its key, which messages of it as its filter would have it typed, and one thing of it by name.

    What is None stays as the page has it; "" is everything, or nothing in particular.
    """

    page: str
    filter: str | None = None
    subject: str | None = None


FAILED = Route("messages", filter="state:failed")


class History:
    """The routes that were left behind, for Back, and those that Back left, for Forward."""

    def __init__(self) -> None:
        self._behind: list[Route] = []
        self._ahead: list[Route] = []

    @property
    def why_not_back(self) -> str:
        return "" if self._behind else "Nowhere to go back to"

    @property
    def why_not_forward(self) -> str:
        return "" if self._ahead else "Nowhere to go forward to"

    def leave(self, route: Route) -> None:
        """Another one than `route` was gone to."""
        self._behind = [*self._behind, route][-_MOST_KEPT:]
        self._ahead = []

    def back(self, now: Route) -> Route | None:
        """Where one was before `now`; None at the beginning."""
        return _step(self._behind, self._ahead, now)

    def forward(self, now: Route) -> Route | None:
        """Where one was before going back to `now`; None at the end."""
        return _step(self._ahead, self._behind, now)


def _step(source: list[Route], target: list[Route], now: Route) -> Route | None:
    if not source:
        return None
    target.append(now)
    return source.pop()
