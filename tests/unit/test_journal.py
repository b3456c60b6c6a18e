"""Restarts and exits, counted from supervisord's log, across readers and its rotation."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH

import psutil
import pytest

from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.logs.journal import Exits, Journal
from pqdesk.supervision.logs.journal_file import ExitJournal
from pqdesk.supervision.records import LastExit
from pqdesk.zones import find_zone, name_of_variable
from tests.support import journal_of, wait_until

START = datetime(2026, 11, 24, 12, 0, 0)  # noqa: DTZ001  # the log has local time


def line(second: float, text: str) -> str:
    return f"{START + timedelta(seconds=second):%Y-%m-%d %H:%M:%S},000 INFO {text}"


def crash(second: float, process: str = "a", how: str = "exit status 3") -> list[str]:
    return [
        line(second, f"exited: {process} ({how}; not expected)"),
        line(second + 1, f"spawned: '{process}' with pid 7"),
        line(second + 4, f"success: {process} entered RUNNING state, process has stayed up for > than 3 seconds"),
    ]


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    made = WorkspacePaths(tmp_path)
    made.logs.mkdir()
    made.run.mkdir()
    return made


def write(paths: WorkspacePaths, *lines: str) -> None:
    with (paths.logs / "supervisord.log").open("a") as log:
        log.writelines(f"{one}\n" for one in lines)


def rotate(paths: WorkspacePaths) -> None:
    for number in (2, 1):
        old = paths.logs / f"supervisord.log.{number}"
        if old.exists():
            old.rename(paths.logs / f"supervisord.log.{number + 1}")
    (paths.logs / "supervisord.log").rename(paths.logs / "supervisord.log.1")


def read(journal: ExitJournal, process: str = "a") -> Exits:
    journal.refresh()
    return journal.of(process)


def test_a_start_after_an_end_is_a_restart_and_one_by_request_is_none() -> None:
    exits = journal_of(
        [
            line(0, "supervisord started with pid 1"),
            line(1, "spawned: 'a' with pid 2"),
            *crash(10),
            line(20, "stopped: a (terminated by SIGTERM)"),
            line(21, "spawned: 'a' with pid 3"),
            line(30, "exited: a (exit status 0; expected)"),
            line(300, "spawned: 'a' with pid 4"),
            line(310, "exited: a (exit status 1; not expected)"),
            line(311, "supervisord started with pid 5"),
            line(311, "spawned: 'a' with pid 6"),
        ]
    ).of("a")

    assert (exits.restarts_total, len(exits.restarts)) == (1, 1)


def test_failures_wait_longer_each_time_and_are_restarts_all_the_same() -> None:
    lines, second = [], 0
    for number in range(1, 8):
        lines += [line(second, "exited: a (exit status 1; not expected)")]
        second += number + 1
        lines += [line(second, "spawned: 'a' with pid 2")]
    lines += [line(second, "exited: a (exit status 1; not expected)"), line(second, "gave up: a entered FATAL state")]
    lines += [line(second + 1, "spawned: 'a' with pid 9")]

    exits = journal_of(lines).of("a")

    assert (exits.restarts_total, exits.failures) == (7, 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exited: a (exit status 7; not expected)", (7, None, False, "code 7")),
        ("exited: a (exit status 0; expected)", (0, None, True, "code 0")),
        ("exited: a (terminated by SIGKILL; not expected)", (None, "KILL", False, "signal KILL")),
        ("exited: a (terminated by SIGSEGV (core dumped); not expected)", (None, "SEGV", False, "signal SEGV")),
        ("exited: a (terminated by signal 10; not expected)", (None, "USR1", False, "signal USR1")),
        ("stopped: a (terminated by SIGTERM)", (None, "TERM", True, "signal TERM")),
    ],
)
def test_the_last_exit_is_a_code_or_a_signal(text: str, expected: tuple[object, ...]) -> None:
    last = journal_of([line(5, text)]).of("a").last

    assert last == LastExit(*expected[:2], (START + timedelta(seconds=5)).astimezone(UTC), expected[2])  # type: ignore[arg-type]
    assert last.text == expected[3]


def test_only_the_last_hours_restarts_are_told_by_time() -> None:
    exits = journal_of([one for second in range(0, 7200, 600) for one in crash(second)]).of("a")

    assert (exits.restarts_total, len(exits.restarts)) == (12, 6)


def test_new_lines_are_added_to_what_is_known(paths: WorkspacePaths) -> None:
    journal = ExitJournal(paths)
    assert read(journal) == Exits()
    write(paths, *crash(10))
    assert read(journal).restarts_total == 1
    with (paths.logs / "supervisord.log").open("a") as log:
        log.write(crash(20)[0])

    assert len(read(journal).unexpected) == 1, "the line has no end yet"
    write(paths, "", *crash(20)[1:])

    assert read(journal).restarts_total == 2


def test_rotation_loses_and_repeats_nothing(paths: WorkspacePaths) -> None:
    journal = ExitJournal(paths)
    write(paths, *crash(10))
    assert read(journal).restarts_total == 1
    write(paths, *crash(20))
    rotate(paths)
    write(paths, *crash(30))
    rotate(paths)
    write(paths, *crash(40))

    assert read(journal).restarts_total == 4
    assert read(ExitJournal(paths)).restarts_total == 4, "who begins now reads the old files too"


def test_the_total_survives_its_log(paths: WorkspacePaths) -> None:
    lines = [one for second in range(0, 6000, 10) for one in crash(second)]
    write(paths, *lines)
    first = ExitJournal(paths)
    assert read(first).restarts_total == 600
    assert (paths.run / "restarts.json").stat().st_mode & 0o777 == 0o600
    (paths.logs / "supervisord.log").unlink()
    write(paths, *crash(6010))

    second = read(ExitJournal(paths))

    assert second.restarts_total == 601
    assert second == read(first)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"inode": 1, "offset": 2, "processes": {"a": {}}}', "\0"])
def test_a_broken_memory_is_begun_anew(paths: WorkspacePaths, text: str) -> None:
    (paths.run / "restarts.json").write_text(text)
    write(paths, *crash(10))

    assert read(ExitJournal(paths)).restarts_total == 1


def test_a_dump_is_complete() -> None:
    journal, other = Journal(), Journal()
    journal.take(
        [*crash(10), *crash(20, "b", "terminated by SIGKILL"), line(30, "exited: a (exit status 1; expected)")]
    )

    other.load(json.loads(json.dumps(journal.dump())))

    assert all(other.of(name) == journal.of(name) for name in journal.dump())
    for one in (journal, other):
        one.take([line(31, "spawned: 'a' with pid 7")])
    assert other.of("a").restarts_total == journal.of("a").restarts_total == 2


@pytest.fixture
def supervisord(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """A process in another time zone, whose log it is."""
    started: list[subprocess.Popen[bytes]] = []

    def start(zone: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sleep", "60"], env={**os.environ, "TZ": zone})
        started.append(process)
        wait_until(lambda: psutil.Process(process.pid).environ().get("TZ"), reason="it to have its environment")
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/St_Johns", "XYZ3", f"{TZPATH[0]}/Asia/Kolkata"])
def test_the_log_is_read_in_the_zone_that_supervisord_has(
    paths: WorkspacePaths, supervisord: Callable[[str], subprocess.Popen[bytes]], zone: str
) -> None:
    daemon = supervisord(zone)
    now = datetime.now(UTC).replace(microsecond=0)
    written = f"{now.astimezone(find_zone(name_of_variable(zone))):%Y-%m-%d %H:%M:%S},000 INFO"
    write(
        paths,
        f"{written} supervisord started with pid {daemon.pid}",
        f"{written} exited: a (exit status 3; not expected)",
    )

    journal = ExitJournal(paths)
    assert read(journal).unexpected == (now,)
    journal._save()
    daemon.kill()
    write(paths, f"{written} exited: b (exit status 3; not expected)")

    assert read(journal, "b").unexpected == (now,)
    assert read(ExitJournal(paths), "b").unexpected == (now,)


def test_a_pid_of_another_process_tells_no_zone(
    paths: WorkspacePaths, supervisord: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    daemon = supervisord("Asia/Tokyo")
    write(paths, line(0, f"supervisord started with pid {daemon.pid}"), *crash(1))

    assert read(ExitJournal(paths)).unexpected == (START.astimezone(UTC) + timedelta(seconds=1),)


@pytest.mark.parametrize("zone", ["/etc/passwd", ":/dev/zero", "../../x", 5, [], "x" * 100_000])
def test_a_zone_that_the_kept_file_names_is_none_that_is_believed(paths: WorkspacePaths, zone: object) -> None:
    write(paths, *crash(0))
    journal = ExitJournal(paths)
    journal.refresh()
    journal._save()
    kept = json.loads((paths.run / "restarts.json").read_text())
    (paths.run / "restarts.json").write_text(json.dumps({**kept, "timezone": zone}))

    assert read(ExitJournal(paths)).unexpected == (START.astimezone(UTC),)
