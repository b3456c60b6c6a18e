"""About, and the list of shortcuts."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.storage import sqlite_source_day, sqlite_version
from pqdesk.version import installed_version


class AboutDialog(QDialog):
    """What runs here: versions to quote in a report, and where the workspace is."""

    def __init__(self, location: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        _prepare(self, "about_dialog", "About PQDesk")
        mark = QLabel(self)
        mark.setPixmap(theme.pixmap("pqdesk", Role.TEXT, 56, self.devicePixelRatioF()))
        name = PlainLabel("PQDesk", self, font=theme.font(170, is_semibold=True))
        what = PlainLabel("Durable background work on one machine", self, look="muted")
        words = vbox(name, what, spacing=2)
        head = hbox(mark, (words, 1), spacing=16)
        rows = (*read_versions(), ("Workspace", location), ("Licence", "MIT"))
        copy = make_button("Copy", "copy_versions", self, description="Copy the versions")
        text = "\n".join(f"{left}: {right}" for left, right in rows)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        _fill(self, head, rows, theme, copy)


class ShortcutsDialog(QDialog):
    """Every key of the window."""

    def __init__(self, rows: Sequence[tuple[str, str]], theme: Theme, parent: QWidget) -> None:
        """`rows` are keys and what they do."""
        super().__init__(parent)
        _prepare(self, "shortcuts_dialog", "Keyboard shortcuts")
        title = PlainLabel("Keyboard shortcuts", self, font=theme.font(140, is_semibold=True))
        head = QHBoxLayout()
        head.addWidget(title)
        _fill(self, head, rows, theme, columns=2)


def read_versions() -> tuple[tuple[str, str], ...]:
    """PQDesk, its engine, Qt and Python, by name."""
    return (
        ("PQDesk", installed_version()),
        ("SQLite", f"{sqlite_version()} of {sqlite_source_day()}"),
        ("Qt", f"{qVersion()} (PySide6 {pyside_version})"),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.release()}"),
    )


def _prepare(dialog: QDialog, name: str, title: str) -> None:
    dialog.setObjectName(name)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)


def _fill(
    dialog: QDialog,
    head: QHBoxLayout,
    rows: Sequence[tuple[str, str]],
    theme: Theme,
    *buttons: QWidget,
    columns: int = 1,
) -> None:
    in_one = -(-len(rows) // columns)
    grid = QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(8)
    for at, (left, right) in enumerate(rows):
        value = PlainLabel(
            right,
            dialog,
            textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse,
            font=theme.font(),
            wordWrap=True,
            minimumWidth=320 if columns == 1 else 220,
        )
        row, column = at % in_one, 2 * (at // in_one)
        grid.addWidget(PlainLabel(left, dialog, look="muted"), row, column, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(value, row, column + 1)
        grid.setColumnStretch(column + 1, 1)
    close = make_button("Close", "close_button", dialog, look="primary")
    close.setDefault(True)
    close.clicked.connect(dialog.accept)
    foot = hbox(None, *buttons, close)
    vbox(head, grid, foot, on=dialog, margins=(24, 24, 24, 16), spacing=20)
