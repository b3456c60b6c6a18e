"""What stays in the process that made it: told where somebody hands it to another one, or copies it."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex

from pqdesk.errors import InvalidInput


class Staying:
    """Base of what holds a connection, a lock or a lease of its process. Says what to hand over instead."""

    __slots__ = ()

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Raises InvalidInput: multiprocessing, a process pool and copy.copy() come here."""
        raise InvalidInput(f"{self._what_stays()} cannot be copied or handed to another process: {self._instead()}")

    def _what_stays(self) -> str:
        name = type(self).__name__
        return f"{'an' if name.startswith('A') else 'a'} {name}"

    def _instead(self) -> str:
        raise NotImplementedError
