"""A connection as every part of the engine uses it: settings, transactions, errors turned into ours.

Settings and their reasons: SQLite's own busy timeout starves writers when many wait, so the busy handler sleeps
random short times. Checkpoints are run by hand since SQLite swallows the errors of automatic ones.
Triggers and views are off in a file of ours: a planted one must not run. In a file of the application they are
its own business.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import Any

import apsw

from pqdesk.errors import Busy, Corrupt, DiskFull, PQDeskError, WorkspaceError
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES
from pqdesk.shortage import shortage
from pqdesk.storage.sqlite import company

BUSY_DEADLINE_S = 10.0
_SAID_CHARACTERS = 200
_SHORTEST_NAP_S, _LONGEST_NAP_S = 0.0002, 0.003
_OLDEST_SQLITE = 3_051_003  # 3.51.3 mends the WAL-reset bug (sqlite.org/wal.html#walresetbug)
_LENGTH_LIMIT = PAYLOAD_LIMIT_BYTES + 1024 * 1024
_SQL_LENGTH_LIMIT = 100_000

_SETTINGS = """
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cell_size_check = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA secure_delete = FAST;
"""
_OURS_ONLY = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    (apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, 0),
    (apsw.SQLITE_DBCONFIG_DQS_DML, 0),
    (apsw.SQLITE_DBCONFIG_DQS_DDL, 0),
)


Row = tuple[Any, ...]
Values = tuple[Any, ...] | dict[str, Any]


def all_rows(db: apsw.Connection, sql: str, values: Values = ()) -> list[Row]:
    """Every row at once: an unread cursor would keep its snapshot, and the WAL from shrinking."""
    return db.execute(sql, values).fetchall()


def first_row(db: apsw.Connection, sql: str, values: Values = ()) -> Row | None:
    """The first row, if there is one."""
    row: Row | None = db.execute(sql, values).fetchone()
    return row


def only_value(db: apsw.Connection, sql: str, values: Values = ()) -> Any:
    """The first column of the one row there is."""
    row = first_row(db, sql, values)
    assert row is not None, sql
    return row[0]


def connect(
    path: Path, *, is_ours: bool, readonly: bool = False, vfs: str | None = None, rng: Random
) -> apsw.Connection:
    """Open the existing file `path` with the settings above. Raises WorkspaceError and its kinds."""
    if apsw.SQLITE_VERSION_NUMBER < _OLDEST_SQLITE:
        raise WorkspaceError(
            f"SQLite {apsw.sqlite_lib_version()} can lose data; install apsw 3.54.1 or newer", path=path
        )
    if not hasattr(apsw, "carray"):  # puts.py needs it
        raise WorkspaceError("this apsw was built without carray; install the one of PyPI", path=path)
    file = company.enter(path) if vfs is None else None
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE
    db = None
    try:
        with company.opening():
            db = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOFOLLOW, vfs=vfs)
        db.set_busy_handler(Naps(rng))
        # Without this, SQLite compares each bound value with the conditions of partial indexes, and so compiles such a
        # statement anew at each execution: 13 instead of 3 µs for picking a message (sqlite.org/c3ref, ENABLE_QPSG).
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        if is_ours:
            for option, value in _OURS_ONLY:
                db.config(option, value)
            db.limit(apsw.SQLITE_LIMIT_LENGTH, _LENGTH_LIMIT)
            db.limit(apsw.SQLITE_LIMIT_SQL_LENGTH, _SQL_LENGTH_LIMIT)
            db.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        db.execute(_SETTINGS).fetchall()  # a statement that answers stops there until its row is read
    except BaseException as exc:
        if db is not None:
            with contextlib.suppress(apsw.Error):
                db.close()  # else it stays open for as long as somebody looks at the exception
            db = None
        if not isinstance(exc, apsw.Error):
            raise
        raise translated(exc, path) from exc
    finally:
        if file is not None:
            company.entered(file, db)
    return db


def read_header(path: Path, vfs: str | None) -> bytes:
    """The first 100 bytes of a database (sqlite.org/fileformat), read by SQLite's own means: no lock, no log."""
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOFOLLOW
    with company.opening():
        file = apsw.VFSFile(vfs or "", str(path), [flags, 0])
        try:
            return file.xRead(100, 0)
        finally:
            file.xClose()


@contextlib.contextmanager
def lying_there(path: Path, *, vfs: str | None) -> Iterator[apsw.Connection]:
    """A connection to read `path` without its log: for that nothing is made, written or locked (sqlite.org/uri).

    Not for a file that others may be writing: what it shows of that may be damaged.
    """
    name = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_NOFOLLOW
    file, db = company.enter(path) if vfs is None else None, None
    with Translating(path):
        try:
            with company.opening():
                db = apsw.Connection(f"file:{name}?immutable=1", flags=flags, vfs=vfs)
        finally:
            if file is not None:
                company.entered(file, db)
        try:
            yield db
        finally:
            let_go(db)


def let_go(db: apsw.Connection) -> None:
    """Close, whatever the disk says: what the last one to close cannot write back stays in the WAL."""
    with contextlib.suppress(apsw.Error):
        company.close(db)


class Naps:
    """The busy handler of one connection: what another program holds is tried again after short sleeps.

    Attributes:
        slept_s: Of the newest wait, in seconds; grows while it goes on. Any thread may read it.
    """

    def __init__(self, rng: Random) -> None:
        self.slept_s = 0.0
        self._rng = rng

    def __call__(self, times_before: int) -> bool:
        length_s = self._rng.uniform(_SHORTEST_NAP_S, _LONGEST_NAP_S)
        self.slept_s = length_s if times_before == 0 else self.slept_s + length_s
        time.sleep(length_s)
        return self.slept_s < BUSY_DEADLINE_S


def roll_back(db: apsw.Connection) -> None:
    """Undo, as far as the disk lets it; the next transaction begins with that again."""
    with contextlib.suppress(apsw.Error):
        db.execute("ROLLBACK")


class Translating:
    """`with Translating(path):` turns APSW's errors into ours. Not a generator: this runs for every call.

    With `db`, what stumbles over a damaged value is told as that, too.
    """

    __slots__ = ("_db", "_path")

    def __init__(self, path: Path, db: apsw.Connection | None = None) -> None:
        self._path, self._db = path, db

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        if exc is not None:
            raise_ours(exc, self._path, self._db)


class ReadTransaction:
    """`with ReadTransaction(db, path):` sees one snapshot; errors become ours."""

    __slots__ = ("_db", "_path")

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> None:
        with Translating(self._path):
            if not self._db.get_autocommit():  # a signal handler raised before __exit__ did anything
                roll_back(self._db)
            self._db.execute("BEGIN")

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        if not self._db.get_autocommit():
            roll_back(self._db)
        if exc is not None:
            raise_ours(exc, self._path, self._db)


class WriteTransaction:
    """`with WriteTransaction(db, path):` is BEGIN IMMEDIATE … COMMIT, or ROLLBACK when anything raises.

    IMMEDIATE, since a read that becomes a write may be refused at once, whatever the busy handler says.
    """

    __slots__ = ("_db", "_path")

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> None:
        is_open = not self._db.get_autocommit()
        if is_open:
            _refuse_inside_another_call(self._path)
        try:
            if is_open:  # a signal handler raised before __exit__ did anything
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
        except apsw.Error as exc:
            raise translated(exc, self._path) from exc
        except BaseException:  # Ctrl-C, or a signal handler that raises: __exit__ will not come
            if not self._db.get_autocommit():
                roll_back(self._db)
            raise

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        if exc is None:
            try:
                self._db.execute("COMMIT")
                return
            except apsw.Error as error:
                exc = error
        self._undo(exc)

    def run(self, sql: str, values: Values) -> list[Row]:
        """Several statements in one call, with BEGIN IMMEDIATE and COMMIT among them; without `with`, and its rows.

        On an error the transaction is rolled back; ConstraintErrors of APSW stay what they are.
        """
        try:
            return self._db.execute(sql, values).fetchall()
        except apsw.ConstraintError:
            self._undo(None)
            raise
        except BaseException as exc:
            self._undo(exc)
            raise

    def _undo(self, exc: BaseException | None) -> None:
        """Roll back what is left of the transaction; raises our error for SQLite's `exc`."""
        if not self._db.get_autocommit():
            roll_back(self._db)
        if isinstance(exc, apsw.Error):
            raise translated(exc, self._path) from exc


def _refuse_inside_another_call(path: Path) -> None:
    """Raise when a call of this thread is in its transaction further up: this one comes from a signal handler.

    Both would go on in one connection, and each undo or commit half of what the other does.
    """
    frame: FrameType | None = sys._getframe(1)
    is_elsewhere = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if is_elsewhere and module.startswith("pqdesk.storage."):
            text = f"queue file {str(path)!r} is in the middle of another call of this thread; nothing changed"
            raise WorkspaceError(f"{text}: a signal handler should set a flag, or write from a thread", path=path)
        is_elsewhere = is_elsewhere or not module.startswith("pqdesk.")
        frame = frame.f_back


def raise_ours(exc: BaseException, path: Path, db: apsw.Connection | None = None) -> None:
    """Raise our error in the place of `exc`: for SQLite's, and with `db` for one that comes of a damaged value."""
    ours: BaseException | None = translated(exc, path) if isinstance(exc, apsw.Error) else exc
    if db is not None and ours is exc and not isinstance(exc, PQDeskError):
        from pqdesk.storage.sqlite import damage  # hardly ever needed

        try:
            ours = damage.told(db, path) if damage.is_stumble(exc) else None
        except apsw.Error as error:
            found = translated(error, path)
            ours = found if isinstance(found, Corrupt) else None
    if ours is not None and ours is not exc:
        raise ours from exc


def translated(exc: apsw.Error, path: Path) -> PQDeskError | apsw.Error:
    """Our error for SQLite's, or `exc` itself when it is a bug of ours."""
    where = f"queue file {str(path)!r}"
    match exc:
        case apsw.BusyError() | apsw.LockedError() | apsw.ProtocolError():
            return Busy(
                f"{where} is held by another program for over {BUSY_DEADLINE_S:.0f} s; nothing changed, try again"
            )
        case apsw.InterruptError():
            return Busy(f"the question to {where} was stopped")
        case apsw.FullError():
            return DiskFull(
                f"cannot write to {where}: disk full; nothing changed, free some space and try again", path=path
            )
        case apsw.SQLError() if not _is_no_format(exc):
            return exc
        case apsw.CorruptError() | apsw.SQLError():
            return Corrupt(f"{where} is damaged ({_said(exc)}); stop its workers and restore a backup", path=path)
        case apsw.NotADBError():
            return WorkspaceError(f"{str(path)!r} is not a PQDesk queue file; it was left as it is", path=path)
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return WorkspaceError(
                f"{where} is read-only here; make it and its folder writable for this user", path=path
            )
        case apsw.CantOpenError():
            return WorkspaceError(f"cannot open {where}: {_why_not_open(path)}", path=path)
        case apsw.IOError() if _is_no_space(exc):
            return DiskFull(f"cannot write to {where}: no space or file size limit; nothing changed", path=path)
        case apsw.IOError():
            return WorkspaceError(f"reading or writing {where} failed: {_said(exc)}; check the disk", path=path)
        case apsw.NoMemError():
            return WorkspaceError(
                f"{where} needs more memory than there is; nothing changed, end other programs and try again", path=path
            )
        case apsw.ConstraintError() | apsw.MismatchError():  # ours are met where they are expected
            text = f"{where} is damaged: it holds what cannot be in it ({_said(exc)})"
            return Corrupt(f"{text}; stop its workers and restore a backup", path=path)
        case apsw.TooBigError():
            return WorkspaceError(f"a value in {where} is larger than this program reads", path=path)
    return exc


def _is_no_format(exc: apsw.Error) -> bool:
    """Of a header that says what no SQLite writes: no kind of error of its own."""
    return str(exc).startswith(("unsupported file format", "attached databases must use the same text encoding"))


def _is_no_space(exc: apsw.Error) -> bool:
    code = getattr(exc, "extendedresult", 0)
    return code in (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE)


def _said(exc: apsw.Error) -> str:
    """SQLite's words in one line: they may quote what the file holds."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(exc)[:_SAID_CHARACTERS])
    return " ".join(words.split())


def _why_not_open(path: Path) -> str:
    if (used_up := shortage()) is not None:
        return used_up
    if not path.parent.is_dir():
        return f"the folder {str(path.parent)!r} does not exist"
    if not path.exists():
        return "it does not exist"
    if path.is_symlink():
        return "it is a symbolic link"
    if not os.access(path, os.R_OK):
        return f"this user may not read it (owner {path.stat().st_uid}, mode {path.stat().st_mode & 0o777:o})"
    if not os.access(path.parent, os.W_OK):  # SQLite keeps a log and locks beside it, also for reading
        return "its folder is read-only here; make it writable for this user"
    wal = path.with_name(path.name + "-wal")
    return f"{str(wal)!r} is not a file" if wal.is_dir() else "SQLite cannot open it"
