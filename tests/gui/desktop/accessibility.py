"""The widgets of running programs, as assistive technology finds them: by role, name or object name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.processes import end_child

# Debian's own: python3-gi is not on PyPI as a wheel, so the project's environment cannot have it.
_SYSTEM_PYTHON = "/usr/bin/python3"
_AGENT = Path(__file__).with_name("agent.py")
_PRESSING = ("Press", "Toggle", "Show Menu", "ShowMenu")


class DesktopError(AssertionError):
    """Something that was asked of the desktop, or waited for, did not happen."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as shown, rows × columns; `rows` counts all of them, also those not read."""

    rows: int
    header: Sequence[str]
    cells: Sequence[Sequence[str]]

    def column(self, title: str) -> list[str]:
        index = list(self.header).index(title)
        return [row[index] for row in self.cells]

    def row(self, title: str, value: str) -> dict[str, str]:
        """The first row whose cell under `title` reads `value`, by column title."""
        for cells in self.cells:
            row = dict(zip(self.header, cells, strict=True))
            if row.get(title) == value:
                return row
        raise DesktopError(f"no row with {title} {value!r} in {[list(row) for row in self.cells]}")


@dataclass(frozen=True, slots=True)
class Widget:
    """One accessible object as it was when it was found. Good until the next find of its desktop.

    `box` is x, y, width, height on the screen; `text` is None for what has none.
    """

    ref: int
    role: str
    name: str
    description: str
    object_name: str
    states: frozenset[str]
    text: str | None
    actions: tuple[str, ...]
    box: tuple[int, int, int, int] | None
    _agent: Accessibility = field(repr=False, compare=False)
    _click: Callable[[int, int, int], None] = field(repr=False, compare=False)

    @property
    def is_enabled(self) -> bool:
        return "enabled" in self.states

    @property
    def is_checked(self) -> bool:
        return "checked" in self.states

    @property
    def is_focused(self) -> bool:
        return "focused" in self.states

    @property
    def shown(self) -> str:
        """What it says: its text, else its name."""
        return self.name if self.text is None else self.text

    def press(self) -> None:
        """Do what a press does: button, menu entry, check box."""
        if not self.is_enabled:
            raise DesktopError(f"{self.role} {self.name!r} cannot be pressed: it is disabled")
        action = next((one for one in _PRESSING if one in self.actions), None)
        if action is None:
            raise DesktopError(f"{self.role} {self.name!r} cannot be pressed: its actions are {list(self.actions)}")
        if not self._agent.ask("act", ref=self.ref, action=action):
            raise DesktopError(f"{self.role} {self.name!r} refused {action!r}")

    def click(self, button: int = 1) -> None:
        """A real click of the mouse at its centre; its window has to be on top."""
        self._click_box(self.box, button)

    def click_cell(self, row: int, column: int, button: int = 1) -> None:
        """A real click of the mouse on a cell of a table."""
        self._click_box(self._agent.ask("cell_box", ref=self.ref, row=row, column=column), button)

    def set_text(self, text: str) -> None:
        if not self._agent.ask("set_text", ref=self.ref, text=text):
            raise DesktopError(f"the text of {self.role} {self.name!r} cannot be set")

    def focus(self) -> None:
        self._agent.ask("focus", ref=self.ref)

    def table(self, *, first: int = 0, count: int = 200) -> Table:
        """Up to `count` rows from row `first` on."""
        return Table(**self._agent.ask("table", ref=self.ref, first=first, count=count))

    def _click_box(self, box: Sequence[int] | None, button: int) -> None:
        if not box or box[2] <= 0 or box[3] <= 0:
            raise DesktopError(f"{self.role} {self.name!r} has no place on the screen")
        x, y, width, height = box
        self._click(x + width // 2, y + height // 2, button)


class Accessibility:
    """Asks the agent, a process of its own beside the programs. Belongs to one thread."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Start it on the accessibility bus that `environment` leads to. Raises DesktopError with its last words."""
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [_SYSTEM_PYTHON, _AGENT],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._read_answer()

    def find(self, session: int, click: Callable[[int, int, int], None], **criteria: Any) -> list[Widget]:
        """Every widget of a session that meets all criteria: role, name, object_name, states, limit."""
        return [
            Widget(
                **{
                    **found,
                    "states": frozenset(found["states"]),
                    "actions": tuple(found["actions"]),
                    "box": found["box"] and tuple(found["box"]),
                },
                _agent=self,
                _click=click,
            )
            for found in self.ask("find", session=session, **criteria)
        ]

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Raises DesktopError with the agent's reason, or when it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": operation, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the read below tells why
        return self._read_answer()

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        end_child(self._process)

    def _read_answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last_words = self._log.read_text(errors="replace").strip()
            raise DesktopError(f"the AT-SPI agent ended (python3-gi, gir1.2-atspi-2.0 installed?): {last_words[-500:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise DesktopError(answer["error"])
        return answer["ok"]
