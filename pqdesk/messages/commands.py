"""The command line that does what somebody did with a button or from a program: for the activity."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pqdesk.messages.durations import duration_us, written_duration

_MOST_IDS = 100
_MOST_CHARACTERS = 200
_DURATIONS = ("lease", "timeout", "keep_completed", "keep_failed")


def command_line(name: str, *words: str) -> str:
    """`pqdesk NAME WORD …`, as a shell takes it."""
    return shlex.join(["pqdesk", name.replace("_", "-"), *map(_shortened, words)])


def act_command(
    action: str, *, ids: Sequence[int] | None, filters: Mapping[str, Any], words: Iterable[str] = ()
) -> str:
    """The command of an operator action on these ids, or on what matches these filters; `words` come last."""
    chosen: list[str] = []
    if ids is not None:
        chosen = [str(one) for one in ids] if len(ids) <= _MOST_IDS else ["-"]
    for name, value in filters.items():
        if value is not None:
            chosen += [f"--{name}", value]
    line = command_line(action, *chosen, *words)
    return f"{line}  # {len(ids):,} ids on standard input" if ids is not None and len(ids) > _MOST_IDS else line


def configure_command(queue: str, values: Mapping[str, Any]) -> str:
    words = [queue]
    for name, value in values.items():
        words += [f"--{name.replace('_', '-')}", _setting(name, value)]
    return command_line("configure", *words)


def _setting(name: str, value: Any) -> str:
    if value is None:
        return "default"
    if name in _DURATIONS:
        return written_duration(duration_us(value, name) / 1_000_000)
    if name == "rate":
        return f"{value[0]}/{written_duration(duration_us(value[1], name) / 1_000_000)}"
    return str(value)


def _shortened(word: str) -> str:
    return word if len(word) <= _MOST_CHARACTERS else word[:_MOST_CHARACTERS] + "…"
