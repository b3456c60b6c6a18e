"""Colours of terminals in log lines: `ESC [ … m` (ECMA-48 SGR) to plain text and coloured stretches. Needs no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pqdesk.gui.palette import Role

_SGR = re.compile("\x1b\\[([0-9;:]*)m")
# The eight colours of terminals, in the roles of the theme: any theme stays readable, unlike the colours themselves.
_ROLES = (
    Role.MUTED,  # black would vanish on dark
    Role.ERROR,
    Role.HEALTHY,
    Role.WARNING,
    Role.ACCENT,
    Role.SCHEDULED,
    Role.RUNNING,
    None,  # white is the text's own colour
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`length` characters from `start` on that are not plain."""

    start: int
    length: int
    role: Role | None
    is_bold: bool


def strip_ansi(line: str) -> str:
    """The line without its escapes."""
    return _SGR.sub("", line).replace("\x1b", "␛")


def parse_ansi(line: str) -> tuple[str, tuple[Stretch, ...]]:
    """The line without its escapes, and what of it is coloured or bold."""
    if "\x1b" not in line:
        return line, ()
    parts, stretches = [], []
    role: Role | None = None
    is_bold = False
    at, size = 0, 0
    for match in [*_SGR.finditer(line), None]:
        piece = line[at : match.start() if match else len(line)]
        if piece and (role is not None or is_bold):
            stretches.append(Stretch(size, len(piece), role, is_bold))
        parts.append(piece)
        size += len(piece)
        if match:
            role, is_bold = _after(match[1], role, is_bold)
            at = match.end()
    return "".join(parts).replace("\x1b", "␛"), tuple(stretches)


def _after(codes: str, role: Role | None, is_bold: bool) -> tuple[Role | None, bool]:
    """Colour and weight after one escape."""
    numbers = iter([int(one) if one else 0 for one in re.split("[;:]", codes)])
    for number in numbers:
        if number == 0:
            role, is_bold = None, False
        elif number == 1:
            is_bold = True
        elif number in (21, 22):
            is_bold = False
        elif number == 2:
            role = Role.MUTED
        elif 30 <= number <= 37 or 90 <= number <= 97:
            role = _ROLES[number % 10]
        elif number == 39:
            role = None
        elif number in (38, 48):  # 256 or true colours: passed over with their arguments
            for _ in range({5: 1, 2: 3}.get(next(numbers, 0), 0)):
                next(numbers, 0)
    return role, is_bold
