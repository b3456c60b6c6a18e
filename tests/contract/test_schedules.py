"""Schedules stored in the workspace: each due time is put once, by whoever is there, as the policy has it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pqdesk import DuplicateKey, InvalidInput, NotFound, Workspace
from pqdesk.clock import from_datetime
from pqdesk.messages.schedules import MADE_UP_FOR
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_store
from pqdesk.storage.contract import Store
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until

HOUR, DAY = 3600, 86_400


@pytest.fixture
def workspace(store: Store, paths: WorkspacePaths) -> Workspace:
    """A workspace over the store whose clock can be moved."""
    made = Workspace.__new__(Workspace)
    made.paths, made.path, made.store = paths, paths.root, store
    return made


def _set(clock: MovableClock, at: datetime) -> None:
    clock.set_wall((from_datetime(at) - clock.wall_us()) / 1e6)


def _fors(queue: Queue) -> list[str]:
    """The due times that were put, as their headers tell."""
    return [queue.message(one.id).headers["Scheduled-For"][11:16] for one in reversed(queue.messages(limit=10_000))]


# --- putting what is due --------------------------------------------------------------------------


def test_an_interval_is_put_at_once_and_then_at_intervals_without_drift(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", {"url": "…"}, every=1000)
    counts = []

    for seconds in (0, 900, 120, 960, 30):
        clock.advance(seconds)
        engines.run_schedules(store)
        counts.append(queue.counts().ready)

    assert counts == [1, 1, 2, 2, 3]
    [record] = workspace.schedules()
    assert record.next_at is not None
    assert (record.next_at - record.created_at) == timedelta(seconds=3000)


def test_a_cron_expression_is_put_in_its_time_zone(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    _set(clock, datetime(2030, 1, 10, 5, 59, tzinfo=UTC))
    record = workspace.add_schedule("daily", "work", "report", cron="0 7 * * *", timezone="Europe/Berlin")
    assert record.next_at == datetime(2030, 1, 10, 6, tzinfo=UTC)

    clock.advance(61)
    engines.run_schedules(store)

    assert _fors(queue) == ["06:00"]
    assert workspace.schedules()[0].next_at == datetime(2030, 1, 11, 6, tzinfo=UTC)


def test_everything_that_put_takes_arrives(workspace: Workspace, store: Store, queue: Queue) -> None:
    record = workspace.add_schedule(
        "all", "work", b"\x00", every=60, type="mail", priority=-3, key="k", group="g", headers={"Lang": "de"},
        max_attempts=9,
    )  # fmt: skip
    engines.run_schedules(store)

    message = queue.get(block=False)

    assert (message.payload, message.type, message.priority, message.key) == (b"\x00", "mail", -3, "k")
    assert (message.group, message.max_attempts) == ("g", 9)
    assert message.headers["Lang"] == "de"
    assert message.headers["Schedule"] == "all"
    assert datetime.fromisoformat(message.headers["Scheduled-For"]) <= message.enqueued_at
    assert (record.headers, record.payload) == ({"Lang": "de"}, b"\x00")
    assert workspace.schedules()[0].last_message_id == message.id


def test_a_run_whose_key_is_in_use_is_skipped_and_counted(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", 1, every=10, key="poll")
    engines.run_schedules(store)
    for _ in range(2):
        clock.advance(10)
        engines.run_schedules(store)
    assert queue.counts().ready == 1

    queue.get().ack()
    clock.advance(10)
    engines.run_schedules(store)

    assert (queue.counts().ready, workspace.schedules()[0].skipped) == (1, 2)


def test_a_full_queue_waits_for_room_and_holds_up_no_other_schedule(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    queue.configure(max_size=1)
    queue.put("x")
    workspace.add_schedule("full", "work", 1, every=DAY)
    workspace.add_schedule("other", "elsewhere", 1, every=DAY)

    pause_s = engines.run_schedules(store)
    assert (queue.counts().ready, store.looking.counts("elsewhere").ready) == (1, 1)
    assert pause_s > 0
    queue.get().ack()
    engines.run_schedules(store)

    assert queue.counts().ready == 1


def test_it_is_run_by_the_background_thread_of_whoever_waits(workspace: Workspace, queue: Queue) -> None:
    workspace.add_schedule("soon", "work", "x", every=1)

    assert [queue.get(timeout=20).payload for _ in range(2)] == ["x", "x"]


def test_it_is_run_for_a_process_that_only_attends(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.attend()
        workspace.add_schedule("soon", "work", "x", every=1)

        wait_until(lambda: workspace.counts("work").ready >= 2)


def test_it_is_woken_when_the_next_run_is_due(workspace: Workspace, store: Store) -> None:
    workspace.add_schedule("poll", "work", 1, every=1)
    assert 0 < engines.run_schedules(store) <= 1

    workspace.remove_schedule("poll")
    assert engines.run_schedules(store) == 1
    workspace.add_schedule("hourly", "work", 1, every=HOUR)
    engines.run_schedules(store)
    assert engines.run_schedules(store) == 1


def test_without_schedules_a_look_costs_next_to_nothing(store: Store) -> None:
    steps: list[int] = []

    with engines.traced(store, lambda event: steps.append(engines.steps_of(event))):
        engines.run_schedules(store)

    assert len(steps) == 1
    assert steps[0] < 20


# --- once, however many -----------------------------------------------------------------------------


def test_each_due_time_is_put_once_however_many_schedulers_run(
    open_another: Callable[[], Store], workspace: Workspace, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", 1, every=10, missed="all")
    stores = [open_another() for _ in range(4)]
    barrier = threading.Barrier(len(stores))

    def run(one: Store) -> None:
        for _ in range(20):
            barrier.wait()
            if one is stores[0]:
                clock.advance(10)
            barrier.wait()
            engines.run_schedules(one)

    threads = [threading.Thread(target=run, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    fors = [queue.message(one.id).headers["Scheduled-For"] for one in queue.messages(limit=100)]
    assert len(fors) == len(set(fors)) == 21


_SCHEDULER = """
import sys, time
from pqdesk import Empty, Workspace
from tests.contract import engines
with Workspace(sys.argv[1]) as workspace:
    try:
        workspace.queue("nothing").get(timeout=4)
    except Empty:
        pass
"""


def test_processes_put_each_due_time_once(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.add_schedule("often", "work", 1, every=1, missed="all")
    running = [subprocess.Popen([sys.executable, "-c", _SCHEDULER, tmp_path / "w"]) for _ in range(3)]

    assert [one.wait() for one in running] == [0, 0, 0]

    with Workspace(tmp_path / "w") as workspace:
        fors = [workspace.message(one.id).headers["Scheduled-For"] for one in workspace.messages("work")]
    assert len(fors) == len(set(fors)) >= 2


def test_a_scheduler_that_dies_before_its_commit_has_put_nothing_and_the_next_puts_it(
    workspace: Workspace, store: Store, queue: Queue, other: Queue
) -> None:
    workspace.add_schedule("poll", "work", 1, every=DAY)
    scheduling: Any = store.schedules
    put_each = scheduling._put_each

    def die(*args: Any) -> Any:
        put_each(*args)
        raise KeyboardInterrupt

    scheduling._put_each = die
    with suppress(KeyboardInterrupt):
        engines.run_schedules(store)
    assert queue.counts().total == 0

    engines.run_schedules(other.store)
    assert queue.counts().ready == 1


# --- missed runs (PEERS 24) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "expected", "skipped"),
    [
        ("once", ["00:00", "05:00", "06:00"], 4),
        ("skip", ["00:00", "06:00"], 5),
        ("all", ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"], 0),
    ],
)
@pytest.mark.parametrize("plan", [{"every": HOUR}, {"cron": "0 * * * *", "timezone": "UTC"}], ids=["every", "cron"])
def test_cron_runs_missed_across_a_restart_are_neither_lost_nor_a_flood(
    paths: WorkspacePaths, clock: MovableClock, missed: str, expected: list[str], skipped: int, plan: dict[str, Any]
) -> None:
    _set(clock, datetime(2030, 1, 1, 0, 0, tzinfo=UTC) - timedelta(seconds=1 if "cron" in plan else 0))

    def scheduler() -> Store:
        return open_store(paths, clock=clock, rng=Random(1))

    first = scheduler()
    workspace = Workspace.__new__(Workspace)
    workspace.store = first
    workspace.add_schedule("hourly", "work", 1, missed=missed, **plan)
    clock.advance(2)
    engines.run_schedules(first)
    first.close()

    clock.advance(5 * HOUR + 1800)  # nobody is there for five and a half hours
    second = scheduler()
    engines.run_schedules(second)
    clock.advance(1800)
    engines.run_schedules(second)

    assert _fors(Queue.over(second, "work", clock)) == expected
    assert second.schedules.all()[0].skipped == skipped
    second.close()


def test_all_missed_runs_are_made_up_for_with_a_cap(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("often", "work", 1, every=60, missed="all")
    clock.advance(3000 * 60)

    engines.run_schedules(store)

    assert queue.counts().ready == MADE_UP_FOR
    assert workspace.schedules()[0].skipped == 3001 - MADE_UP_FOR
    clock.advance(60)
    engines.run_schedules(store)
    assert queue.counts().ready == MADE_UP_FOR + 1


def test_a_stop_of_years_is_passed_over_quickly(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("often", "work", 1, every=1)
    workspace.add_schedule("cron", "work", 1, cron="* * * * *")
    clock.advance(3 * 365 * DAY)
    began_us = clock.wall_us()

    engines.run_schedules(store)

    assert queue.counts().ready == 2
    for record in workspace.schedules():
        assert record.next_at is not None
        assert began_us < from_datetime(record.next_at) <= clock.wall_us() + 60_000_000


def test_a_run_that_is_seconds_late_is_on_time(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("hourly", "work", 1, every=HOUR, missed="skip")
    clock.advance(30)

    engines.run_schedules(store)

    assert queue.counts().ready == 1


# --- clocks that are set (PEERS 26) -----------------------------------------------------------------


def test_a_clock_set_forward_and_back_stops_no_schedule(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", 1, every=60)
    workspace.add_schedule("cron", "work", 1, cron="* * * * *")
    engines.run_schedules(store)
    clock.set_wall(10 * 365 * DAY)
    engines.run_schedules(store)
    before = queue.counts().ready

    clock.set_wall(-10 * 365 * DAY)
    for _ in range(3):
        clock.advance(60)
        engines.run_schedules(store)

    assert queue.counts().ready - before >= 4


def test_a_clock_set_back_by_an_hour_runs_no_daily_job_twice(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    _set(clock, datetime(2030, 1, 1, 6, 59, 30, tzinfo=UTC))
    workspace.add_schedule("daily", "work", 1, cron="0 7 * * *", timezone="UTC")
    engines.run_schedules(store)
    clock.advance(60)
    engines.run_schedules(store)

    clock.set_wall(-HOUR)
    for _ in range(3):
        engines.run_schedules(store)
        clock.advance(1200)
    engines.run_schedules(store)

    assert queue.counts().ready == 1
    assert workspace.schedules()[0].next_at == datetime(2030, 1, 2, 7, tzinfo=UTC)


def test_a_clock_that_was_wrong_when_the_machine_stopped_is_noticed_at_the_start(
    paths: WorkspacePaths, clock: MovableClock
) -> None:
    clock.set_wall(10 * 365 * DAY)
    first = open_store(paths, clock=clock)
    workspace = Workspace.__new__(Workspace)
    workspace.store = first
    workspace.add_schedule("poll", "work", 1, every=60)
    workspace.add_schedule("daily", "work", 1, cron="0 7 * * *")
    engines.run_schedules(first)
    first.close()

    clock.set_wall(-10 * 365 * DAY)
    clock.reboot()
    second = open_store(paths, clock=clock)
    engines.run_schedules(second)

    for record in second.schedules.all():
        assert record.next_at is not None
        assert 0 < from_datetime(record.next_at) - clock.wall_us() <= DAY * 1_000_000
    second.close()


@pytest.mark.parametrize(
    ("cron", "day", "expected"),
    [
        ("30 2 * * *", datetime(2030, 3, 31, tzinfo=UTC), ["01:00"]),  # 02:30 does not exist: runs at 03:00
        ("30 2 * * *", datetime(2030, 10, 27, tzinfo=UTC), ["00:30"]),  # comes twice: runs once
        ("*/30 * * * *", datetime(2030, 10, 27, 1, 30, tzinfo=UTC), ["00:00", "00:30", "01:00", "01:30", "02:00"]),
    ],
)
def test_daylight_saving_runs_a_daily_job_once_and_an_interval_by_real_time(
    workspace: Workspace,
    store: Store,
    queue: Queue,
    clock: MovableClock,
    cron: str,
    day: datetime,
    expected: list[str],
) -> None:
    start = day.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    _set(clock, start)
    workspace.add_schedule("job", "work", 1, cron=cron, timezone="Europe/Berlin", missed="all")

    for _ in range(26 if day.hour == 0 else 5):
        clock.advance(1800)
        engines.run_schedules(store)

    assert _fors(queue) == expected


# --- keeping them -----------------------------------------------------------------------------------


def test_they_are_listed_by_name_and_survive_a_restart(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.add_schedule("b", "work", {"x": 1}, every=timedelta(minutes=5), missed="skip")
        workspace.add_schedule("a", "work", cron="0 3 * * 1", timezone="Asia/Tokyo", enabled=False)

    with Workspace(tmp_path / "w") as workspace:
        first, second = workspace.schedules()

    assert (first.name, first.cron, first.timezone, first.is_enabled, first.next_at) == (
        "a", "0 3 * * 1", "Asia/Tokyo", False, None,
    )  # fmt: skip
    assert (first.payload, first.missed, first.skipped, first.last_at) == (None, "once", 0, None)
    assert (second.name, second.every, second.missed, second.payload) == ("b", 300.0, "skip", {"x": 1})


def test_a_disabled_one_rests_and_misses_nothing(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", 1, every=10, missed="all")
    engines.run_schedules(store)

    assert workspace.disable_schedule("poll").next_at is None
    clock.advance(100)
    engines.run_schedules(store)
    assert queue.counts().ready == 1
    assert workspace.enable_schedule("poll").is_enabled
    engines.run_schedules(store)

    assert queue.counts().ready == 2
    assert workspace.schedules()[0].skipped == 0


def test_run_now_puts_beside_the_plan(workspace: Workspace, store: Store, queue: Queue) -> None:
    before = workspace.add_schedule("daily", "work", "x", cron="0 7 * * *", key="k", enabled=False)

    message_id = workspace.run_schedule("daily")

    assert queue.get(block=False).id == message_id
    [after] = workspace.schedules()
    assert (after.next_at, after.last_at, after.last_message_id) == (before.next_at, None, message_id)
    with pytest.raises(DuplicateKey):
        workspace.run_schedule("daily")


def test_a_removed_one_puts_nothing_more_and_its_messages_stay(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock
) -> None:
    workspace.add_schedule("poll", "work", 1, every=10)
    engines.run_schedules(store)

    removed = workspace.remove_schedule("poll")
    clock.advance(100)
    engines.run_schedules(store)

    assert (removed.name, workspace.schedules(), queue.counts().ready) == ("poll", (), 1)


@pytest.mark.parametrize("verb", ["remove", "enable", "disable", "run"])
def test_an_unknown_name_is_not_found(workspace: Workspace, verb: str) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        getattr(workspace, f"{verb}_schedule")("nobody")


def test_a_name_in_use_is_refused(workspace: Workspace) -> None:
    workspace.add_schedule("a", "work", 1, every=60)

    with pytest.raises(InvalidInput, match="already"):
        workspace.add_schedule("a", "other", 2, every=5)

    assert [one.queue for one in workspace.schedules()] == ["work"]


_BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "either every or cron"),
    ({"every": 60, "cron": "* * * * *"}, "either every or cron"),
    ({"every": 60, "timezone": "UTC"}, "timezone goes with cron"),
    ({"every": 0}, "every must be"),
    ({"every": -5}, "every must be"),
    ({"every": 0.5}, "at least 1 second"),
    ({"every": float("nan")}, "every"),
    ({"every": "5m"}, "every must be seconds"),
    ({"cron": "* * * *"}, "cannot be used"),
    ({"cron": "0 0 31 2 *"}, "cannot be used"),
    ({"cron": 5}, "cron must be one line"),
    ({"cron": "* * * * *\n"}, "cron must be one line"),
    ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "no time zone"),
    ({"cron": "* * * * *", "timezone": "../../etc/passwd"}, "time zone"),
    ({"every": 60, "missed": "never"}, "missed must be one of"),
    ({"every": 60, "missed": None}, "missed must be one of"),
    ({"every": 60, "payload": {1: 2}}, "keys must be str"),
    ({"every": 60, "payload": float("nan")}, "nan"),
    ({"every": 60, "queue": ""}, "queue must have"),
    ({"every": 60, "queue": None}, "queue must be str"),
    ({"every": 60, "name": "a\x00"}, "schedule"),
    ({"every": 60, "priority": 1.5}, "priority must be int"),
    ({"every": 60, "headers": {f"h{number}": "" for number in range(63)}}, "at most 62 headers"),
    ({"every": 60, "headers": {"a b": ""}}, "header name"),
    ({"every": 60, "enabled": "yes"}, "enabled must be"),
]


@pytest.mark.parametrize(("values", "reason"), _BAD, ids=[str(values) for values, _ in _BAD])
def test_what_cannot_be_used_is_refused_and_changes_nothing(
    workspace: Workspace, values: dict[str, Any], reason: str
) -> None:
    given = {"name": "x", "queue": "work", "payload": 1} | values

    with pytest.raises(InvalidInput, match=reason) as caught:
        workspace.add_schedule(given.pop("name"), given.pop("queue"), given.pop("payload"), **given)

    assert "\n" not in str(caught.value)
    assert workspace.schedules() == ()


def test_a_time_zone_that_is_gone_stops_its_schedule_alone_and_is_seen(
    workspace: Workspace, store: Store, queue: Queue, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.add_schedule("gone", "work", 1, cron="* * * * *", timezone="UTC")
    workspace.add_schedule("fine", "work", 1, cron="* * * * *")
    engines.sql(store, "UPDATE pqdesk_schedule SET timezone = 'Mars/Olympus' WHERE name = 'gone'")
    clock.advance(61)

    engines.run_schedules(store)

    assert queue.counts().ready == 1
    gone = next(one for one in workspace.schedules() if one.name == "gone")
    assert (gone.is_enabled, gone.next_at) == (True, None)
    assert "'gone' stops" in caplog.text
