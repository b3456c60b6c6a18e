"""What a worker's command says about it: its kind, its queues."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pqdesk.supervision.records import RestartPolicy, WorkerKind

_PROGRAMS = ("pqdesk", "pqdeskd")
_KINDS: dict[str, WorkerKind] = {"consume": "consumer", "produce": "producer"}
_WITHOUT_VALUE = frozenset(("--drain", "--json", "--verbose", "-v"))  # every other option takes the next word


def kind_of(command: Sequence[str]) -> WorkerKind:
    words = _words_after_program(command)
    return _KINDS.get(words[0], "command") if words else "command"


def queues_of(command: Sequence[str]) -> tuple[str, ...]:
    """The queues of `pqdesk consume QUEUE …` and `pqdesk produce QUEUE …`; none for other commands."""
    words = _words_after_program(command)
    return tuple(words[1:]) if words and words[0] in _KINDS else ()


def usual_restart(command: Sequence[str]) -> RestartPolicy:
    """The restart policy to propose for a command.

    A consumer never ends by itself, so that a plain `kill`, after which it ends with 0, is no reason to stay away.
    """
    return "always" if kind_of(command) == "consumer" and "--drain" not in command else "if it fails"


def _words_after_program(command: Sequence[str]) -> list[str]:
    """The positional words of a pqdesk command line, up to `--`; none for another program."""
    rest = list(command)
    if len(rest) >= 3 and os.path.basename(rest[0]).startswith("python") and rest[1:3] == ["-m", "pqdesk"]:
        rest = rest[3:]
    elif rest and os.path.basename(rest[0]) in _PROGRAMS:
        rest = rest[1:]
    else:
        return []
    words: list[str] = []
    remaining = iter(rest)
    for word in remaining:
        if word == "--":
            break
        if not word.startswith("-"):
            words.append(word)
        elif word not in _WITHOUT_VALUE and "=" not in word:
            next(remaining, None)
    return words
