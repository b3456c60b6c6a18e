"""What the table of workers says, worked out from what is known. No window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pqdesk.gui.pages.workers.order_progress import OrderProgress
from pqdesk.gui.pages.workers.selected_workers import SelectedWorkers, is_at_rest, is_up
from pqdesk.gui.pages.workers.worker_notices import Notice, daemon_notice, need_notice
from pqdesk.gui.pages.workers.worker_rows import WorkerFacts, WorkerRow, worker_rows
from pqdesk.gui.pages.workers.worker_watch import WorkerWatch
from pqdesk.gui.pages.workers.workers_table import COLUMNS
from pqdesk.services.health import Need
from pqdesk.supervision.processes.usage import Usage
from pqdesk.supervision.records import LastExit, ReplicaRecord, SupervisionStatus, WorkerState
from tests.gui.shell_fakes import make_health, make_queue, make_replica, make_status

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


def replicas(name: str, *states: WorkerState, **values) -> list[ReplicaRecord]:
    """NAME, NAME-2 … in these states."""
    return [
        make_replica(name if at == 1 else f"{name}-{at}", state, worker=name, replica=at, **values)
        for at, state in enumerate(states, 1)
    ]


def rows_of(*given: ReplicaRecord, **facts) -> tuple[WorkerRow, ...]:
    return worker_rows(WorkerFacts(now=NOW, replicas=given, **facts))


def cells(row: WorkerRow) -> dict[str, str]:
    return {one.title: one.text(row, NOW) for one in COLUMNS}


def test_a_worker_of_one_process_is_one_row_with_everything_in_it():
    ended = LastExit(1, None, NOW - timedelta(minutes=4))
    one = make_replica(
        "mail", queues=("a", "b"), restarts_last_hour=2, restarts_total=14, last_exit=ended, started_at=NOW
    )

    [row] = rows_of(
        one,
        usages={"mail": Usage(12.34, 34 * 1024 * 1024, 2)},
        in_hand={"mail": (123,)},
        rates={"mail": (3.21, "of a, b")},
    )

    assert cells(row) == {
        "Name": "mail",
        "State": "Running",
        "PID": "4321",
        "Up for": "3 min 05 s",
        "CPU %": "12.3",
        "Memory": "34.0 MiB",
        "Restarts": "2 / 14",
        "Last exit": "code 1, 4 min ago",
        "Queues": "a, b",
        "Now running": "123",
        "Rate/s": "3.2",
    }
    assert row.message_ids == (123,)


def test_replicas_stand_indented_under_their_worker_which_adds_them_up():
    given = replicas("mail", WorkerState.RUNNING, WorkerState.RUNNING)

    rows = rows_of(
        *given,
        make_replica("other"),
        usages={"mail": Usage(1.0, 1024, 1), "mail-2": Usage(2.5, 1024, 1)},
        in_hand={"mail": (7,), "mail-2": (5, 6)},
    )

    assert [(row.target, row.level) for row in rows] == [("mail", 0), ("mail", 1), ("mail-2", 1), ("other", 0)]
    assert [cells(row)["CPU %"] for row in rows] == ["3.5", "1.0", "2.5", ""]
    assert [cells(row)["Now running"] for row in rows] == ["5 +2", "7", "5 +1", ""]
    assert rows[0].message_ids == (5, 6, 7)


@pytest.mark.parametrize(
    ("states", "state", "text"),
    [
        ((WorkerState.RUNNING, WorkerState.RUNNING), WorkerState.RUNNING, "Running"),
        ((WorkerState.RUNNING, WorkerState.STOPPED), WorkerState.RUNNING, "1 of 2 running"),
        ((WorkerState.RUNNING, WorkerState.STOPPING), WorkerState.STOPPING, "1 of 2 running"),
        ((WorkerState.CRASH_LOOPING, WorkerState.RUNNING), WorkerState.CRASH_LOOPING, "Crash-looping (1 of 2)"),
        ((WorkerState.STOPPED, WorkerState.STOPPED), WorkerState.STOPPED, "Stopped"),
    ],
)
def test_a_worker_is_as_well_as_its_worst_replica(states, state, text):
    row = rows_of(*replicas("mail", *states))[0]

    assert (row.state, cells(row)["State"]) == (state, text)


def test_stopping_counts_up_to_the_kill():
    one = make_replica("mail", WorkerState.STOPPING, stop_wait_s=10, stop_deadline_s=3.2)

    assert cells(rows_of(one)[0])["State"] == "Stopping… 7 s of 10"


def test_replicas_on_their_way_out_stay_with_their_worker():
    """They are defined no more, so supervisord tells of them as of workers of their own."""
    leaving = make_replica("mail-2", WorkerState.STOPPING, kind="command")
    given = (make_replica("mail", command="pqdesk consume q"), leaving, make_replica("other-2", kind="command"))

    assert [(row.target, row.level) for row in rows_of(*given)] == [
        ("mail", 0), ("mail", 1), ("mail-2", 1), ("other-2", 0),
    ]  # fmt: skip


def test_what_cannot_be_seen_in_a_name_is_made_visible():
    [row] = rows_of(make_replica("a\u202eb"))

    assert cells(row)["Name"] == "a\\u202Eb"


def test_replicas_of_a_folded_worker_are_left_out():
    facts = WorkerFacts(now=NOW, replicas=replicas("mail", WorkerState.RUNNING, WorkerState.RUNNING))

    assert [row.target for row in worker_rows(facts, frozenset({"mail"}))] == ["mail"]


# --- the selection ----------------------------------------------------------------------------------


def test_an_order_names_the_worker_where_its_row_is_selected_and_else_the_process():
    rows = rows_of(*replicas("mail", WorkerState.RUNNING, WorkerState.STOPPED), make_replica("x", WorkerState.STOPPED))

    both = SelectedWorkers(rows[:2])
    parts = SelectedWorkers(rows[2:])

    assert (both.targets_that(is_up), both.targets_that(is_at_rest)) == (("mail",), ("mail",))
    assert (parts.targets_that(is_up), parts.targets_that(is_at_rest)) == ((), ("mail-2", "x"))
    assert (both.whole_workers, parts.whole_workers) == (("mail",), ("x",))


def test_stop_can_only_kill_where_all_that_is_up_is_stopping():
    stopping, running = replicas("mail", WorkerState.STOPPING, WorkerState.RUNNING)

    assert SelectedWorkers(rows_of(stopping)).is_stopping
    assert not SelectedWorkers(rows_of(stopping, running)).is_stopping


# --- progress ---------------------------------------------------------------------------------------


def test_the_progress_of_an_order_to_several_is_told_until_all_are_there():
    progress = OrderProgress()
    progress.begin("stop", replicas("mail", WorkerState.RUNNING, WorkerState.RUNNING, WorkerState.RUNNING))
    stopping = replicas("mail", WorkerState.STOPPED, WorkerState.STOPPING, WorkerState.STOPPING)

    look = progress.look(stopping)
    assert look is not None
    assert (look.text, look.done, look.total) == ("Stopping 3 processes: 1 stopped", 1, 3)
    assert progress.look(replicas("mail", *[WorkerState.STOPPED] * 3)) is None
    assert progress.look(stopping) is None


def test_a_restart_is_done_when_another_process_runs():
    progress = OrderProgress()
    before = replicas("mail", WorkerState.RUNNING, WorkerState.RUNNING)
    progress.begin("restart", before)

    assert progress.look(before).done == 0
    assert progress.look(replicas("mail", WorkerState.RUNNING, WorkerState.RUNNING, pid=9)) is None


# --- what the window finds out ----------------------------------------------------------------------


def test_messages_in_hand_are_known_by_the_pid_or_by_the_name():
    watch = WorkerWatch()
    watch.observe_hands({4321: ("consumer", (1, 2)), 77: ("wrapped", (3,)), 78: ("somebody else", (4,))})

    found = watch.in_hand([make_replica("consumer"), make_replica("wrapped", pid=99), make_replica("idle", pid=5)])

    assert found == {"consumer": (1, 2), "wrapped": (3,)}


def test_a_rate_is_told_only_where_it_is_known_whose_it_is():
    watch = WorkerWatch()
    alone, first, second = (
        make_replica(name, queues=(queue,)) for name, queue in (("alone", "a"), ("first", "b"), ("second", "b"))
    )
    watch.observe_queues((make_queue("a"), make_queue("b")), 0.0)
    watch.observe_queues((make_queue("a", completed=20), make_queue("b", completed=20)), 2.0)

    rates = watch.rates([alone, first, second], 4.0)

    assert rates.keys() == {"alone"}
    assert rates["alone"][0] == pytest.approx(5.0)


def test_what_queues_and_workers_need_is_told_with_a_way_out():
    queue = make_queue("mail", ready=3)
    stopped = make_replica("mailer", WorkerState.STOPPED, queues=("mail",))
    looping = make_replica("mailer", WorkerState.CRASH_LOOPING, queues=("mail",))

    def notice(*replicas: ReplicaRecord) -> Notice | None:
        status = make_status(*replicas)
        return need_notice(make_health(status, queue).needs, status)

    assert (notice().button, notice().remedy, notice().subject) == ("Add worker", "add", "mail")
    assert (notice(stopped).button, notice(stopped).remedy) == ("Start mailer", "start")
    assert notice(looping) is None  # its row says so
    stuck = Need("worker", "", "worker 'stuck' has run for 15 min and finished nothing", worker="stuck")
    told = need_notice((stuck, stuck), make_status())
    assert (told.text, told.button) == (
        "Worker 'stuck' has run for 15 min and finished nothing. (1 more)", "Show worker",
    )  # fmt: skip


def test_a_supervisord_that_hangs_is_waited_for_in_words():
    silent = SupervisionStatus(False, "not answering", None, (make_replica("a"),), "it did not answer within 2 s")

    notice = daemon_notice(silent, 12.4)

    assert notice.text == "Waiting for supervisord to answer (12 s): it did not answer within 2 s."
    assert notice.button == ""
