"""Who is alive: each process that claims holds a kernel lock on a file of its own in `run/owners`.

The kernel frees the lock and closes the file on any death, so a free lock is a death notice and needs no timer.
The locks are POSIX record locks (fcntl(2)): a fork does not inherit them. They belong to the process, and closing
any descriptor of the file drops them, so a process never opens a lock file of its own again.
"""

import contextlib
import fcntl
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from pqdesk.errors import WorkspaceError
from pqdesk.opening import open_plain, read_plain
from pqdesk.ordered_ends import forget_order
from pqdesk.shortage import reason
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.files import make_private_folder

_ADD = "INSERT INTO pqdesk_owner (token, pid, boot, name, started_us) VALUES (?, ?, ?, ?, ?)"
_FIND = "SELECT id FROM pqdesk_owner WHERE token = ?"
_LIVING = "SELECT id, token, pid, boot, name FROM pqdesk_owner INDEXED BY pqdesk_owner_alive WHERE ended_us IS NULL"
# Each owner that has messages in hand costs one step into the index, however many they are.
_IN_WORK = """
    WITH RECURSIVE held(owner_id) AS (
        SELECT min(owner_id) FROM pqdesk_message INDEXED BY pqdesk_running WHERE state = 3
         UNION ALL
        SELECT (SELECT min(m.owner_id) FROM pqdesk_message m INDEXED BY pqdesk_running
                 WHERE m.state = 3 AND m.owner_id > held.owner_id)
          FROM held WHERE owner_id IS NOT NULL)
    SELECT held.owner_id, coalesce(token, ''), coalesce(pid, 0), coalesce(boot, ''), coalesce(name, 'of unknown name')
      FROM held LEFT JOIN pqdesk_owner ON id = held.owner_id
     WHERE held.owner_id IS NOT NULL AND (id IS NULL OR ended_us IS NOT NULL)"""
_LIVES = "SELECT 1 FROM pqdesk_owner WHERE id = ? AND ended_us IS NULL"
_TAKE_OVER = "UPDATE pqdesk_message SET owner_id = ?2 WHERE state = 3 AND owner_id = ?1"
_END = "UPDATE pqdesk_owner SET ended_us = ? WHERE id = ?"
_DETACHED = "detached-"
_TOKEN = re.compile(r"[0-9a-f]{32}")  # as OwnLock makes them; whatever else the file says is no name of a lock
_ONE = struct.Struct("<2q")
_LARGEST_BYTES = 1024 * 1024

_own_locks: dict[str, int] = {}  # token → descriptor, of this process: the kernel keeps them per process, too


class Owner(NamedTuple):
    """A row of pqdesk_owner that has not ended. What it says is not believed before `is_sound`."""

    id: int
    token: str
    pid: int
    boot: str
    name: str

    @property
    def is_detached(self) -> bool:
        return self.token == f"{_DETACHED}{self.boot}"

    @property
    def is_sound(self) -> bool:
        """Whether its token is one of ours: the token names a file."""
        return self.is_detached or _lock_file(Path(), self.token) is not None


class OwnLock:
    """The lock file of this process, or of one store in it."""

    def __init__(self, folder: Path) -> None:
        self.token = os.urandom(16).hex()
        self.path = folder / self.token
        make_private_folder(folder)
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise WorkspaceError(f"cannot make a lock in {str(folder)!r}: {reason(exc)}", path=folder) from exc
        _own_locks[self.token] = descriptor

    def tell_begun(self, receipts: Sequence[int]) -> None:
        """Keep in the file which of the messages that were claimed ahead are in a handler: one write, no flush.

        Should this process die, they have died with it; the others were only claimed. After a power cut it does not
        matter, since the machine's going down says nothing against a message.
        """
        count = len(receipts)
        told = _ONE.pack(1, receipts[0]) if count == 1 else struct.pack(f"<{count + 1}q", count, *receipts)
        os.pwrite(_own_locks[self.token], told, 0)

    def release(self) -> None:
        """Give the lock back on purpose, with nothing in hand."""
        self.path.unlink(missing_ok=True)
        forget_order(self.path)
        os.close(_own_locks.pop(self.token))


def is_alive(folder: Path, owner: Owner, boot: str) -> bool:
    """Whether the process behind `owner` lives. A detached owner lives as long as its boot.

    So does one whose row is damaged: nobody can tell, and the leases end what it has in hand.
    """
    if owner.boot != boot:
        return False
    path = _lock_file(folder, owner.token)
    if path is None or owner.token in _own_locks:
        return True
    try:
        # For reading: closing a file that was open for writing is what the death watches of all processes wake up for.
        descriptor = open_plain(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def begun_receipts(folder: Path, token: str) -> frozenset[int]:
    """What a dead process told with `tell_begun`."""
    path = _lock_file(folder, token)
    if path is None or token in _own_locks:
        return frozenset()
    try:
        data = read_plain(path, _LARGEST_BYTES)
    except OSError:
        return frozenset()
    count = int.from_bytes(data[:8], "little")
    return frozenset(struct.unpack_from(f"<{count}q", data, 8)) if 8 * (count + 1) <= len(data) else frozenset()


def remove_lock(folder: Path, token: str) -> None:
    """What a dead process has left in the folder."""
    path = _lock_file(folder, token)
    if path is not None:
        with contextlib.suppress(OSError):  # a folder in its place, or not ours: it hurts nobody
            path.unlink()


def _lock_file(folder: Path, token: str) -> Path | None:
    """Where the process of this token has its lock; None where it is none that a process of ours has made."""
    return folder / token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def add_owner(db: apsw.Connection, token: str, *, pid: int, boot: str, name: str, now_us: int) -> int:
    db.execute(_ADD, (token, pid, boot, name, now_us))
    return db.last_insert_rowid()


def detached_owner(db: apsw.Connection, boot: str, now_us: int) -> int:
    """The owner of this boot's detached leases. In a write transaction."""
    row = first_row(db, _FIND, (_DETACHED + boot,))
    return int(row[0]) if row else add_owner(db, _DETACHED + boot, pid=0, boot=boot, name="detached", now_us=now_us)


def living_owners(db: apsw.Connection) -> list[Owner]:
    """The owners that nobody declared dead; a process's own among them."""
    return [Owner(*row) for row in all_rows(db, _LIVING)]


def ended_owners_in_work(db: apsw.Connection) -> list[Owner]:
    """Owners that were declared dead and have messages in hand all the same; none of this process.

    Such a one lived: its lock file was removed or its lock let go of, and it claimed before it noticed (Engine.renew).
    """
    return [owner for row in all_rows(db, _IN_WORK) if (owner := Owner(*row)).token not in _own_locks]


def has_ended(db: apsw.Connection, owner_id: int) -> bool:
    """Whether somebody declared this owner dead."""
    return first_row(db, _LIVES, (owner_id,)) is None


def take_over(db: apsw.Connection, owner_id: int, by_id: int) -> None:
    """What the one has in hand is the other's. In a write transaction."""
    db.execute(_TAKE_OVER, (owner_id, by_id))


def end_owner(db: apsw.Connection, owner_id: int, now_us: int) -> None:
    db.execute(_END, (now_us, owner_id))


def _close_in_child() -> None:
    """A child must not keep the files open: their closing is the parent's death notice."""
    for descriptor in _own_locks.values():
        os.close(descriptor)
    _own_locks.clear()


os.register_at_fork(after_in_child=_close_in_child)
