"""One program on the private desktop, with its widgets."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.gui.desktop.accessibility import DesktopError, Table, Widget
from tests.processes import end_child

if TYPE_CHECKING:
    from tests.gui.desktop.session import Desktop

T = TypeVar("T")

_TREE_CHARACTERS, _OUTPUT_CHARACTERS = 8_000, 2_000


class Program:
    """A program and its session of processes. Its widgets are those of all its windows."""

    def __init__(
        self, desktop: Desktop, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self._desktop = desktop
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the agent tells programs apart by their session
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        """What it has written so far, stdout and stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    # --- looking ----------------------------------------------------------------------------------

    def all(
        self,
        name: str | None = None,
        *,
        role: str | None = None,
        object_name: str | None = None,
        states: Sequence[str] = ("showing",),
        limit: int = 200,
    ) -> list[Widget]:
        """Every widget that meets all that is given and is in all `states`, in AT-SPI's words."""
        return self._desktop.widgets(
            self.pid, name=name, role=role, object_name=object_name, states=[*states], limit=limit
        )

    def find(self, name: str | None = None, *, timeout_s: float = 30.0, **criteria: Any) -> Widget:
        """The first such widget; waits for it. Raises DesktopError with the tree and the output."""
        what = f"widget {name!r} {criteria or ''}"
        return self.wait_until(lambda: self.all(name, **criteria, limit=1), what, timeout_s=timeout_s)[0]

    def has(self, name: str | None = None, **criteria: Any) -> bool:
        return bool(self.all(name, **criteria, limit=1))

    def wait_gone(self, name: str | None = None, *, timeout_s: float = 30.0, **criteria: Any) -> None:
        what = f"widget {name!r} {criteria or ''} to go"
        self.wait_until(lambda: not self.has(name, **criteria), what, timeout_s=timeout_s)

    def window(self, *, timeout_s: float = 30.0) -> Widget:
        """Its first shown main window."""
        return self.find(role="frame", timeout_s=timeout_s)

    def table(self, name: str, *, first: int = 0, count: int = 200, timeout_s: float = 30.0) -> Table:
        return self.find(name, role="table", timeout_s=timeout_s).table(first=first, count=count)

    def text(self, object_name: str, *, timeout_s: float = 30.0) -> str:
        """What the shown widget of that object name says."""
        return self.find(object_name=object_name, timeout_s=timeout_s).shown

    def tree(self, *, is_whole: bool = False) -> str:
        """Its accessible tree, one widget a line; what is not shown only if `is_whole`."""
        return self._desktop.tree(self.pid, is_whole=is_whole)

    # --- doing ------------------------------------------------------------------------------------

    def press(self, name: str | None = None, *, timeout_s: float = 30.0, **criteria: Any) -> None:
        """Press the first such widget, as soon as it is there and enabled."""

        def enabled() -> list[Widget]:
            return [widget for widget in self.all(name, **criteria) if widget.is_enabled and widget.actions]

        self.wait_until(enabled, f"an enabled {name!r} {criteria or ''}", timeout_s=timeout_s)[0].press()

    def click(self, name: str | None = None, *, button: int = 1, **criteria: Any) -> None:
        self.find(name, **criteria).click(button)

    def set_text(self, name: str, text: str, **criteria: Any) -> None:
        self.find(name, **criteria).set_text(text)

    def choose_menu(self, *path: str) -> None:
        """Open each menu of `path` and press its last entry."""
        for name in path[:-1]:
            self.press(name, role="menu item")
        self.press(path[-1], role="menu item")
        for _ in path:  # pressed through AT-SPI, an entry does its work and leaves the menus open
            if self.is_running and self.has(role="popup menu"):
                self._desktop.press_keys("Escape")

    # --- ending -----------------------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL, and reap it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_exit(self, *, timeout_s: float = 30.0) -> int:
        """Its exit status, once it ends by itself."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise DesktopError(f"still running after {timeout_s} s\n{self._evidence()}") from None

    def end(self) -> int:
        """TERM, then KILL. Its exit status."""
        return end_child(self.process)

    def wait_until(self, condition: Callable[[], T], what: str, *, timeout_s: float = 30.0) -> T:
        """Wait for `condition` to be true, while the program runs. On failure tells the tree and the output."""

        def checked() -> T:
            if not self.is_running:
                raise _Ended
            return condition()

        try:
            return self._desktop.wait_until(checked, what, timeout_s=timeout_s)
        except _Ended:
            status = self.process.returncode
            raise DesktopError(
                f"program ended with {status} before {what}\n{self.output[-_OUTPUT_CHARACTERS:]}"
            ) from None
        except DesktopError as exc:
            raise DesktopError(f"{exc}\n{self._evidence()}") from None

    def _evidence(self) -> str:
        return f"{self.tree()[:_TREE_CHARACTERS]}\n--- output ---\n{self.output[-_OUTPUT_CHARACTERS:]}"


class _Ended(Exception):
    """The program is gone, so waiting on is useless."""
