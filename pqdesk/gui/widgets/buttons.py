"""Buttons in the looks of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget


def make_button(
    text: str, object_name: str, parent: QWidget | None = None, *, look: str = "", description: str = ""
) -> QPushButton:
    """A push button named by its verb; `look` is primary, quiet, link or nothing."""
    button = QPushButton(text, parent)
    dress_button(button, object_name, look)
    if description:
        button.setAccessibleDescription(description)
    return button


def dress_button(button: QPushButton, object_name: str, look: str) -> None:
    """The same for a button of another class."""
    button.setObjectName(object_name)
    button.setAutoDefault(False)
    if look:
        button.setProperty("look", look)
    if look == "link":
        button.setCursor(Qt.CursorShape.PointingHandCursor)
