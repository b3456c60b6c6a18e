"""The messages page: a live table over any number of messages, what can be done to them, and one of them whole."""

from __future__ import annotations

from pqdesk.clock import SystemClock
from pqdesk.gui.pages.messages.messages_page import MessagesPage
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink

__all__ = ["MessagesPage", "build"]


def build(reader: Reader, actor: Actor, theme: Theme, link: SupervisorLink) -> MessagesPage:
    """The page over this reader, actor and link's log reader, which live in threads of their own."""
    return MessagesPage(reader, actor, theme, SystemClock(), link)
