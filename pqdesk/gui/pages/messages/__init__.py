"""The messages page: a live table over any number of messages, what can be done to them, and one of them whole."""

from __future__ import annotations

from pqdesk.gui.pages.messages.messages_page import MessagesPage

__all__ = ["MessagesPage"]
