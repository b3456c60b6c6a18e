"""Which threads have a `transaction()` open on which file, whatever engine it goes over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from threading import get_ident

from pqdesk.errors import InvalidInput

in_transaction: set[tuple[int, int, str]] = set()  # (process, thread, file) with an open one
_awaited: dict[object, tuple[int, int, str]] = {}  # the same with threads whose event loop has one open in another


def is_in_transaction(file: str) -> bool:
    """Whether this thread has one open on the file."""
    return bool(in_transaction) and (os.getpid(), get_ident(), file) in in_transaction


@contextlib.contextmanager
def awaited_in(thread: int, file: str) -> Iterator[None]:
    """For the block, `thread` has to go on for a transaction of another one to come to its end."""
    mark = object()
    _awaited[mark] = (os.getpid(), thread, file)
    try:
        yield
    finally:
        del _awaited[mark]


def refuse_awaited(file: str) -> None:
    """Raise InvalidInput in a thread that would wait for a transaction which waits for that thread."""
    if _awaited and (os.getpid(), get_ident(), file) in list(_awaited.values()):
        raise InvalidInput(
            "a task of this thread's event loop has a transaction open on the file, which cannot end while this "
            "call waits for it: use its tx, or await an AsyncQueue, or call in another thread (asyncio.to_thread)"
        )
