"""What a file of supervision says is held against its pattern where it is read: names, paths, numbers, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pqdesk.cli.main import main
from pqdesk.errors import NotFound, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.broken_files import BrokenFiles
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.worker_files import WorkerFiles
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.logs.journal import Journal
from pqdesk.supervision.logs.journal_file import ExitJournal
from pqdesk.supervision.logs.message_lines import message_id_of
from tests.support import journal_of


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    found = WorkspacePaths(tmp_path / "w")
    found.root.mkdir(0o700)
    found.run.mkdir(0o700)
    write_supervisor_configuration(found)
    return found


def tree(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


# --- names in configuration -----------------------------------------------------------------------

BAD_NAMES = (
    "../../x", "/etc/x", "a/b", "-rf", "--help", ".hidden", "..", "all", "a b", "a;b", "$(id)", "a\u202eb", "x" * 200,
    "a'b", "größe", "%(here)s",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_section_with_a_name_that_is_none_is_told_with_its_line_and_never_started(
    paths: WorkspacePaths, name: str
) -> None:
    write_definition(paths, WorkerDefinition(name="good", command=("true",)))
    bad = paths.workers / "bad.conf"
    bad.write_text(f"; a comment\n[program:{name}]\ncommand=true\n")
    bad.chmod(0o600)

    found = read_definitions(paths)

    assert [one.name for one in found.workers] == ["good"]
    [problem] = found.problems
    assert f"'{bad}', line 2" in problem
    assert "\n" not in problem
    with BrokenFiles(paths):
        assert [one.name for one in paths.workers.glob("*.conf")] == ["good.conf"]
    assert bad.exists()


@pytest.mark.parametrize("name", ["../../x", "-rf", "a/b", "%(program_name)s/../x", "all"])
def test_a_process_with_a_name_that_is_none_is_told_too(paths: WorkspacePaths, name: str) -> None:
    (paths.workers / "bad.conf").write_text(f"[program:a]\ncommand=true\nprocess_name={name}\n")

    found = read_definitions(paths)

    assert not found.workers
    assert "is not allowed" in found.problems[0]


@pytest.mark.parametrize("name", ["web", "web-2", "a.b_c-d", "X" * 64, "007"])
def test_names_that_people_write_by_hand_are_taken(paths: WorkspacePaths, name: str) -> None:
    (paths.workers / "mine.conf").write_text(f"[program:{name}]\ncommand=true\n")

    assert [one.name for one in read_definitions(paths).workers] == [name]


@pytest.mark.parametrize(
    "setting",
    [
        f"{option}={value}"
        for option in ("startsecs", "stopwaitsecs", "numprocs", "stdout_logfile_maxbytes", "stdout_logfile_backups",
                       "stopsignal", "exitcodes", "priority", "numprocs_start")
        for value in ("9" * 5000, "-" + "9" * 5000, "9" * 5000 + "MB", "1e999", "nan")
    ],
)  # fmt: skip
def test_a_number_without_end_is_told_and_ends_nobody(paths: WorkspacePaths, setting: str) -> None:
    (paths.workers / "a.conf").write_text(f"[program:a]\ncommand=true\n{setting}\n")

    found = read_definitions(paths)

    assert not found.workers
    assert "\n" not in found.problems[0]


@pytest.mark.parametrize("file", ["/etc/shadow", "../../../elsewhere", "../secrets/../../precious", "../secrets/a b"])
def test_secrets_are_read_from_their_folder_alone(paths: WorkspacePaths, file: str) -> None:
    (paths.root / "precious").write_text("PASSWORD='x'\n")
    wrapped = f"""/bin/sh -c 'set -a; . "$0"; exec "$@"' "%(here)s/{file}" true"""
    (paths.workers / "a.conf").write_text(f"[program:a]\ncommand={wrapped}\n")

    [worker] = read_definitions(paths).workers

    assert (worker.secrets, worker.secrets_file) == ({}, None)


# --- what is kept of a removed worker -------------------------------------------------------------


def removed(paths: WorkspacePaths) -> tuple[WorkerFiles, Path]:
    files = WorkerFiles(paths)
    files.add(WorkerDefinition(name="a", command=("true",), secrets={"TOKEN": "x"}))
    files.remove("a", ["a"])
    return files, paths.removed / "a.json"


def test_a_removed_worker_comes_back_as_it_was(paths: WorkspacePaths) -> None:
    files, _ = removed(paths)

    files.bring_back(files.removed("a"))

    worker = files.read("a")
    assert (worker.command, dict(worker.secrets)) == (("true",), {"TOKEN": "x"})


_OTHER = "[program:evil]\ncommand=touch /tmp/evil\n"
DAMAGE: dict[str, Any] = {
    "file": ["../../x", "/etc/cron.d/x.conf", "../workers/a.conf", "x", ".conf", "a.conf\0", "a\n.conf", 5, None, []],
    "name": ["b", "../a", None, 5, "all"],
    "text": ["", _OTHER, "[program:a]\ncommand=true\n" + _OTHER, "[supervisord]\n[program:a]\ncommand=true\n",
             "[eventlistener:x]\ncommand=x\n", "no configuration", None, 5, ["[program:a]"], "\0"],
    "secrets": ["rm -rf x", "a b='c'", "1A='x'", "'", None, 5, {}],
    "secrets_file": ["../../x", "/etc/x", "b.01234567.env", "a.0123456.env", "a.01234567.env/../../x", 5, []],
    "running": [["b"], "a", None, [["a"]], {"a": 1}, 5, ["../x"]],
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in DAMAGE.items() for value in values])
def test_what_is_kept_is_held_against_what_it_may_be_and_else_nothing_is_written(
    paths: WorkspacePaths, key: str, value: Any
) -> None:
    files, kept = removed(paths)
    kept.write_text(json.dumps({**json.loads(kept.read_text()), key: value}))
    before = tree(paths.root.parent)

    with pytest.raises(SupervisorError, match="is damaged") as raised:
        files.bring_back(files.removed("a"))

    assert "\n" not in str(raised.value)
    assert tree(paths.root.parent) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", "[" * 100_000, '{"name": "a"}', "\xff", "1" * 5000])
def test_what_is_no_json_is_damage(paths: WorkspacePaths, text: str) -> None:
    files, kept = removed(paths)
    kept.write_text(text, encoding="latin-1")

    with pytest.raises(SupervisorError, match="is damaged"):
        files.removed("a")


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "all", "a\0b", "", "x" * 300])
def test_a_name_that_is_none_was_never_removed(paths: WorkspacePaths, name: str) -> None:
    (paths.root / "x.json").write_text("{}")

    with pytest.raises(NotFound):
        WorkerFiles(paths).removed(name)


def test_the_command_tells_damage_in_one_line(paths: WorkspacePaths, capfd: pytest.CaptureFixture[str]) -> None:
    _, kept = removed(paths)
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "file": "../../../owned.conf"}))

    assert main(["-w", str(paths.root), "remove-worker", "--undo", "a"]) == 1

    assert "is damaged" in capfd.readouterr().err
    assert not (paths.root.parent / "owned.conf").exists()


# --- journal and logs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    ["2026-99-01 00:00:00", "0000-00-00 00:00:00", "0001-01-01 00:00:00", "2026-01-01 25:61:00", "٢٠٢٦-01-01 00:00:00"],
)
def test_a_forged_line_of_supervisords_log_is_no_line(at: str) -> None:
    good = "2026-01-01 00:00:00,000 INFO exited: a (exit status 3; not expected)"

    exits = journal_of([f"{at},000 INFO exited: a (exit status 1; not expected)", good])

    assert exits.of("a").last is not None
    assert exits.of("a").last.code == 3


@pytest.mark.parametrize("how", ["exit status " + "9" * 5000, "terminated by signal " + "9" * 5000, "exit status ٣"])
def test_a_number_without_end_in_supervisords_log_is_none(how: str) -> None:
    assert journal_of([f"2026-01-01 00:00:00,000 INFO exited: a ({how}; not expected)"]).of("a").last is None


_GOOD = {
    "unexpected": [],
    "failures": 0,
    "how": None,
    "last": None,
    "restarts": [],
    "restarts_total": 0,
    "ended_at": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"unexpected": ["2026-01-01T00:00:00"]}, {"unexpected": [5]}, {"unexpected": "x"}, {"failures": -1},
        {"failures": "1"}, {"failures": 1e9}, {"how": 5}, {"last": []}, {"last": [None, None, "x", True]},
        {"last": ["1", None, "2026-01-01T00:00:00+00:00", True]}, {"ended_at": 5}, {"ended_at": "never"},
        {"restarts_total": 10**30},
    ],
)  # fmt: skip
def test_what_is_kept_of_the_journal_is_held_against_what_it_may_be(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Journal().load({"a": {**_GOOD, **change}})


@pytest.mark.parametrize(
    "place", [{"inode": -1}, {"offset": -1}, {"offset": "1"}, {"inode": 1 << 64}, {"offset": None}]
)
def test_a_place_that_is_none_begins_the_journal_anew(paths: WorkspacePaths, place: dict[str, Any]) -> None:
    log = paths.logs / "supervisord.log"
    log.write_text("2026-01-01 00:00:00,000 INFO exited: a (exit status 3; not expected)\n")
    kept = {"inode": log.stat().st_ino, "offset": 0, "processes": {}}
    (paths.run / "restarts.json").write_text(json.dumps({**kept, **place}))
    journal = ExitJournal(paths)

    journal.refresh()

    assert journal.of("a").last is not None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("id=7 queue=q", 7), ("id=9223372036854775807 q", None), ("id=8999999999999999999 q", 8999999999999999999),
        ("id=9999999999999999999 q", None), ("id=" + "9" * 5000, None), ("id=٣ q", None), ("id=0 q", None),
    ],
)  # fmt: skip
def test_a_number_that_can_be_no_id_names_no_message(line: str, found: int | None) -> None:
    assert message_id_of(line) == found
