"""What processes say they did, written so that no kill takes it away.

Each process appends to a file of its own, one line per write(2): what a write has returned for is in the kernel,
whatever becomes of the process. A call is told before it is made and again once it has returned, so a call whose
end is missing may or may not have happened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line. `what` is one of

    - `putting`, `put`: one call with all its tokens; `ids` once it has returned.
    - `got`: a delivery.
    - `acking`, `acked`; `returning`, `returned` (by nack or release): how a delivery ends.
    - `refused`: the receipt was no longer valid.
    """

    what: str
    tokens: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    attempt: int = 0
    receipt: str = ""

    @property
    def id(self) -> int:
        return self.ids[0]


class History:
    """The file of one process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, event: Event) -> None:
        values = [event.what, event.tokens, event.ids, event.attempt, event.receipt]
        os.write(self._file, json.dumps(values).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


def last_word(path: Path) -> str:
    """What the process has said last; nothing yet, or a line cut short: an empty text."""
    *lines, _ = path.read_bytes().split(b"\n")
    return str(json.loads(lines[-1])[0]) if lines else ""


def read_histories(paths: Iterable[Path]) -> Iterator[Event]:
    """The events of all files, each file in order. A last line that was cut short was never said."""
    for path in paths:
        *lines, _ = path.read_bytes().split(b"\n")
        for line in lines:
            what, tokens, ids, attempt, receipt = json.loads(line)
            yield Event(what=what, tokens=tuple(tokens), ids=tuple(ids), attempt=attempt, receipt=receipt)
