"""A disk that may keep, lose, reorder or tear whatever it was not yet told to flush.

A recording of all that was written is played into it; at any moment it can be asked what might be found after the power
has gone. A write is whole 512-byte sectors at best (sqlite.org/atomiccommit.html); what was flushed is safe.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """What was written to the file before is on the disk; a new file's name, too, when its folder was synced."""

    file: str


@dataclass(frozen=True, slots=True)
class SyncFolder:
    pass


@dataclass(frozen=True, slots=True)
class Delete:
    """The name has gone at once, or will have with the next SyncFolder."""

    file: str
    is_synced: bool


Event = Write | Truncate | Sync | SyncFolder | Delete


class _File:
    def __init__(self, safe: bytes = b"", *, is_named: bool = False) -> None:
        self.safe = bytearray(safe)
        self.pending: list[Write | Truncate] = []
        self.is_named = is_named  # whether its name is on the disk
        self.was: _File | None = None  # the file of this name before it was deleted, while that is not on the disk


class SimulatedDisk:
    """`files`: what is on the disk at the start."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {name: _File(data, is_named=True) for name, data in files.items()}
        self._gone: dict[str, _File] = {}  # deleted, but their names may still be on the disk

    def play(self, event: Event) -> None:
        """This happened."""
        if isinstance(event, SyncFolder):
            self._gone.clear()
            for file in self._files.values():
                file.is_named = True
        elif isinstance(event, Delete):
            file = self._files.pop(event.file, None)
            if file is not None and file.is_named and not event.is_synced:
                self._gone[event.file] = file
        elif isinstance(event, Sync):
            file = self._files.setdefault(event.file, _File())
            for one in file.pending:
                _apply(file.safe, one)
            file.pending.clear()
        else:
            self._files.setdefault(event.file, _File()).pending.append(event)

    @property
    def has_pending(self) -> bool:
        """Whether there is more than one thing that may be found."""
        return any(file.pending or not file.is_named for file in self._files.values()) or bool(self._gone)

    def after_power_loss(self, way: str, rng: random.Random) -> dict[str, bytes]:
        """Files as they may be found. `way` is one of WAYS."""
        found: dict[str, bytes] = {}
        for name, file in [*self._gone.items(), *self._files.items()]:
            if not file.is_named and (way == "nothing" or rng.random() < 0.5):
                continue
            if name in self._gone and rng.random() < 0.5:
                continue
            data = bytearray(file.safe)
            for one in WAYS[way](file.pending, rng):
                _apply(data, one)
            found[name] = bytes(data)
        return found


def _apply(data: bytearray, one: Write | Truncate) -> None:
    if isinstance(one, Truncate):
        del data[one.size :]
        data.extend(bytes(one.size - len(data)))
        return
    data.extend(bytes(max(0, one.offset - len(data))))
    data[one.offset : one.offset + len(one.data)] = one.data


_Pending = list[Write | Truncate]


def _prefix(pending: _Pending, rng: random.Random) -> _Pending:
    return pending[: rng.randrange(len(pending) + 1)]


def _subset(pending: _Pending, rng: random.Random) -> _Pending:
    share = rng.random()
    return [one for one in pending if rng.random() < share]


def _torn(pending: _Pending, rng: random.Random) -> Iterator[Write | Truncate]:
    """Of each write some sectors, which begin where those of the file do."""
    for one in _subset(pending, rng):
        if isinstance(one, Truncate):
            yield one
            continue
        for piece in _sectors(one):
            if rng.random() < 0.5:
                yield piece


def _junk(pending: _Pending, rng: random.Random) -> Iterator[Write | Truncate]:
    """The last of some has become zeros or noise."""
    some = _prefix(pending, rng)
    yield from some[:-1]
    if some:
        last = some[-1]
        if isinstance(last, Write):
            size = len(last.data)
            yield Write(last.file, last.offset, bytes(size) if rng.random() < 0.5 else rng.randbytes(size))


def _sectors(one: Write) -> Iterator[Write]:
    start, end = one.offset, one.offset + len(one.data)
    while start < end:
        stop = min(end, (start // _SECTOR + 1) * _SECTOR)
        yield Write(one.file, start, one.data[start - one.offset : stop - one.offset])
        start = stop


WAYS: dict[str, Callable[[_Pending, random.Random], _Pending | Iterator[Write | Truncate]]] = {
    "nothing": lambda _pending, _rng: [],
    "all": lambda pending, _rng: pending,
    "prefix": _prefix,
    "subset": _subset,
    "torn": _torn,
    "junk": _junk,
}
