"""Deaths that somebody ordered: a file beside the lock by which a process is known to live.

Whoever asks a process to end, and the process itself when it is asked, leaves the mark before the first signal. What
that process then has in hand when it is gone, by whatever signal, is no fault of its messages. A death without a mark
is one that nobody ordered: a crash, a lack of memory, a `kill -9` by hand.

    run/owners/4f0c…       the lock of a living process (storage/sqlite/owners.py)
    run/owners/4f0c….end   its end was ordered
"""

from __future__ import annotations

import os
from pathlib import Path

_TOKEN_CHARACTERS, _DIGITS = 32, frozenset("0123456789abcdef")
_FOLDER = "owners"


def is_owner_lock(path: Path) -> bool:
    """Whether a file that a process has open is such a lock, by its name and its folder's."""
    return len(path.name) == _TOKEN_CHARACTERS and _DIGITS.issuperset(path.name) and path.parent.name == _FOLDER


def mark_ordered(lock: Path) -> None:
    """The process that holds `lock` is about to be ended, on purpose. Never raises for it."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(_mark_of(lock), flags, 0o600))
    except OSError:
        pass  # marked already; or a full disk, and then the death counts as any other


def was_ordered(lock: Path) -> bool:
    """Whether the end of the process that held `lock` was ordered."""
    return is_owner_lock(lock) and os.path.lexists(_mark_of(lock))


def forget_order(lock: Path) -> None:
    """Remove the mark, if there is one, once nothing hangs on it."""
    if was_ordered(lock):
        _mark_of(lock).unlink(missing_ok=True)


def _mark_of(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.end")
