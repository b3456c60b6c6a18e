"""Rows and columns of widgets, in one call each."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

Thing = QWidget | QLayout
# a widget or a layout, with its share of the room, with its alignment; so many empty pixels; or what room is left
Part = Thing | tuple[Thing, int] | tuple[Thing, Qt.AlignmentFlag] | int | None
Margins = tuple[int, int, int, int]
Box = TypeVar("Box", bound=QBoxLayout)


def hbox(*parts: Part, on: QWidget | None = None, margins: Margins = (0, 0, 0, 0), spacing: int = -1) -> QHBoxLayout:
    """From left to right: the layout of `on`, or one to be put into another. A spacing of -1 is that of the style."""
    return _filled(QHBoxLayout(), on, parts, margins, spacing)


def vbox(*parts: Part, on: QWidget | None = None, margins: Margins = (0, 0, 0, 0), spacing: int = -1) -> QVBoxLayout:
    """The same from top to bottom."""
    return _filled(QVBoxLayout(), on, parts, margins, spacing)


def _filled(box: Box, on: QWidget | None, parts: tuple[Part, ...], margins: Margins, spacing: int) -> Box:
    if on is not None:
        on.setLayout(box)
    box.setContentsMargins(*margins)
    box.setSpacing(spacing)
    for part in parts:
        if part is None:
            box.addStretch(1)
        elif isinstance(part, int):
            box.addSpacing(part)
        else:
            _add(box, *(part if isinstance(part, tuple) else (part, 0)))
    return box


def _add(box: QBoxLayout, thing: Thing, how: int | Qt.AlignmentFlag) -> None:
    stretch, alignment = (0, how) if isinstance(how, Qt.AlignmentFlag) else (how, Qt.AlignmentFlag(0))
    if isinstance(thing, QWidget):
        box.addWidget(thing, stretch, alignment)
    else:
        box.addLayout(thing, stretch)
