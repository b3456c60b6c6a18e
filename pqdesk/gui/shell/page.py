"""What every page of the window is. A new page is a folder with a Page in it, and a line in pqdesk/gui/registry.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock
from pqdesk.gui.places import Place
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.health_watch import HealthWatch
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.throughput import Throughput


@dataclass(frozen=True, slots=True)
class Parts:
    """What a page of one workspace is made over: its threads, what they serve, and how things look.

    `actions` are those on the workspace as a whole, for buttons.
    """

    place: Place
    reader: Reader
    actor: Actor
    link: SupervisorLink
    health: HealthWatch
    throughput: Throughput
    actions: ActionSet
    theme: Theme
    clock: Clock


class Page(QWidget):
    """One page. It shows and asks; it never knows another page, only routes.

    Attributes:
        key: What routes, settings and `pqdesk open --page` call it.
        title: What the sidebar, the menus and the header call it.
        icon: Its name in resources/icons.
        action_set: What can be done there.
        shows_workers: Whether supervisord is looked at more often while the page is seen.

    Signals:
        route_asked: A Route to somewhere else.
        order_asked: An Order.
        told: One sentence for the toast, and whether it is a problem.
        badge_changed: How many things wait there for a person, and what they are: 3, "failed message".
    """

    key: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]
    shows_workers: ClassVar[bool] = False

    action_set: ActionSet

    route_asked = Signal(object)
    order_asked = Signal(object)
    told = Signal(str, bool)
    badge_changed = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("look", "page")

    @classmethod
    def make(cls, parts: Parts) -> Page:
        """The page over these threads."""
        raise NotImplementedError

    @property
    def route(self) -> Route:
        """What is shown now: going there again shows the same."""
        return Route(self.key)

    def go(self, route: Route) -> None:
        """Show what `route` says; it is one of this page."""

    def places(self, typed: str) -> Iterator[tuple[str, Route]]:
        """Where on this page the palette can lead, in words; `typed` is what stands in it: a number may be an id."""
        yield from ()

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self]

    def begin_find(self) -> None:
        """Put the focus where one says what is looked for; nothing where there is no such place."""

    def set_live(self, is_live: bool) -> None:
        """Follow what happens; otherwise stand still, and ask for nothing."""
        raise NotImplementedError

    def kept(self) -> dict[str, Any]:
        """What the next start shall find again, besides the route: values that JSON has."""
        return {}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as `kept` says. It was read from a file: what is not understood is left out."""
