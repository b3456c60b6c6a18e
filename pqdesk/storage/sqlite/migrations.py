"""The schema's numbered steps, schema/NNNN_name.sql, and opening a file at the newest one.

The number is kept in pqdesk_meta and, in a file of ours, in user_version too. An older file is brought up to date in
one transaction, after a copy of it was laid beside it. A file made by a newer program is refused. A new file is made
under another name and renamed when it is whole, so that nobody ever sees a file without its schema.
"""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache
from pathlib import Path
from random import Random

import apsw

from pqdesk.clock import SystemClock
from pqdesk.errors import Corrupt, PQDeskError, SchemaTooNew, WorkspaceError
from pqdesk.messages.checks import quoted
from pqdesk.storage.sqlite import company, durability, files, forking, owners
from pqdesk.storage.sqlite.backup import write_copy
from pqdesk.storage.sqlite.connection import (
    ReadTransaction,
    Translating,
    WriteTransaction,
    all_rows,
    connect,
    first_row,
    let_go,
    lying_there,
    only_value,
    read_header,
)
from pqdesk.storage.sqlite.files import Location
from pqdesk.storage.sqlite.logger import logger

APPLICATION_ID = 0x50514431  # "PQD1"
# A put changes three pages and an ack four, and each goes through the WAL whole: with pages of 2 KiB instead of
# SQLite's 4 KiB a put takes 8 % less time, an ack 12 %, and payloads of 100 kB take as long (measured, durable).
_PAGE_BYTES = 2048
# What is called pqdesk_… or is on a table of that name, in any spelling: SQLite knows no case here. Not the indexes
# that it makes itself. It holds tbl_name against the statement when it reads the schema, so that is not made up.
_OBJECTS = """
    SELECT name, sql, type FROM sqlite_schema
     WHERE sql IS NOT NULL AND (name LIKE 'pqdesk^_%' ESCAPE '^' OR tbl_name LIKE 'pqdesk^_%' ESCAPE '^')"""
_STEP_NAME = re.compile(r"(\d{4})_\w+\.sql")


_Object = tuple[str, str]  # its SQL, and what it is: table, index, trigger or view


class OutOfDate(WorkspaceError):
    """An older program made the file; looking at it does not bring it up to date."""


@cache
def steps() -> tuple[tuple[int, str], ...]:
    """(number, SQL) of each step, ascending from 1."""
    folder = Path(__file__).parent / "schema"
    found = sorted(path for path in folder.iterdir() if _STEP_NAME.fullmatch(path.name))
    return tuple((int(path.name[:4]), path.read_text(encoding="utf-8")) for path in found)


def newest() -> int:
    return steps()[-1][0]


def open_database(location: Location, *, rng: Random, vfs: str | None = None) -> apsw.Connection:
    """A connection to the queue file, made or migrated first where needed. Raises WorkspaceError and its kinds."""
    with forking.UsingSqlite():
        return _open(location, rng, vfs)


def _open(location: Location, rng: Random, vfs: str | None) -> apsw.Connection:
    if location.is_ours:
        files.make_private_folder(location.database.parent)
    files.check_place(location)
    if not os.path.exists(location.database):  # a name too long is told when it is made
        files.make_private_folder(location.run)
        with files.initializer_lock(location.run):
            if not location.database.exists():
                _make(location, rng, vfs)
    files.check_file(location.database, is_ours=location.is_ours)
    if location.is_ours:
        refuse_other_program(location.database, vfs)
    db = connect(location.database, is_ours=location.is_ours, vfs=vfs, rng=rng)
    try:
        with Translating(location.database):
            _bring_up_to_date(db, location)
        if not location.run.is_dir():
            files.make_private_folder(location.run)
    except BaseException:
        let_go_untouched(db, location.database)
        raise
    return db


def refuse_other_program(path: Path, vfs: str | None) -> None:
    """Raise WorkspaceError where a database is not one of ours: nothing is made, written or locked for that.

    A connection would make a log beside the file, and write an old one back into it. So only its header is read, which
    says whose it is whatever others are doing to the file, or did when they died: all else is for SQLite to read, with
    the log. Not asked of one that is open here, and so is known.
    """
    with company.first_to_open(path) as is_first, Translating(path):
        if not is_first:
            return
        header = read_header(path, vfs)
        if header[:16] != b"SQLite format 3\0":
            raise apsw.NotADBError("file is not a database")
        if int.from_bytes(header[68:72], "big") == APPLICATION_ID:
            return
        is_reloaded = False
        with contextlib.suppress(apsw.Error, WorkspaceError), lying_there(path, vfs=vfs) as db:
            is_reloaded = any(row[0] == "pqdesk_meta" for row in all_rows(db, _OBJECTS))
    text = f"{str(path)!r} is a database of another program, not a queue file"
    if is_reloaded:
        pragmas = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {newest()}"
        text = (
            f"{str(path)!r} was made from a dump, which leaves out what marks a queue file; {_by_hand(path, pragmas)}"
        )
    raise WorkspaceError(text, path=path)


def let_go_untouched(db: apsw.Connection, path: Path) -> None:
    """Close a file that was refused: what its log holds is not written back into it, as the last to close would."""
    with contextlib.suppress(apsw.Error, OSError):
        if os.stat(f"{path}-wal").st_size:
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    let_go(db)


def leave_no_log(location: Location, rng: Random) -> None:
    """Have SQLite remove the empty log that a look made, which a connection that only reads leaves there.

    It does so unless somebody has the file open; nothing is written into that. Where it cannot, the log stays.
    """
    with contextlib.suppress(apsw.Error, PQDeskError, OSError):
        if os.stat(f"{location.database}-wal").st_size == 0:
            db = connect(location.database, is_ours=location.is_ours, rng=rng)
            try:
                only_value(db, "PRAGMA schema_version")
            finally:
                let_go(db)


def check_schema(db: apsw.Connection, location: Location) -> int:
    """The schema number of the file, 0 for a file of an application without our tables.

    Raises:
        SchemaTooNew: Made by a newer PQDesk.
        WorkspaceError: Not a queue file, or changed by somebody.
    """
    path = location.database
    if not location.is_ours and (encoding := only_value(db, "PRAGMA encoding")) != "UTF-8":
        text = f"{str(path)!r} keeps its text as {encoding}, and queues need UTF-8; give them a file of their own"
        raise WorkspaceError(text, path=path)  # payloads are searched and read in as UTF-8
    try:
        with ReadTransaction(db, path):  # somebody may be bringing it up to date
            found = {row[0]: (row[1], row[2]) for row in all_rows(db, _OBJECTS)}
            if not found and not location.is_ours:
                return 0
            _check_mark(found, path)
            number = _schema_number(db, location)
    except UnicodeDecodeError as exc:
        text = f"queue file {str(path)!r} is damaged: its schema is not text; stop its workers and restore a backup"
        raise Corrupt(text, path=path) from exc
    if number > newest():
        text = f"{str(path)!r} was made by a newer PQDesk (schema {number}, this knows {newest()}); install that one"
        raise SchemaTooNew(text, path=path)
    _check_objects(found, number, path)
    return number


def _check_mark(found: dict[str, _Object], path: Path) -> None:
    """Refuse a file whose table of the schema's number is not ours."""
    if not found:
        raise Corrupt(f"{str(path)!r} is damaged: it has no tables; restore a backup", path=path)
    if found.get("pqdesk_meta") != _expected_objects(newest())["pqdesk_meta"]:
        name = "pqdesk_meta" if "pqdesk_meta" in found else min(found)
        raise WorkspaceError(
            f"{str(path)!r} has a {found[name][1]} {name!r} that is not PQDesk's; names that begin with pqdesk_ are "
            "PQDesk's: rename it, or give the queues a file of their own",
            path=path,
        )


def _schema_number(db: apsw.Connection, location: Location) -> int:
    row = first_row(db, "SELECT value FROM pqdesk_meta WHERE name = 'schema'")
    number = None if row is None else row[0]
    in_header = only_value(db, "PRAGMA user_version") if location.is_ours else number
    if isinstance(number, int) and number >= 1:
        if max(number, in_header or 0) > newest():
            return max(number, in_header or 0)
        if number == in_header:
            return number
    told = quoted(number) if in_header == number else f"{quoted(number)} and {in_header}"
    text = f"{str(location.database)!r} is damaged: its schema number is {told}, which no PQDesk writes"
    raise Corrupt(f"{text}; restore a backup", path=location.database)


def is_made(db: apsw.Connection, location: Location) -> bool:
    """Whether a file that is only looked at has our tables; False for one of an application that never had any.

    Raises:
        OutOfDate: Made by an older PQDesk.
        SchemaTooNew, WorkspaceError: As check_schema.
    """
    number = check_schema(db, location)
    if 0 < number < newest():
        text = f"{str(location.database)!r} was made by an older PQDesk (schema {number}, this reads {newest()})"
        raise OutOfDate(f"{text}; the first program that may write to it brings it up to date", path=location.database)
    return number > 0


def _check_objects(found: dict[str, _Object], number: int, path: Path) -> None:
    """Refuse a file whose objects named pqdesk_…, or on such, are not the ones that the steps make.

    A trigger would run inside our transactions, an index slow them or refuse a message. Of an application there may be
    anything else, and views that look at ours: nothing of ours looks at a view.
    """
    expected = _expected_objects(number)
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) == expected.get(name):
            continue
        kind = (found.get(name) or expected[name])[1]
        text = f"{str(path)!r} was changed by another program: the {kind} {name!r} is not as PQDesk makes it"
        if name in expected:
            text += f" ({'changed' if name in found else 'missing'}); restore a backup"
        elif name.isprintable():
            text += f", and PQDesk makes none; {_by_hand(path, _drop(kind, name))}"
        raise WorkspaceError(text, path=path)


def _drop(kind: str, name: str) -> str:
    return 'DROP {} "{}"'.format(kind.upper(), name.replace('"', '""'))


def _by_hand(path: Path, sql: str) -> str:
    """What to type to change a file that PQDesk refuses."""
    import shlex  # nobody needs it but here

    return f"run: sqlite3 {shlex.quote(str(path))} {shlex.quote(sql)}"


@cache
def _expected_objects(number: int) -> dict[str, _Object]:
    """Name → SQL and kind of every table and index, as the steps up to that one leave them."""
    db = apsw.Connection(":memory:")
    try:
        for step, sql in steps():
            if step <= number:
                db.execute(sql)
        return {row[0]: (row[1], row[2]) for row in all_rows(db, _OBJECTS)}
    finally:
        db.close()


def _make(location: Location, rng: Random, vfs: str | None) -> None:
    new = location.database.with_name(f"{location.database.name}.new-{os.getpid()}")
    for leftover in new.parent.glob(
        f"{files.plain_pattern(location.database.name)}.new-*"
    ):  # of makers that were killed
        leftover.unlink(missing_ok=True)
    files.make_empty_file(new)
    try:
        db = connect(new, is_ours=location.is_ours, vfs=vfs, rng=rng)
        with Translating(new), contextlib.closing(db):  # the last close writes the WAL back and removes it
            if location.is_ours:
                db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _switch_to_wal(db, new)
            _upgrade(db, new, 0, is_ours=location.is_ours)
        os.rename(new, location.database)
        durability.flush_folder(location.database.parent)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _bring_up_to_date(db: apsw.Connection, location: Location) -> None:
    path = location.database
    if db.readonly("main"):
        raise WorkspaceError(f"queue file {str(path)!r} is read-only for this user; make it writable", path=path)
    number = check_schema(db, location)
    mode = only_value(db, "PRAGMA journal_mode")
    if mode != "wal" or number < newest():
        files.make_private_folder(location.run)
        with files.initializer_lock(location.run):
            if mode != "wal":
                _switch_to_wal(db, path)
            number = check_schema(db, location)  # somebody else may have been quicker
            if 0 < number < newest():
                _migrate(db, location, number)
            elif number == 0:
                _upgrade(db, path, 0, is_ours=location.is_ours)


def _migrate(db: apsw.Connection, location: Location, number: int) -> None:
    """Bring a file of schema `number` up to date. Killed on the way, it is as it was."""
    path = location.database
    _refuse_while_in_use(db, location)
    kept = path.with_name(f"{path.name}.before-{newest()}")
    write_copy(db, kept, is_new=False)
    logger(__name__).info(
        "%r is of schema %d; it is kept as %r before it is brought to %d", str(path), number, str(kept), newest()
    )
    _upgrade(db, path, number, is_ours=location.is_ours)
    for older in path.parent.glob(f"{files.plain_pattern(path.name)}.before-*"):  # of earlier migrations
        if older != kept:
            older.unlink(missing_ok=True)
    logger(__name__).info("%r is of schema %d now", str(path), newest())


def _refuse_while_in_use(db: apsw.Connection, location: Location) -> None:
    """An older program that works on the file would go on by the old rules."""
    boot, folder = SystemClock().boot_id(), location.run / "owners"
    for owner in owners.living_owners(db):
        if not owner.is_detached and owners.is_alive(folder, owner, boot):
            text = f"queue file {str(location.database)!r} is in use by an older PQDesk ({owner.name}, pid {owner.pid})"
            raise WorkspaceError(
                f"{text}; stop that one, and the next start brings the file up to date", path=location.database
            )


def _switch_to_wal(db: apsw.Connection, path: Path) -> None:
    mode = only_value(db, "PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise WorkspaceError(f"{str(path)!r} cannot use a write-ahead log ({mode}); use a local file system", path=path)


def _upgrade(db: apsw.Connection, path: Path, number: int, *, is_ours: bool) -> None:
    with WriteTransaction(db, path):
        for step, sql in steps():
            if step > number:
                db.execute(sql)
        db.execute("INSERT OR REPLACE INTO pqdesk_meta (name, value) VALUES ('schema', ?)", (newest(),))
        if is_ours:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {newest()}")
