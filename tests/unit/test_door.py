"""What is refused at the door of a workspace: by the library, by what starts workers, and as root too."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pqdesk import Queue, Workspace, WorkspaceError
from pqdesk.cli.main import main
from pqdesk.door import faults, too_wide
from pqdesk.paths import WorkspacePaths, state_folder
from pqdesk.storage import open_inspection
from pqdesk.supervision.daemon import bundled_programs
from pqdesk.supervision.daemon.known_starts import remember_start, was_started_here
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.supervision import Supervision


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    """A workspace with a message and two workers, one with a secret."""
    found = WorkspacePaths(tmp_path / "w")
    with Workspace(found.root) as workspace:
        workspace.queue("q").put("kept")
    write_supervisor_configuration(found)
    write_definition(found, WorkerDefinition(name="a", command=("true", "a b"), secrets={"TOKEN": "x"}))
    write_definition(found, WorkerDefinition(name="b", command=("touch", str(tmp_path / "ran")), replicas=2))
    found.removed.mkdir(0o700)
    (found.removed / "old.json").write_text("{}")
    (found.logs / "a.out.log").write_text("a line\n")
    return found


def entries(paths: WorkspacePaths) -> tuple[Callable[[], object], ...]:
    """All that uses a workspace: the library, looking, and all that can be done with workers."""
    supervision = Supervision(paths)
    return (
        lambda: Workspace(paths.root),
        lambda: Queue("q", workspace=paths.root),
        lambda: open_inspection(paths),
        lambda: supervision.start("all"),
        lambda: supervision.ensure_running(),
        lambda: supervision.stop("all"),
        lambda: supervision.restart("all"),
        lambda: supervision.add(WorkerDefinition(name="c", command=("true",)), start=True),
        lambda: supervision.remove("a"),
        lambda: supervision.try_out(WorkerDefinition(name="c", command=("true",))),
        lambda: bundled_programs.supervisord([], paths),
        lambda: bundled_programs.supervisorctl(["status"], paths),
    )


def refused(paths: WorkspacePaths, words: str) -> None:
    for entry in entries(paths):
        with pytest.raises(WorkspaceError, match=words) as raised:
            entry()
        assert "\n" not in str(raised.value)
    assert words in (Supervision(paths).status().problem or "")
    assert not (paths.root.parent / "ran").exists()


PLACES: dict[str, Callable[[WorkspacePaths], Path]] = {
    "the workspace": lambda paths: paths.root,
    "queue.db": lambda paths: paths.database,
    "run": lambda paths: paths.run,
    "logs": lambda paths: paths.logs,
    "supervisor": lambda paths: paths.supervisor,
    "workers": lambda paths: paths.workers,
    "secrets": lambda paths: paths.secrets,
    "removed": lambda paths: paths.removed,
    "supervisord.conf": lambda paths: paths.supervisor_configuration,
    "a worker": lambda paths: paths.workers / "a.conf",
    "a secret": lambda paths: next(paths.secrets.iterdir()),
    "what was removed": lambda paths: paths.removed / "old.json",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("bits", "change"), [(0o020, "g-w"), (0o002, "o-w"), (0o022, "o-w,g-w")])
def test_what_others_may_write_to_is_refused_with_what_mends_it(
    paths: WorkspacePaths, place: str, bits: int, change: str
) -> None:
    path = PLACES[place](paths)
    path.chmod(path.stat().st_mode | bits)

    refused(paths, f"may write to '{path}'; run: chmod {change} {path}")

    path.chmod(path.stat().st_mode & ~bits)
    Workspace(paths.root).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", PLACES)
def test_what_is_another_users_is_refused_by_root_too_unless_allowed(
    paths: WorkspacePaths, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = PLACES[place](paths)
    os.chown(path, 65534, 65534)

    refused(paths, "belongs to user 65534")

    monkeypatch.setenv("PQDESK_ALLOW_OWNER", "1")
    Workspace(paths.root).close()


@pytest.mark.parametrize("place", [one for one in PLACES if one != "the workspace"])
@pytest.mark.parametrize("kind", ["link", "pipe", "other kind"])
def test_what_is_of_the_wrong_kind_is_refused(paths: WorkspacePaths, place: str, kind: str) -> None:
    path = PLACES[place](paths)
    was_folder = path.is_dir()
    elsewhere = path.rename(paths.root.parent / "elsewhere")
    if kind == "link":
        path.symlink_to(elsewhere)
        if path.suffix == ".conf":
            pytest.skip("people keep configuration elsewhere on purpose")
    elif kind == "pipe":
        os.mkfifo(path)
    elif was_folder:
        path.touch()
    else:
        path.mkdir()
        if place not in ("queue.db",):
            assert not [one for one in faults(paths) if one.path != path]  # other folders there are nobody's business
            return

    refused(paths, f"'{path}' is not a")


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_a_pipe_in_place_of_what_sqlite_keeps_is_not_waited_for(paths: WorkspacePaths, ending: str) -> None:
    path = paths.database.with_name(f"queue.db{ending}")
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    refused(paths, f"'{path}' is not a")


def test_a_pipe_among_the_logs_is_refused_since_supervisord_would_wait_for_it(paths: WorkspacePaths) -> None:
    (paths.logs / "a.err.log").unlink(missing_ok=True)
    os.mkfifo(paths.logs / "a.err.log")

    refused(paths, "is not a regular file but a pipe")


def test_configuration_that_leads_to_what_others_write_is_refused(paths: WorkspacePaths) -> None:
    kept = (paths.workers / "a.conf").rename(paths.root.parent / "a.conf")
    (paths.workers / "a.conf").symlink_to(kept)
    assert not list(faults(paths))

    kept.chmod(0o666)

    refused(paths, "may write to")


def test_sockets_bells_and_locks_are_no_fault(paths: WorkspacePaths) -> None:
    with Workspace(paths.root) as workspace, workspace.queue("q").get(timeout=0):
        assert not list(faults(paths))


def test_a_workspace_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert not list(faults(WorkspacePaths(tmp_path / "none")))
    assert not (tmp_path / "none").exists()


def test_an_applications_folder_may_be_its_groups_but_not_the_folder_beside(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    with Queue("q", database=tmp_path / "shop.db") as queue:
        queue.put("x")

    (tmp_path / "shop.db-pqdesk").chmod(0o770)

    with pytest.raises(WorkspaceError, match="may write to"):
        Queue("q", database=tmp_path / "shop.db")


def test_what_others_can_read_is_told_one_by_one(paths: WorkspacePaths) -> None:
    paths.root.chmod(0o755)
    assert not list(too_wide(paths))

    secret = next(paths.secrets.iterdir())
    for path in (paths.database, paths.logs, paths.secrets, secret):
        path.chmod(path.stat().st_mode | 0o044)

    assert set(too_wide(paths)) >= {paths.database, paths.logs, paths.secrets, secret}
    paths.root.chmod(0o700)
    assert not list(too_wide(paths))  # nobody gets to them


COMMANDS = (
    "put q 1", "get q", "queues", "messages q", "show 1", "why 1", "errors", "metrics", "retry 1", "pause q",
    "configure q", "purge q --yes", "activity", "schedules", "workers", "start all", "stop all", "restart all",
    "scale a 2", "signal a USR1", "logs a", "edit-worker a --replicas 2", "remove-worker a", "supervisord",
    "supervisorctl status", "export q -", "backup copy.db", "compact", "consume q --drain -- true",
    "produce q -- echo 1", "start-at-login", "look-only",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_it_in_one_line(
    paths: WorkspacePaths, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    paths.workers.chmod(0o770)

    code = main(["-w", str(paths.root), *command.split()])

    assert code not in (0, 2), capfd.readouterr()
    error = capfd.readouterr().err
    assert "chmod g-w" in error
    assert error.count("\n") == 1
    assert not (paths.root.parent / "ran").exists()


def test_doctor_tells_all_of_it(paths: WorkspacePaths, capfd: pytest.CaptureFixture[str]) -> None:
    paths.workers.chmod(0o770)
    paths.secrets.chmod(0o702)

    assert main(["-w", str(paths.root), "doctor"]) == 1

    told = capfd.readouterr().out.replace("\n", " ")
    assert told.count("may write to") == 2


# --- the first start ------------------------------------------------------------------------------


def test_what_a_start_would_run_is_known_beforehand(paths: WorkspacePaths) -> None:
    assert [(one.name, one.command, one.replicas) for one in Supervision(paths).unseen_workers()] == [
        ("a", ("true", "a b"), 1),
        ("b", ("touch", str(paths.root.parent / "ran")), 2),
    ]


def test_a_workspace_is_new_to_this_user_until_its_workers_were_started(paths: WorkspacePaths) -> None:
    assert not was_started_here(paths)

    remember_start(paths)

    assert was_started_here(paths)
    assert not was_started_here(WorkspacePaths(paths.root.parent))


def test_another_workspace_in_its_place_is_new_again(paths: WorkspacePaths) -> None:
    remember_start(paths)
    paths.root.rename(paths.root.parent / "old")
    paths.root.mkdir(0o700)

    assert not was_started_here(paths)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1}', "[" * 100_000, "\xff"])
def test_a_broken_memory_of_starts_asks_again_and_goes_on(paths: WorkspacePaths, text: str) -> None:
    file = state_folder() / "started.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="latin-1")

    assert not was_started_here(paths)
    remember_start(paths)
    assert was_started_here(paths)


@pytest.mark.parametrize(
    ("uid", "gid", "name", "group", "members", "is_allowed"),
    [
        (1000, 1000, "ada", "ada", [], True),
        (1000, 1000, "ada", "ada", ["ada"], True),
        (1000, 1000, "ada", "ada", ["grace"], False),  # somebody was added to it
        (1000, 1000, "ada", "staff", [], False),
        (1000, 50, "ada", "ada", [], False),
        (0, 0, "root", "root", [], False),
    ],
)
def test_a_checkout_made_with_umask_002_may_be_used_where_the_group_is_the_users_own(
    paths: WorkspacePaths,
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    gid: int,
    name: str,
    group: str,
    members: list[str],
    is_allowed: bool,
) -> None:
    for one in (paths.root, paths.workers, paths.workers / "a.conf"):
        one.chmod(one.stat().st_mode | 0o020)
        os.chown(one, -1, gid) if os.geteuid() == 0 else None
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name=name))
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name=group, gr_mem=members))
    monkeypatch.setenv("PQDESK_ALLOW_OWNER", "1")  # the files are those of who runs the test

    found = [fault.text for fault in faults(paths)]

    assert (found == []) == is_allowed, found
