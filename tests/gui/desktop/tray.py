"""The icons in the desktop's tray: where they are, and their menus worked by keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.gui.desktop.accessibility import DesktopError

if TYPE_CHECKING:
    from tests.gui.desktop.session import Desktop

TRAY_PROGRAM = "trayer"
_LARGEST_ICON_PX = 64
_MENU_CLICKS = 5
# One line of `xwininfo -root -tree`: indent, id, title, (class), size and place in the parent, place on the screen.
_WINDOW = re.compile(
    r'(?P<indent> *)(?P<id>0x[0-9a-f]+) (?:"(?P<title>.*)"|\(has no name\)): \((?P<class>.*?)\)\s+'
    r"(?P<width>\d+)x(?P<height>\d+)\+-?\d+\+-?\d+\s+\+(?P<x>-?\d+)\+(?P<y>-?\d+)"
)


@dataclass(frozen=True, slots=True)
class TrayIcon:
    """A docked icon. `x`, `y` is its centre on the screen."""

    title: str
    x: int
    y: int
    _desktop: Desktop = field(repr=False, compare=False)

    def click(self, button: int = 1) -> None:
        self._desktop.click(self.x, self.y, button)

    def choose(self, *keys: str) -> None:
        """Open its menu and press `keys` there, such as "Down", "Down", "Return". "Up" first is the last entry."""
        menu = self._open_menu()
        for key in keys:
            self._desktop.press_keys(key)
        self._desktop.wait_until(lambda: not menu & self._desktop.shown_windows(), "the tray's menu to close")

    def _open_menu(self) -> set[str]:
        before = self._desktop.shown_windows()
        for _ in range(_MENU_CLICKS):
            self.click(3)
            try:
                what = "the tray's menu"
                return self._desktop.wait_until(lambda: self._desktop.shown_windows() - before, what, timeout_s=2.0)
            except DesktopError:
                continue  # soon after the click before it counts as a double click, which opens no menu
        raise DesktopError(f"no menu after {_MENU_CLICKS} clicks on {self.title!r}")


def tray_icons(desktop: Desktop, windows: str) -> list[TrayIcon]:
    """The icons inside the tray's window, from the output of `xwininfo -root -tree`."""
    icons: list[TrayIcon] = []
    tray_indent: int | None = None
    for line in windows.splitlines():
        window = _WINDOW.match(line)
        if window is None:
            continue
        indent, width, height = len(window["indent"]), int(window["width"]), int(window["height"])
        if tray_indent is not None and indent <= tray_indent:
            tray_indent = None
        if tray_indent is None:
            tray_indent = indent if TRAY_PROGRAM in window["class"] else None
        elif window["class"] and TRAY_PROGRAM not in window["class"] and max(width, height) <= _LARGEST_ICON_PX:
            x, y = int(window["x"]) + width // 2, int(window["y"]) + height // 2
            icons.append(TrayIcon(window["title"] or "", x, y, desktop))
    return icons
