"""What is measured. Each part is a function of the settings that returns its section of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.results import PartResult
from tests.benchmarks.team import Settings


@dataclass(frozen=True)
class Part:
    """One selectable piece; `takes_s` is about how long it runs at scale 1."""

    name: str
    what: str
    takes_s: int
    run: Callable[[Settings], PartResult]


def all_parts() -> list[Part]:
    from tests.benchmarks.parts import backlog, latency, losses, many, programs, single, startup

    return [*single.PARTS, *many.PARTS, *latency.PARTS, *losses.PARTS, *backlog.PARTS, *startup.PARTS, *programs.PARTS]
