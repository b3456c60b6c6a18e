"""Files of every released schema, as that release left them: brought up to date whole, or left as they were."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pqdesk import DiskFull, Queue, SchemaTooNew, Workspace, WorkspaceError
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection
from pqdesk.storage.sqlite import migrations
from tests.contract.outside import edit
from tests.programs import run_python

FILES = Path(__file__).parent / "files"
RELEASED = sorted(FILES.glob("schema_*.sql"))


_LOAD = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute(open(sys.argv[2], encoding="utf-8").read()).fetchall()
db.close()
"""


@pytest.fixture(params=RELEASED, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> WorkspacePaths:
    """A workspace whose queue file an older release made."""
    paths = WorkspacePaths(tmp_path / "w")
    paths.root.mkdir(0o700)
    _load(request.param, paths.database)
    return paths


def _load(dump: Path, database: Path) -> None:
    run_python(_LOAD, str(database), str(dump))
    database.chmod(0o600)


def _schema(database: Path) -> list[Any]:
    """Everything that the file is made of, in an order of its own, and its numbers."""
    look = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
print(sorted(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()))
print([db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id", "journal_mode")])
print([db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("auto_vacuum", "integrity_check")])
print(db.execute("SELECT * FROM pqdesk_meta").fetchall())
db.close()
"""
    return run_python(look, str(database)).splitlines()


def _backup(paths: WorkspacePaths) -> Path:
    return paths.root / f"queue.db.before-{migrations.newest()}"


def test_there_is_a_file_of_each_released_schema() -> None:
    released = [number for number, _ in migrations.steps()][:-1]

    assert [int(path.stem[-4:]) for path in RELEASED] == released
    assert all(path.stat().st_size < 1_000_000 for path in RELEASED)


def test_a_migrated_file_equals_a_fresh_one(old: WorkspacePaths, tmp_path: Path) -> None:
    Workspace(old.root).close()
    Workspace(tmp_path / "fresh").close()

    assert _schema(old.database) == _schema(tmp_path / "fresh" / "queue.db")


def test_all_messages_are_there_in_their_states(old: WorkspacePaths) -> None:
    with Workspace(old.root) as workspace:
        found = {one.id: workspace.message(one.id) for one in workspace.messages(limit=1000)}
        counts = workspace.counts("mail")
        mail = workspace.queue("mail")

        assert {number: one.state.word for number, one in found.items()} == {
            1: "completed", 2: "failed", 3: "retrying", 4: "cancelled", 6: "ready", 7: "ready", 8: "scheduled",
            9: "scheduled", 10: "ready", 11: "ready", 12: "ready", 13: "ready", 14: "ready", 15: "running",
            16: "running", 17: "running",
        }  # fmt: skip
        assert (counts.scheduled, counts.ready, counts.retrying, counts.total) == (2, 6, 1, 12)
        assert (found[1].payload, found[1].result) == ({"to": "ada@example.com"}, {"sent": True})
        assert (found[1].type, found[1].headers, found[1].key) == ("send", {"Lang": "de"}, "done-key")
        assert found[2].error_text == "no such address\nat all"
        assert found[3].payload == [1, 2.5, None, "ä"]
        assert (found[6].payload, found[7].payload) == (b"\x00\xff", "x" * 1500)
        assert workspace.message(5).is_trashed
        assert (mail.configuration.max_attempts, mail.configuration.backoff) == (2, "fixed:60")
        assert workspace.queue("paused").paused


def test_old_messages_are_worked_on_as_any(old: WorkspacePaths) -> None:
    with Workspace(old.root) as workspace:
        mail = workspace.queue("mail")
        payloads = []
        for _ in range(6):
            with mail.get(block=False) as message:
                payloads.append(message.payload)
        assert sorted(map(str, payloads[:5])) == sorted(["x" * 1500, "g1", "g2", "g3", "marked"])
        assert payloads[5] == b"\x00\xff"  # of lower priority
        assert workspace.retry(2).done == 1
        assert mail.get(block=False).id == 2
        assert workspace.restore(5).done == 1
        assert mail.put_once([("mark-1", "again")]) == []
        with pytest.raises(Exception, match="retry-key"):
            mail.put("x", key="retry-key")
        running = workspace.queue("running")
        assert running.get(timeout=20).payload == "in hand"  # its process is gone


def test_before_it_a_copy_is_laid_beside_it_that_can_be_opened_by_the_old_release(
    old: WorkspacePaths, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = _schema(old.database)

    with caplog.at_level(logging.INFO):
        Workspace(old.root).close()

    assert _schema(_backup(old)) == before
    assert stat.S_IMODE(_backup(old).stat().st_mode) == 0o600
    assert str(_backup(old)) in caplog.text
    (tmp_path / "again").mkdir(0o700)
    shutil.copy(_backup(old), tmp_path / "again" / "queue.db")
    with Workspace(tmp_path / "again") as again:
        assert again.message(1).payload == {"to": "ada@example.com"}


def test_the_copy_is_kept_until_the_next_migration(old: WorkspacePaths) -> None:
    older = old.root / "queue.db.before-1"
    older.touch()

    Workspace(old.root).close()
    Workspace(old.root).close()

    assert _backup(old).exists()
    assert not older.exists()


def test_a_fresh_file_needs_no_copy(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()

    assert list((tmp_path / "w").glob("*before*")) == []


_KILLED_AT = """
import os, signal, sys
import pqdesk.storage.sqlite.migrations as migrations, pqdesk.storage.sqlite.backup as backup
from pqdesk import Workspace
where = sys.argv[2]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "copying":
    backup._flush = die
elif where == "copied":
    migrations._upgrade = die
elif where == "half way":
    migrations.steps = lambda real=migrations.steps: real()[:-1] + ((real()[-1][0], _half(real()[-1][1])),)
def _half(sql):
    os.environ["HALF"] = "1"
    statements = sql.split(";")
    return Killing(";".join(statements[: len(statements) // 2]) + ";")
class Killing(str):
    pass
if where == "half way":
    import apsw
    class Connection(apsw.Connection):
        def execute(self, sql, *args, **kwargs):
            found = super().execute(sql, *args, **kwargs)
            if isinstance(sql, Killing):
                die()
            return found
    apsw.Connection = Connection
Workspace(sys.argv[1])
"""


@pytest.mark.parametrize("where", ["copying", "copied", "half way"])
def test_killed_on_the_way_it_is_as_it_was_and_the_next_start_does_it(
    old: WorkspacePaths, tmp_path: Path, where: str
) -> None:
    before = _schema(old.database)

    killed = subprocess.run([sys.executable, "-c", _KILLED_AT, old.root, where], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert _schema(old.database) == before
    with Workspace(old.root) as workspace:
        assert workspace.message(1).state == State.COMPLETED
    assert list(old.root.glob("*unfinished*")) == []
    assert _schema(_backup(old)) == before
    Workspace(tmp_path / "fresh").close()
    assert _schema(old.database) == _schema(tmp_path / "fresh" / "queue.db")


def test_processes_that_start_at_once_migrate_once(old: WorkspacePaths) -> None:
    before = _schema(old.database)
    program = "import sys; from pqdesk import Queue; Queue('q', workspace=sys.argv[1]).put(1)"
    running = [subprocess.Popen([sys.executable, "-c", program, old.root]) for _ in range(6)]

    assert [one.wait() for one in running] == [0] * 6

    assert _schema(_backup(old)) == before
    with Workspace(old.root) as workspace:
        assert workspace.counts("q").ready == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_without_room_for_the_copy_it_is_left_alone_in_one_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", disk], check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    try:
        _load(RELEASED[0], disk / "queue.db")
        before = _schema(disk / "queue.db")

        with pytest.raises(DiskFull, match="no room for the copy") as caught:
            Workspace(disk)

        assert "\n" not in str(caught.value)
        assert _schema(disk / "queue.db") == before
        assert list(disk.glob("*before*")) == list(disk.glob("*unfinished*")) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_while_an_older_program_works_on_it_it_is_left_alone(old: WorkspacePaths) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDS_A_LOCK, old.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    before = _schema(old.database)

    with pytest.raises(WorkspaceError, match=rf"in use by an older PQDesk \(old worker, pid {holder.pid}\)"):
        Workspace(old.root)

    assert _schema(old.database) == before
    holder.communicate()
    Workspace(old.root).close()


_HOLDS_A_LOCK = """
import os, sys
from pathlib import Path
import apsw
from pqdesk.clock import SystemClock
from pqdesk.storage.sqlite.owners import OwnLock, add_owner
root = Path(sys.argv[1])
(root / "run").mkdir(mode=0o700, exist_ok=True)
lock = OwnLock(root / "run" / "owners")
db = apsw.Connection(str(root / "queue.db"))
add_owner(db, lock.token, pid=os.getpid(), boot=SystemClock().boot_id(), name="old worker", now_us=1)
db.close()
print("holds", flush=True)
sys.stdin.read()
"""


def test_looking_at_an_older_file_brings_it_up_to_date_too(old: WorkspacePaths) -> None:
    before = _schema(old.database)

    with closing(open_inspection(old)) as inspection:
        assert inspection.message(1).state == State.COMPLETED

    assert _schema(_backup(old)) == before


def test_looking_at_an_older_file_that_cannot_be_written_says_so_and_changes_nothing(
    old: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _schema(old.database)
    monkeypatch.setattr(migrations, "_migrate", _refuse)

    with pytest.raises(WorkspaceError, match="read-only"):
        open_inspection(old)

    assert _schema(old.database) == before


def _refuse(*_: Any) -> None:
    raise WorkspaceError("it is read-only")


def test_a_database_of_an_application_is_migrated_with_its_own_things_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "app.db"
    _load(RELEASED[0], database)
    own = "CREATE TABLE orders (id); INSERT INTO orders VALUES (7); PRAGMA user_version = 42; PRAGMA application_id = 9"
    edit(database, own)

    with Queue("mail", database=database) as queue:
        assert queue.counts().total == 12
        with queue.transaction() as tx:
            assert tx.execute("SELECT id FROM orders") == [(7,)]

    assert _schema(database)[1] == "[42, 9, 'wal']"
    assert (tmp_path / f"app.db.before-{migrations.newest()}").exists()


def test_an_old_program_on_a_newer_file_is_refused_in_one_sentence(
    old: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace(old.root).close()
    before = _schema(old.database)
    monkeypatch.setattr(migrations, "steps", lambda real=migrations.steps: real()[:1])

    for look in (lambda: Workspace(old.root), lambda: open_inspection(old)):
        with pytest.raises(SchemaTooNew, match="newer PQDesk") as caught:
            look()
        assert "\n" not in str(caught.value)

    assert _schema(old.database) == before
