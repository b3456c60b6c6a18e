"""What is said of a process, by what supervisord tells and what its log holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pqdesk.clock import from_datetime
from pqdesk.supervision.logs.journal import Exits
from pqdesk.supervision.processes.replicas import ProcessInfo, shown_state
from pqdesk.supervision.records import WorkerState
from tests.support import journal_of

NOW = datetime(2026, 11, 24, 15, 0, 0, tzinfo=UTC)
NOW_S = from_datetime(NOW) // 1_000_000


def info(code: int, spawn_error: str = "") -> ProcessInfo:
    return ProcessInfo(
        process="worker",
        name="worker",
        group="worker",
        code=code,
        pid=7,
        started_s=NOW_S - 1,
        now_s=NOW_S,
        exit_status=0,
        spawn_error=spawn_error,
        description="",
        stdout_log="",
        stderr_log="",
    )


def ends(*seconds_ago: int, failures: int = 0) -> Exits:
    return Exits(tuple(NOW - timedelta(seconds=ago) for ago in seconds_ago), failures, "exit status 1")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (0, WorkerState.STOPPED),
        (10, WorkerState.STARTING),
        (20, WorkerState.RUNNING),
        (30, WorkerState.BACKING_OFF),
        (40, WorkerState.STOPPING),
        (100, WorkerState.EXITED),
        (200, WorkerState.FAILED_TO_START),
        (1000, WorkerState.UNKNOWN),
        (77, WorkerState.UNKNOWN),
    ],
)
def test_supervisords_states_have_words_of_their_own(code: int, state: WorkerState) -> None:
    assert shown_state(info(code), Exits()) is state


@pytest.mark.parametrize(
    ("code", "exits", "state"),
    [
        (20, ends(30, 20, 10), WorkerState.CRASH_LOOPING),
        (20, ends(70, 20, 10), WorkerState.RUNNING),
        (20, ends(3, 2, failures=2), WorkerState.RUNNING),
        (30, ends(3, failures=1), WorkerState.BACKING_OFF),
        (30, ends(3, 2, failures=2), WorkerState.CRASH_LOOPING),
        (10, ends(300, 200, failures=2), WorkerState.CRASH_LOOPING),
        (0, ends(3, 2, 1, failures=3), WorkerState.STOPPED),
        (40, ends(3, 2, 1), WorkerState.STOPPING),
        (200, ends(3, 2, 1), WorkerState.FAILED_TO_START),
    ],
)
def test_crash_looping_is_three_ends_a_minute_or_a_second_failure(code: int, exits: Exits, state: WorkerState) -> None:
    assert shown_state(info(code), exits) is state


def test_one_that_ends_again_and_again_crash_loops_also_between_two_runs() -> None:
    just_ended = replace(info(100), stopped_s=info(100).now_s - 1)

    assert shown_state(just_ended, ends(3, 2, 1)) is WorkerState.CRASH_LOOPING
    assert shown_state(just_ended, ends(1)) is WorkerState.EXITED
    assert shown_state(replace(just_ended, stopped_s=just_ended.now_s - 30), ends(32, 31, 30)) is WorkerState.EXITED


def test_one_that_its_policy_starts_again_backs_off_and_one_that_is_done_has_exited() -> None:
    failed = replace(info(100, "Bad exit code 1"), exit_status=1, stopped_s=NOW_S - 30)
    done = replace(info(100), stopped_s=NOW_S)

    assert shown_state(failed, ends(30), restart="if it fails") is WorkerState.BACKING_OFF
    assert shown_state(failed, ends(3, 2, 1), restart="if it fails") is WorkerState.CRASH_LOOPING
    assert shown_state(failed, ends(3, 2, 1), restart="never") is WorkerState.EXITED
    assert shown_state(done, ends(3, 2, 1), restart="if it fails") is WorkerState.EXITED
    assert shown_state(done, ends(), restart="always") is WorkerState.BACKING_OFF


def test_what_is_not_to_run_for_ever_is_starting_for_as_long_as_others() -> None:
    assert shown_state(info(20), Exits(), restart="never") is WorkerState.STARTING
    assert shown_state(replace(info(20), started_s=NOW_S - 3), Exits(), restart="never") is WorkerState.RUNNING
    assert shown_state(info(20), Exits(), restart="always") is WorkerState.RUNNING


def test_what_was_before_a_request_is_forgiven() -> None:
    exits = ends(30, 20, 10, failures=3)

    assert shown_state(info(20), exits, NOW - timedelta(seconds=5)) is WorkerState.RUNNING
    assert shown_state(info(10), exits, NOW - timedelta(seconds=5)) is WorkerState.STARTING
    assert shown_state(info(10), exits, NOW - timedelta(seconds=25)) is WorkerState.CRASH_LOOPING


def test_a_program_that_cannot_be_run_failed_to_start() -> None:
    assert shown_state(info(30, "can't find command 'x'"), Exits()) is WorkerState.FAILED_TO_START
    assert (
        shown_state(info(30, "Exited too quickly (process log may have details)"), Exits()) is WorkerState.BACKING_OFF
    )


def test_the_log_tells_how_and_how_often_processes_ended() -> None:
    exits = journal_of(
        [
            "2026-11-24 14:59:01,001 INFO spawned: 'a' with pid 7",
            "2026-11-24 14:59:01,002 WARN exited: a (exit status 3; not expected)",
            "2026-11-24 14:59:05,002 INFO success: a entered RUNNING state, process has stayed up for > than 3 seconds",
            "2026-11-24 14:59:09,002 WARN exited: a (terminated by SIGSEGV (core dumped); not expected)",
            "2026-11-24 14:59:09,002 INFO exited: b-2 (exit status 0; expected)",
            "2026-11-24 14:59:09,002 WARN exited: c (exit status 1; not expected)",
            "2026-11-24 14:59:10,002 INFO stopped: c (terminated by SIGTERM)",
            "2026-11-24 14:59:11,002 INFO exited: forged",
            "nonsense exited: a (exit status 3; not expected)",
        ]
    )

    assert set(exits.dump()) == {"a", "b-2", "c"}
    assert (exits.of("c").unexpected, exits.of("c").how) == ((), None), "it was stopped on purpose"
    assert (exits.of("a").failures, exits.of("a").how) == (1, "terminated by SIGSEGV (core dumped)")
    first, second = exits.of("a").unexpected
    assert second - first == timedelta(seconds=8)
    assert (exits.of("b-2").unexpected, exits.of("b-2").how) == ((), "exit status 0")
