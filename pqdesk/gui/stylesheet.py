"""The few things that a palette cannot say. By object name or property only: sheets on item views are slow."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QColor

from pqdesk.gui.palette import Role

_SHEET = """
QToolTip {{ border: 1px solid {hairline}; padding: 4px; color: {text}; background: {base}; }}
"""


def make_stylesheet(color: Callable[[Role], QColor]) -> str:
    """The application's style sheet in the colours of the theme."""
    return _SHEET.format(**{role.name.lower(): color(role).name() for role in Role})
