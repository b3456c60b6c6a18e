"""What a person does in the window, in a few words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.gui.desktop import Desktop, Program, Table

_WORKERS, _MESSAGES = "Workers", "Messages"


class Window:
    """The app's window. Pages are opened where a question needs one."""

    def __init__(self, desktop: Desktop, program: Program) -> None:
        self.desktop = desktop
        self.program = program

    def open_page(self, title: str) -> None:
        """Press the sidebar's entry and wait until it is the current one."""
        entry = f"sidebar_{title.lower()}"  # menus have entries of the same names
        self.program.press(title, object_name=entry)
        self.wait(lambda: "current page" in self.program.find(title, object_name=entry).description, f"page {title}")

    def count(self, state: str) -> int:
        """What the Overview's tile says."""
        tile = self.program.find(state.capitalize(), object_name=f"tile_{state}")
        number = re.match(r"[\d,]+", tile.description)
        return int(number[0].replace(",", "")) if number else 0

    def wait_for_count(self, state: str, at_least: int) -> int:
        """Wait on the Overview until so many messages are in `state`; how many there are then."""
        self.wait(lambda: self.count(state) >= at_least, f"{at_least} {state}")
        return self.count(state)

    def workers(self) -> Table:
        return self.program.table(_WORKERS)

    def messages(self) -> Table:
        return self.program.table(_MESSAGES)

    def worker_state(self, name: str) -> str:
        return self.workers().row("Name", name)["State"]

    def wait_for_worker(self, name: str, state: str) -> None:
        """Wait on the page Workers."""
        self.wait(lambda: self.worker_state(name) == state, f"{name} to be {state}")

    def filter_messages(self, text: str) -> None:
        """Type into the page Messages' filter, in place of what is there."""
        self.program.click("Filter")
        self.desktop.press_keys("ctrl+a")
        self.desktop.type_text(text)

    def select(self, table: str, title: str, value: str) -> None:
        """Click the first row that reads `value` under `title`. The rows must be at rest meanwhile."""
        widget = self.program.find(table, role="table")
        rows = widget.table().column(title)
        widget.click_cell(rows.index(value), list(widget.table().header).index(title))

    def is_hidden(self) -> bool:
        return not self.program.has(role="frame")

    def wait(self, condition: Callable[[], object], what: str, *, timeout_s: float = 60.0) -> None:
        """As long as the app runs."""
        self.program.wait_until(condition, what, timeout_s=timeout_s)

    def screenshot(self, path: Path) -> None:
        self.desktop.screenshot(path)
