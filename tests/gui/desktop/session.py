"""A private, throw-away desktop: its parts, the programs on it, and hands and eyes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil

from tests.folders import fresh_folders
from tests.gui.desktop.accessibility import Accessibility, DesktopError, Widget
from tests.gui.desktop.parts import Parts
from tests.gui.desktop.program import Program
from tests.gui.desktop.tray import TrayIcon, tray_icons
from tests.processes import end_processes, marked_processes

T = TypeVar("T")

_MARKER = "PQDESK_TEST_DESKTOP"


class Desktop:
    """Use it as a context manager; leaving ends every program that it started, directly or not.

    Args:
        size: Width and height in pixels.
        has_tray: Whether there is a system tray.
        folders: HOME and XDG_… variables for the programs; by default fresh ones that end with the desktop.
    """

    def __init__(
        self, *, size: tuple[int, int] = (1280, 800), has_tray: bool = True, folders: Mapping[str, str] | None = None
    ) -> None:
        self._size, self._has_tray = size, has_tray
        self._token = uuid.uuid4().hex
        self._programs: list[Program] = []
        self.folder = Path(tempfile.mkdtemp(prefix="d"))  # short: socket paths end at 107 bytes
        own_folders = folders or fresh_folders(self.folder / "home", self.folder / "run")
        self._parts = Parts(self.folder, own_folders, (_MARKER, self._token), self.wait_until)
        self._accessibility: Accessibility | None = None

    # --- life -------------------------------------------------------------------------------------

    def __enter__(self) -> Desktop:
        try:
            self._parts.start(self._size, has_tray=self._has_tray)
            self._accessibility = Accessibility(self._parts.part_environment, self.folder / "agent.log")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for program in self._programs:
            program.end()
        end_processes(self.leftovers())
        if self._accessibility is not None:
            self._accessibility.close()
        self._parts.close()
        end_processes(marked_processes(_MARKER, self._token))  # such as the accessibility bus's own children
        shutil.rmtree(self.folder, ignore_errors=True)

    def leftovers(self) -> list[psutil.Process]:
        """What outlives the programs that were launched: a supervisord, workers."""
        alive = {program.pid for program in self._programs if program.is_running}
        return [one for one in marked_processes(_MARKER, self._program_mark) if one.pid not in alive]

    # --- programs ---------------------------------------------------------------------------------

    def launch(
        self, command: Sequence[str | os.PathLike[str]], *, environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program in the home folder, with `environment` on top of the desktop's."""
        log = self.folder / f"program-{len(self._programs)}.log"
        everything = {**self._parts.environment, _MARKER: self._program_mark, **(environment or {})}
        words = [os.fspath(word) for word in command]
        program = Program(self, words, everything, Path(everything["HOME"]), log)
        self._programs.append(program)
        return program

    def widgets(self, session: int, **criteria: Any) -> list[Widget]:
        assert self._accessibility is not None
        return self._accessibility.find(session, self.click, **criteria)

    def tree(self, session: int, *, is_whole: bool = False) -> str:
        assert self._accessibility is not None
        return str(self._accessibility.ask("tree", session=session, is_whole=is_whole))

    def wait_until(self, condition: Callable[[], T], what: str, *, timeout_s: float = 30.0) -> T:
        """The first true answer of `condition`; what cannot be found or read yet is asked again."""
        ends_at = time.monotonic() + timeout_s
        reason = ""
        while True:
            try:
                if answer := condition():
                    return answer
                reason = ""
            except (DesktopError, LookupError, ValueError) as exc:
                reason = ": " + str(exc).split("\n", 1)[0]  # below it is evidence; who waits longest tells its own
            if time.monotonic() > ends_at:
                raise DesktopError(f"waited {timeout_s:g} s in vain for {what}{reason}")
            time.sleep(0.05)

    # --- hands and eyes ---------------------------------------------------------------------------

    def click(self, x: int, y: int, button: int = 1) -> None:
        self._parts.run("xdotool", "mousemove", str(x), str(y))  # --sync waits 15 s if the pointer is there already
        self._parts.run("xdotool", "click", str(button))

    def press_keys(self, *combinations: str) -> None:
        """Such as "ctrl+q" or "Down"; the window with the focus gets them."""
        self._parts.run("xdotool", "key", "--clearmodifiers", *combinations)

    def type_text(self, text: str) -> None:
        self._parts.run("xdotool", "type", "--clearmodifiers", "--delay", "15", text)

    def screenshot(self, path: os.PathLike[str]) -> None:
        """The whole screen, as a PNG."""
        self._parts.run("import", "-window", "root", f"png:{os.fspath(path)}")

    def tray_icons(self) -> list[TrayIcon]:
        return tray_icons(self, self._parts.run("xwininfo", "-root", "-tree"))

    def tray_icon(self) -> TrayIcon:
        """The first icon in the tray; waits for it."""
        return self.wait_until(self.tray_icons, "an icon in the tray")[0]

    def shown_windows(self) -> set[str]:
        """Ids of all windows that can be seen, menus too."""
        return set(self._parts.run("xdotool", "search", "--onlyvisible", "--name", "", is_checked=False).split())

    @property
    def _program_mark(self) -> str:
        return self._token + "-program"
