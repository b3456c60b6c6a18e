"""What a worker's command says about it: its kind, its queues."""

from __future__ import annotations

from collections.abc import Sequence

from pqdesk.supervision.definitions.recipes import split_program
from pqdesk.supervision.records import RestartPolicy, WorkerKind
from pqdesk.worker_options import CONSUMERS, PRODUCERS, options_of

_KINDS: dict[str, WorkerKind] = {"consume": "consumer", "produce": "producer"}
_FLAGS = frozenset(row.option for row in options_of(*CONSUMERS, *PRODUCERS) if row.form == "flag") | {"-v", "--verbose"}


def kind_of(command: Sequence[str]) -> WorkerKind:
    found = split_program(command)
    return "command" if found is None else _KINDS[found[1]]


def queues_of(command: Sequence[str]) -> tuple[str, ...]:
    """The queues of `pqdesk consume QUEUE …` and `pqdesk produce QUEUE …`; none for other commands."""
    found = split_program(command)
    if found is None:
        return ()
    queues: list[str] = []
    remaining = iter(found[2])
    for word in remaining:
        if word == "--":
            break
        if not word.startswith("-"):
            queues.append(word)
        elif word not in _FLAGS and "=" not in word:  # every other option takes the next word
            next(remaining, None)
    return tuple(queues)


def usual_restart(command: Sequence[str]) -> RestartPolicy:
    """The restart policy to propose for a command.

    A consumer never ends by itself, so that a plain `kill`, after which it ends with 0, is no reason to stay away.
    """
    return "always" if kind_of(command) == "consumer" and "--drain" not in command else "if it fails"
