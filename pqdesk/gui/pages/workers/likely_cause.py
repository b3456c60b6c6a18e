"""Why a worker does not stay up, in words, guessed from how it ended and what it wrote last. Needs no Qt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_CAUSES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), say)
    for pattern, say in (
        (
            r"No module named ['\"]?([\w.]+)",
            lambda found: f"Python cannot find the module {found[1]}. Install it for the worker's Python",
        ),
        (
            r"ImportError: (.+)",
            lambda found: f"Python could not import something: {found[1]}",
        ),
        (
            r"can't find command ['\"]?([^'\"]+)|exit (?:status|code) 127\b|command not found",
            lambda found: (
                "The command was not found. Give its whole path: supervisord has another PATH than your shell"
            ),
        ),
        (
            r"exit (?:status|code) 126\b|not executable|EACCES|Permission denied",
            lambda found: "Permission denied. Check that the command is executable and its files can be read",
        ),
        (
            r"Address already in use|EADDRINUSE",
            lambda found: "The port it wants is taken by another program, perhaps by an older copy of itself",
        ),
        (
            r"No space left on device|ENOSPC",
            lambda found: "The disk is full. Free some space",
        ),
        (
            r"No such file or directory:? ?(.*)",
            lambda found: f"A file it needs is not there{': ' + found[1] if found[1] else ''}",
        ),
        (
            r"SyntaxError: (.+)",
            lambda found: f"Its Python code has a mistake: {found[1]}",
        ),
        (
            r"\bSIGKILL\b|signal KILL|signal 9\b",
            lambda found: "Something killed it. The system does that when memory runs out",
        ),
        (
            r"\bSIGSEGV\b|signal SEGV|signal 11\b",
            lambda found: "It crashed in native code",
        ),
        (
            r"exit (?:status|code) 2\b|usage:",
            lambda found: "Its command line was not understood. Check the options of the command",
        ),
        (
            r"exit (?:status|code) 0\b",
            lambda found: "It ends by itself without an error; a worker has to keep running",
        ),
    )
)


def likely_cause(exit_text: str | None, error_lines: Sequence[str]) -> str:
    """One sentence, or nothing when there is no idea. The newest lines and how it ended say the most."""
    for text in (exit_text or "", *reversed(error_lines)):
        for pattern, say in _CAUSES:
            found = pattern.search(text)
            if found:
                return say(found)
    return ""
