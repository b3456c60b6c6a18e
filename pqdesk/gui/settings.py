"""What the app remembers: one ini file in the user's state folder. What workers need to know is never here."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from pqdesk.gui.shell.kept import mapping
from pqdesk.gui.theme import ThemeChoice
from pqdesk.messages.json_text import load_json
from pqdesk.opening import read_plain

_MOST_RECENT = 6
_LARGEST_BYTES = 1024 * 1024

_log = logging.getLogger(__name__)


class Settings:
    """Typed access; Qt writes the file by itself shortly after a change, and on `save`."""

    def __init__(self, file: Path) -> None:
        if not _is_plain(file):
            _log.warning("what is set is not kept: %s is no file of settings; remove it", file)
            file = file / "settings.ini"  # it cannot be there, so Qt keeps all in memory
        self._settings = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeChoice:
        try:
            return ThemeChoice(self._text("theme"))
        except ValueError:
            return ThemeChoice.SYSTEM

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._settings.setValue("theme", choice.value)

    @property
    def last_workspace(self) -> str | None:
        return self._text("workspace/last") or None

    @property
    def recent_workspaces(self) -> list[str]:
        """Newest first."""
        value = self._settings.value("workspace/recent")
        if isinstance(value, str):  # an ini file does not tell a list of one from a text
            return [value] if value else []
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    def remember_workspace(self, path: str) -> None:
        self._settings.setValue("workspace/last", path)
        recent = [path, *(one for one in self.recent_workspaces if one != path)]
        self._settings.setValue("workspace/recent", recent[:_MOST_RECENT])
        for left in recent[_MOST_RECENT:]:
            self._settings.remove(_view_key(left))

    def forget_workspace(self, path: str) -> None:
        self._settings.setValue("workspace/recent", [one for one in self.recent_workspaces if one != path])
        self._settings.remove(_view_key(path))
        if self.last_workspace == path:
            self._settings.remove("workspace/last")

    @property
    def geometry(self) -> QByteArray:
        value = self._settings.value("window/geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("window/geometry", geometry)

    def view(self, place: str) -> Mapping[str, Any]:
        """How the window was when `place` was left; empty for one that is new, or that the file is wrong about."""
        try:
            return mapping(load_json(self._text(_view_key(place)) or "{}"))
        except ValueError:
            return {}

    def keep_view(self, place: str, view: Mapping[str, Any]) -> None:
        self._settings.setValue(_view_key(place), json.dumps(view))

    def was_told(self, note: str) -> bool:
        """Whether the one-time note called so was shown before."""
        return self._text(f"told/{note}") == "yes"

    def mark_told(self, note: str) -> None:
        self._settings.setValue(f"told/{note}", "yes")

    def save(self) -> None:
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key)
        return value if isinstance(value, str) else ""


def _view_key(place: str) -> str:
    return f"view/{sha256(os.fsencode(place)).hexdigest()[:16]}"  # a path is no key: its slashes would make groups


def _is_plain(file: Path) -> bool:
    """Whether Qt can read it, and the lock that it makes beside it, without waiting for ever."""
    for one in (file, file.with_name(f"{file.name}.lock")):
        try:
            read_plain(one, _LARGEST_BYTES, may_be_link=one is file, may_be_shared=True)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True
