"""What names a workspace, in each command: folder, its queue.db, an application's file, or the folder beside it."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import platformdirs
import pytest

from pqdesk import InvalidInput, Queue, Workspace
from pqdesk.cli.main import main
from pqdesk.paths import WorkspacePaths, application_paths, choose_workspace
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.supervision import Supervision
from tests.support import wait_until


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application's database that no queue has been in yet."""
    file = tmp_path / "shop.db"
    db = apsw.Connection(str(file))
    db.execute("CREATE TABLE orders(x)")
    db.close()
    return file


@pytest.fixture
def run(shop: Path, capfd: pytest.CaptureFixture[str]) -> object:
    def run(command: str, *words: str, address: Path = shop) -> str:
        code = main(["-w", str(address), *command.split(), *words])
        done = capfd.readouterr()
        assert code == 0, (command, code, done)
        return done.out

    return run


def test_an_address_is_a_folder_a_queue_file_or_an_applications_file(tmp_path: Path, shop: Path) -> None:
    folder = tmp_path / "w"
    Workspace(folder).close()

    assert choose_workspace(folder) == choose_workspace(folder / "queue.db") == WorkspacePaths(folder)
    assert choose_workspace(shop) == choose_workspace(tmp_path / "shop.db-pqdesk") == application_paths(shop)
    assert choose_workspace(tmp_path / "none") == WorkspacePaths(tmp_path / "none")
    assert choose_workspace(tmp_path / "none-pqdesk") == WorkspacePaths(tmp_path / "none-pqdesk")


def test_a_workspace_that_is_named_like_the_folder_beside_a_file_is_one(tmp_path: Path, shop: Path) -> None:
    folder = tmp_path / "shop.db-pqdesk"
    folder.mkdir()
    (folder / "queue.db").touch()

    assert choose_workspace(folder) == WorkspacePaths(folder)


@pytest.mark.parametrize("url", ["postgres://localhost/x", "http://x", "file:///tmp/x", "PQDESK+x.y-1://"])
def test_a_url_is_refused_until_it_means_something(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PQDESK_WORKSPACE", url)

    with pytest.raises(InvalidInput, match="is a URL"):
        Queue("q")
    for command in ("put q 1", "queues", "workers", "start all"):
        assert main(command.split()) == 2
        assert "is a URL" in capfd.readouterr().err

    assert list((tmp_path / "here").iterdir()) == []


def test_the_library_takes_the_file_too(shop: Path) -> None:
    with Workspace(shop) as workspace:
        assert workspace.path == shop
        workspace.queue("q").put("x")
    with Queue("q", workspace=shop) as one, Queue("q", database=shop) as other:
        assert one.qsize() == other.qsize() == 1


def test_every_command_works_on_an_applications_file(
    shop: Path,
    run,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "0 messages" in run("doctor")  # no table of ours is in it yet, and looking makes none
    run("queues")
    assert {one.name for one in tmp_path.glob("shop*")} <= {"shop.db", "shop.db-wal", "shop.db-shm"}

    for _ in range(4):
        run("put q", '{"a": 1}')
    assert "q" in run("queues")
    assert '"a"' in run("messages q")
    for command in ("show 1", "why 1", "errors", "metrics", "cancel 1", "retry 1", "pause q", "resume q", "schedules",
                    "configure q --max-attempts 3", "delete 2", "restore 2", "trash", "activity", "undo 1", "compact",
                    "export q q.jsonl", "look-only", "workers", "doctor", "watch", "start-at-login"):  # fmt: skip
        run(command)
    run("backup", str(tmp_path / "copy.db"))
    receipt = run("get q --json").split('"receipt":')[1].split('"')[1]
    run("ack", receipt)
    run("consume q --drain --", "true")

    with Queue("q", database=shop) as queue:
        assert queue.counts().completed >= 2
    db = apsw.Connection(str(shop), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.execute("SELECT count(*) FROM orders").fetchall() == [(0,)]
    db.close()


def test_rows_put_by_plain_sql_are_taken_in_by_a_consumer(shop: Path, run) -> None:  # type: ignore[no-untyped-def]
    Queue("q", database=shop).close()
    db = apsw.Connection(str(shop))
    db.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('q', '1')")
    db.close()

    with Workspace(shop) as workspace:
        workspace.attend()
        wait_until(lambda: workspace.queue("q").counts().total == 1, reason="the row becomes a message")

    run("consume q --drain --", "true")


def test_workers_of_an_applications_file_work_on_it(shop: Path, run) -> None:  # type: ignore[no-untyped-def]
    run("put q", "1")
    paths = choose_workspace(shop)
    try:
        run("add-worker w --queue q --", "true")
        with Queue("q", database=shop) as queue:
            wait_until(lambda: queue.counts().completed == 1, reason="the worker has done it")
        assert "w" in run("workers")
        assert "id=1" in run("logs w")
    finally:
        Supervision(paths).shutdown()

    assert [one.name for one in read_definitions(paths).workers] == ["w"]
    assert paths.workers.is_relative_to(shop.with_name("shop.db-pqdesk"))
    modes = {oct(stat.S_IMODE(one.lstat().st_mode)) for one in (paths.root, *paths.root.rglob("*"))}
    assert modes <= {"0o600", "0o700"}  # whoever made it: commands, supervisord, the worker


# --- what is no place for one ---------------------------------------------------------------------

COMMANDS = ("put q 1", "queues", "workers", "start all", "consume q -- true", "add-worker x --queue q -- true", "watch")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ["/proc/self", "/proc/self/fd", "/proc", "/dev/null"])
def test_where_nothing_can_be_made_is_told_in_a_sentence(
    place: str, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(["-w", place, *command.split()])

    error = capfd.readouterr().err
    assert code in (1, 3), error
    assert error.count("\n") == 1
    assert "bug" not in error


@pytest.mark.parametrize("knows", ["raises", "answers with ~"])
@pytest.mark.parametrize("command", ["put q 1", "queues", "workers", "start all", "doctor", "consume q -- true"])
def test_a_user_without_a_home_is_told_what_to_name(
    command: str, knows: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def no_home(_app: str) -> Path:
        if knows == "raises":
            raise RuntimeError("could not determine the home directory")
        return Path("~/.local/share/pqdesk")

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for kind in ("user_data_path", "user_state_path", "user_cache_path"):
        monkeypatch.setattr(platformdirs, kind, no_home)

    code = main(command.split())

    done = capfd.readouterr()
    assert code in (1, 2)
    assert (done.out + done.err).count("set HOME") == 1
    assert not list((tmp_path / "here").iterdir())
    assert main(["-w", str(tmp_path / "w"), "put", "q", "1"]) == 0


def test_a_very_long_error_shows_both_its_ends(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["messages", "--state", "x" * 100_000]) == 2

    error = capfd.readouterr().err
    assert len(error) < 2_100
    assert "--state" in error
    assert "--help" in error
