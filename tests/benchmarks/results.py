"""What a part hands back: rows for the table, and the goals it speaks to. Plain values, good for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Cell = float | int | str | None


@dataclass
class Row:
    """One line of the table: who, and a cell for each column of its part. None is shown as "–"."""

    who: str
    cells: dict[str, Cell]
    note: str = ""


@dataclass
class Goal:
    """A target, what was measured, and whether that is good enough."""

    text: str
    measured: float | None
    target: float
    unit: str = "×"
    better: Literal["high", "low"] = "high"

    @property
    def is_met(self) -> bool | None:
        """None when it could not be measured."""
        if self.measured is None:
            return None
        return self.measured >= self.target if self.better == "high" else self.measured <= self.target


@dataclass
class PartResult:
    """A part's section of the table.

    Attributes:
        bars: The column that a chart of it would show; None when it has none.
    """

    name: str
    title: str
    how: str
    columns: list[str]
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    bars: str | None = None
    seconds: float = 0.0

    def as_data(self) -> dict[str, Any]:
        data = asdict(self)
        for goal, one in zip(data["goals"], self.goals, strict=True):
            goal["is_met"] = one.is_met
        return data
