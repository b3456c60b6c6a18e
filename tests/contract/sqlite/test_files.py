"""What a queue file and its folder have to be, and what is refused without touching it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from pqdesk import Corrupt, InvalidInput, Queue, SchemaTooNew, Workspace, WorkspaceError
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection, open_store
from tests.contract.outside import edit
from tests.programs import run_python


def _modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def test_made_folders_are_0700_and_files_0600(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with Workspace(tmp_path / "new" / "w") as workspace:
            workspace.queue("q").put("x")
            workspace.queue("q").get()

            modes = _modes(tmp_path / "new")
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    folders = {name for name in modes if (tmp_path / "new" / name).is_dir()}
    assert {modes[name] for name in folders} == {0o700}
    assert {mode for name, mode in modes.items() if name not in folders and "owners/" not in name} == {0o600}


def test_many_processes_open_a_new_workspace_at_once(tmp_path: Path) -> None:
    program = "import sys; from pqdesk import Queue; Queue('q', workspace=sys.argv[1]).put(1)"
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "w")]) for _ in range(8)]

    assert [process.wait(60) for process in running] == [0] * 8

    with Workspace(tmp_path / "w") as workspace:
        assert workspace.counts("q").ready == 8


def test_a_workspace_can_be_copied_whole_when_nothing_runs(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put("x")

    shutil.copytree(tmp_path / "w", tmp_path / "copy")

    with Workspace(tmp_path / "copy") as copy:
        assert copy.queue("q").get(block=False).payload == "x"


def _text_file(path: Path) -> None:
    path.write_text("no queue, but a text that is longer than SQLite's header of one hundred bytes. " * 3)


def _database_of_another(path: Path) -> None:
    edit(path, "CREATE TABLE t(x); PRAGMA application_id = 7")


_NO_QUEUES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.touch(), "is empty, not a queue file"),
    "text": (_text_file, "not a PQDesk queue file"),
    "folder": (lambda path: path.mkdir(), "not a regular file"),
    "fifo": (lambda path: os.mkfifo(path), "not a regular file"),
    "symbolic link": (lambda path: path.symlink_to("/etc/hostname"), "not a regular file"),
    "another program's": (_database_of_another, "database of another program"),
}


@pytest.mark.parametrize("name", _NO_QUEUES)
def test_what_is_no_queue_file_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    make, reason = _NO_QUEUES[name]
    folder = tmp_path / "w"
    folder.mkdir(0o700)
    path = folder / "queue.db"
    make(path)
    before = path.read_bytes() if path.is_file() and not path.is_symlink() else None

    for look in (lambda: Workspace(folder), lambda: open_inspection(WorkspacePaths(folder))):
        with pytest.raises(WorkspaceError, match=reason) as caught:
            look()
        assert "\n" not in str(caught.value)

    assert before is None or path.read_bytes() == before


def test_looking_at_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert not Workspace.exists(tmp_path / "w")
    with pytest.raises(WorkspaceError):
        open_inspection(WorkspacePaths(tmp_path / "w"))

    assert list(tmp_path.glob("w*")) == []


@pytest.mark.parametrize(
    "sql", ["UPDATE pqdesk_meta SET value = 999 WHERE name = 'schema'", "PRAGMA user_version = 999"]
)
def test_a_newer_file_is_refused_in_one_sentence(tmp_path: Path, sql: str) -> None:
    Workspace(tmp_path / "w").close()
    edit(tmp_path / "w" / "queue.db", sql)

    with pytest.raises(SchemaTooNew, match="made by a newer PQDesk"):
        Workspace(tmp_path / "w")


def test_a_second_name_of_the_file_is_refused(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()
    os.link(tmp_path / "w" / "queue.db", tmp_path / "w" / "second")

    with pytest.raises(WorkspaceError, match="second name"):
        Workspace(tmp_path / "w")


@pytest.mark.parametrize(
    "table", ["pqdesk_message", "PQDESK_MESSAGE", '"Pqdesk_Queue"', "[pqdesk_PUT]", "`pqdesk_meta`"]
)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_trigger_on_a_table_of_ours_is_refused_in_any_spelling(tmp_path: Path, table: str, is_ours: bool) -> None:
    path = tmp_path / "w" / "queue.db"
    path.parent.mkdir(0o700)
    opened: list[Callable[[], object]] = [
        lambda: Workspace(path.parent) if is_ours else Queue("q", database=path),
        lambda: open_inspection(WorkspacePaths(path.parent)) if is_ours else open_inspection(path),
    ]
    opened[0]().close()  # type: ignore[attr-defined]
    edit(path, f"CREATE TRIGGER planted AFTER UPDATE ON {table} BEGIN DELETE FROM pqdesk_message; END")
    before = path.read_bytes()

    for call in opened:
        with pytest.raises(WorkspaceError, match=r"trigger 'planted'.* 'DROP TRIGGER \"planted\"'") as caught:
            call()
        assert "\n" not in str(caught.value)

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("sql", "name", "way_out"),
    [
        ("CREATE TABLE pqdesk_extra(x)", "pqdesk_extra", "DROP TABLE"),
        ("CREATE INDEX extra ON PQDesk_message (priority)", "extra", "DROP INDEX"),
        ("CREATE UNIQUE INDEX [an index] ON pqdesk_queue (ready)", "an index", "DROP INDEX"),
        ("CREATE VIEW PQDESK_v AS SELECT 1", "PQDESK_v", "DROP VIEW"),
        ("ALTER TABLE pqdesk_message ADD COLUMN extra TEXT", "pqdesk_message", "changed"),
        ("DROP INDEX pqdesk_claimable", "pqdesk_claimable", "missing"),
    ],
)
def test_a_changed_schema_is_refused_and_names_what_differs_and_the_line_that_removes_it(
    tmp_path: Path, sql: str, name: str, way_out: str
) -> None:
    Workspace(tmp_path / "w").close()
    edit(tmp_path / "w" / "queue.db", sql)

    for look in (lambda: Workspace(tmp_path / "w"), lambda: open_inspection(WorkspacePaths(tmp_path / "w"))):
        with pytest.raises(WorkspaceError, match=f"'{name}' is not as PQDesk makes it.*{way_out}"):
            look()


def test_the_line_that_an_error_gives_opens_the_workspace_again(tmp_path: Path) -> None:
    Workspace(tmp_path / "it's w").close()
    edit(tmp_path / "it's w" / "queue.db", """CREATE INDEX "it's ""so""\" ON pqdesk_message (priority)""")

    with pytest.raises(WorkspaceError) as caught:
        Workspace(tmp_path / "it's w")
    program, path, sql = shlex.split(str(caught.value).partition("run: ")[2])
    edit(Path(path), sql)

    assert program == "sqlite3"
    Workspace(tmp_path / "it's w").close()


def test_a_view_that_somebody_made_in_a_workspace_does_no_harm(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()
    edit(tmp_path / "w" / "queue.db", "CREATE VIEW waiting AS SELECT * FROM pqdesk_message WHERE state = 2")

    with Queue("q", workspace=tmp_path / "w") as queue:
        queue.put("x")
        assert queue.get(block=False).payload == "x"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE pqdesk_meta SET value = 'two' WHERE name = 'schema'",
        "UPDATE pqdesk_meta SET value = 0 WHERE name = 'schema'",
        "UPDATE pqdesk_meta SET value = 1.5 WHERE name = 'schema'",
        "UPDATE pqdesk_meta SET value = -7 WHERE name = 'schema'",
        "DELETE FROM pqdesk_meta WHERE name = 'schema'",
    ],
)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_schema_number_that_is_none_is_damage(tmp_path: Path, sql: str, is_ours: bool) -> None:
    options = {"workspace": tmp_path / "w"} if is_ours else {"database": tmp_path / "w" / "queue.db"}
    (tmp_path / "w").mkdir(0o700)
    Queue("q", **options).close()  # type: ignore[arg-type]
    edit(tmp_path / "w" / "queue.db", sql)

    with pytest.raises(Corrupt, match="schema number"):
        Queue("q", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [0, -5, 1])
def test_a_number_in_the_header_that_is_not_that_of_the_schema_is_damage(tmp_path: Path, number: int) -> None:
    Workspace(tmp_path / "w").close()
    edit(tmp_path / "w" / "queue.db", f"PRAGMA user_version = {number}")

    with pytest.raises(Corrupt, match="schema number"):
        Workspace(tmp_path / "w")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE pqdesk_message (subject TEXT)",
        "CREATE TABLE PQDESK_META (name TEXT)",
        "CREATE TABLE pqdesk_meta (name TEXT PRIMARY KEY, value TEXT)",
        "CREATE VIEW pqdesk_put AS SELECT 1",
    ],
)
def test_a_table_of_somebody_else_that_is_called_like_ours_is_refused_in_words(tmp_path: Path, sql: str) -> None:
    edit(tmp_path / "app.db", sql)
    before = (tmp_path / "app.db").read_bytes()

    with pytest.raises(WorkspaceError, match="is not PQDesk's; names that begin with pqdesk_ are"):
        Queue("q", database=tmp_path / "app.db")

    assert (tmp_path / "app.db").read_bytes() == before


def test_a_file_that_was_made_from_a_dump_says_which_pragmas_are_missing(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put("kept")
    dump = "import sqlite3, sys; print('\\n'.join(sqlite3.connect(sys.argv[1]).iterdump()))"
    script = run_python(dump, str(tmp_path / "w" / "queue.db"))
    for path in (tmp_path / "w").glob("queue.db*"):
        path.unlink()
    edit(tmp_path / "w" / "queue.db", script)

    with pytest.raises(WorkspaceError, match="made from a dump") as caught:
        Workspace(tmp_path / "w")
    _, path, sql = shlex.split(str(caught.value).partition("run: ")[2])
    edit(Path(path), sql)

    with Queue("q", workspace=tmp_path / "w") as queue:
        assert queue.get(block=False).payload == "kept"


def test_a_file_that_is_refused_is_not_written_by_closing_it(tmp_path: Path) -> None:
    leave_log = """
import apsw, os, sys
db = apsw.Connection(sys.argv[1])
db.execute("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_mode = WAL").fetchall()
db.execute(sys.argv[2])
os._exit(0)
"""
    Workspace(tmp_path / "ours").close()
    (tmp_path / "others").mkdir(0o700)
    for folder, sql in (("ours", "CREATE TABLE pqdesk_extra (x)"), ("others", "CREATE TABLE bookmark (x)")):
        database, log = tmp_path / folder / "queue.db", tmp_path / folder / "queue.db-wal"
        run_python(leave_log, str(database), sql)
        before = database.read_bytes(), log.read_bytes()

        for look in (lambda: Workspace(database.parent), lambda: open_inspection(WorkspacePaths(database.parent))):  # noqa: B023
            with pytest.raises(WorkspaceError):
                look()

        assert before[1]
        assert (database.read_bytes(), log.read_bytes()) == before
        assert (tmp_path / folder / "run").exists() == (folder == "ours")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON pqdesk_message BEGIN SELECT 1; END",
        "CREATE INDEX i ON pqdesk_message (due_us)",
        "DROP TABLE pqdesk_put",
        "PRAGMA user_version = 99",
        "UPDATE pqdesk_meta SET value = 'x' WHERE name = 'schema'",
    ],
)
@pytest.mark.parametrize("is_ours", [True, False])
def test_looking_leaves_nothing_beside_the_file_whether_it_is_refused_or_not(
    tmp_path: Path, sql: str, is_ours: bool
) -> None:
    place = WorkspacePaths(tmp_path) if is_ours else tmp_path / "queue.db"
    open_store(place).close()
    edit(tmp_path / "queue.db", sql)
    before = _files_of(tmp_path)

    with contextlib.suppress(WorkspaceError):
        inspection = open_inspection(place)
        inspection.queues()
        inspection.close()

    assert _files_of(tmp_path) == before


def test_looking_leaves_the_log_of_those_who_work(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        inspection = open_inspection(WorkspacePaths(tmp_path / "w"))
        queue.put(1)
        inspection.close()
        queue.put(2)

        assert queue.qsize() == 2
        assert (tmp_path / "w" / "queue.db-wal").stat().st_size > 0


def _files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_leftovers_of_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "a1.db.new-7").touch()

    Queue("q", database=tmp_path / "a[0-9].db").close()

    assert (tmp_path / "a1.db.new-7").exists()


def test_what_an_application_adds_to_its_own_file_is_its_business(tmp_path: Path) -> None:
    Queue("q", database=tmp_path / "app.db").close()
    edit(tmp_path / "app.db", "CREATE TABLE orders(x); CREATE VIEW v AS SELECT x FROM orders; ANALYZE")

    with Queue("q", database=tmp_path / "app.db") as queue:
        assert queue.put("x") == 1


def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w").chmod(0o777)

    with pytest.raises(WorkspaceError, match="chmod o-w"):
        Workspace(tmp_path / "w")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused_unless_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w").mkdir(0o700)
    os.chown(tmp_path / "w", 65534, 65534)

    with pytest.raises(WorkspaceError, match="PQDESK_ALLOW_OWNER=1"):
        Workspace(tmp_path / "w")
    monkeypatch.setenv("PQDESK_ALLOW_OWNER", "1")
    Workspace(tmp_path / "w").close()


def test_a_file_of_an_application_keeps_what_is_its_own(tmp_path: Path) -> None:
    database = tmp_path / "app.db"
    script = """
        CREATE TABLE orders(x); CREATE TABLE audit(x); PRAGMA application_id = 7; PRAGMA user_version = 42;
        CREATE TRIGGER t AFTER INSERT ON orders BEGIN INSERT INTO audit VALUES (new.x); END"""
    edit(database, script)

    with Queue("q", database=database) as queue:
        queue.put("x")
        queue.get(block=False).ack()

    look = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute("INSERT INTO orders VALUES (1)")
print([db.execute(sql).fetchone()[0] for sql in (
    "PRAGMA application_id", "PRAGMA user_version", "PRAGMA journal_mode", "SELECT count(*) FROM audit",
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'pqdesk%'")])
db.close()
"""
    assert run_python(look, str(database)).strip() == "[7, 42, 'wal', 1, 2]"
    assert (tmp_path / "app.db-pqdesk").is_dir()


def test_a_database_needs_its_folder_but_not_its_file(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        Queue("q", database=tmp_path / "missing" / "app.db")
    with Queue("q", database=tmp_path / "app.db") as queue:
        assert queue.put("x") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()
    (tmp_path / "w").chmod(0o500)

    with pytest.raises(WorkspaceError, match="read-only"):
        Workspace(tmp_path / "w")
    (tmp_path / "w").chmod(0o700)


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe"])
def test_a_path_that_is_not_utf8_is_refused_in_words(tmp_path: Path, name: bytes) -> None:
    odd = tmp_path / os.fsdecode(name)
    odd.mkdir(0o700)
    (tmp_path / "link").symlink_to(odd)

    for call in (
        lambda: Workspace(odd / "w"),
        lambda: Workspace.exists(odd),
        lambda: Queue("q", workspace=tmp_path / "link"),
        lambda: Queue("q", database=odd / "app.db"),
        lambda: open_inspection(str(odd / "app.db")),
    ):
        with pytest.raises(InvalidInput, match="not UTF-8") as caught:
            call()
        assert str(caught.value).isascii()

    assert list(odd.iterdir()) == []
    with Workspace(tmp_path / "w") as workspace, pytest.raises(InvalidInput, match="not UTF-8"):
        workspace.backup(odd / "copy.db")


def test_a_put_into_a_removed_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    queue = Queue("q", workspace=tmp_path / "w")
    queue.put("x")
    shutil.rmtree(tmp_path / "w")
    queue.store._space._looked_ms = -1000  # type: ignore[attr-defined]

    with pytest.raises(WorkspaceError):
        queue.put("y")

    queue.close()


def test_a_database_in_utf_16_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA encoding = 'UTF-16'")
        db.execute("CREATE TABLE own (one)")
    before = path.read_bytes()

    with pytest.raises(WorkspaceError, match="UTF-16le"):
        Queue("work", database=path)

    assert path.read_bytes() == before
