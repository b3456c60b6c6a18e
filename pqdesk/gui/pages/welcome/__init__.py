"""The page of an empty workspace."""

from __future__ import annotations

from pqdesk.gui.pages.welcome.welcome_view import Trouble, WelcomeView

__all__ = ["Trouble", "WelcomeView"]
