"""What people did is written down, and goes back as far as nobody has touched it since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pqdesk import Counts, InvalidInput, LookOnly, NotFound, Outcome, Queue, Workspace
from pqdesk.messages.activities import ActivityRecord, NewActivity
from pqdesk.messages.origin import Origin
from pqdesk.queues import acting
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.contract.test_actions import one_of_each

_DAY_S = 86_400


def undo(queue: Queue, outcome: Outcome) -> Outcome:
    assert outcome.activity_id is not None
    return acting.undo(queue.store, outcome.activity_id, None)


def activity(queue: Queue) -> tuple[ActivityRecord, ...]:
    return acting.list_activity(queue.store, 100, None)


def _status(queue: Queue) -> dict[int, tuple[object, ...]]:
    found = {}
    for one in queue.store.looking.page(_everything()):
        detail = queue.store.looking.message(one.id)
        found[one.id] = (detail.queue, detail.state, detail.attempt, detail.max_attempts, detail.due_at,
                         detail.finished_at, detail.payload)  # fmt: skip
    return found


def _everything():
    from pqdesk.storage.looking import PageRequest

    return PageRequest(limit=1000)


# --- the activity ----------------------------------------------------------------------------------


def test_an_action_leaves_who_what_and_the_command_that_does_the_same(queue: Queue, clock: MovableClock) -> None:
    ids = queue.put_many(range(3))
    outcome = queue.cancel([*ids, 99])

    (record,) = activity(queue)

    assert record.id == outcome.activity_id
    assert (record.action, record.queue, record.done, record.skipped) == ("cancel", "work", 3, 0)
    assert record.command == "pqdesk cancel 1 2 3 99"
    assert record.actor.endswith(" library")
    assert "pqdesk" in record.actor
    assert record.can_be_undone
    assert abs(record.at.timestamp() - clock.wall_us() / 1e6) < 60


@pytest.mark.parametrize(
    ("act", "command"),
    [
        (lambda q: q.retry(state=["failed", "cancelled"]), "pqdesk retry --queue work --state failed,cancelled"),
        (lambda q: q.run_now(where='payload:"a b"'), "pqdesk run-now --queue work --where 'payload:\"a b\"'"),
        (lambda q: q.delete(type="t", search="it's"), "pqdesk delete --queue work --type t --search 'it'\"'\"'s'"),
        (lambda q: q.move(1, to="second one"), "pqdesk move 1 --to 'second one'"),
        (lambda q: q.edit(1, "secret"), "pqdesk edit 1 -"),
        (lambda q: q.duplicate([2, 1]), "pqdesk duplicate 2 1"),
        (lambda q: q.purge(), "pqdesk purge work --yes"),
    ],
)  # fmt: skip
def test_the_command_is_what_a_shell_takes(queue: Queue, act: Callable[[Queue], Outcome], command: str) -> None:
    queue.put("a b x it's", type="t", delay=3600)
    queue.put("a b x it's", type="t")
    queue.get(timeout=0).fail("no")

    act(queue)

    assert activity(queue)[0].command == command


def test_a_long_list_of_ids_is_told_as_standard_input(queue: Queue) -> None:
    queue.delete(queue.put_many(range(101)))

    assert activity(queue)[0].command == "pqdesk delete -  # 101 ids on standard input"


def test_what_touched_nothing_is_not_written_down(queue: Queue) -> None:
    queue.put("x")

    for outcome in (queue.cancel(99), queue.cancel(type="none"), queue.cancel(state="ready", dry_run=True)):
        assert outcome.activity_id is None

    assert activity(queue) == ()


def test_the_activity_comes_in_pages(queue: Queue) -> None:
    for message_id in queue.put_many(range(5)):
        queue.cancel(message_id)

    first = acting.list_activity(queue.store, 2, None)
    rest = acting.list_activity(queue.store, 10, first[-1].id)

    assert [one.id for one in (*first, *rest)] == [5, 4, 3, 2, 1]


# --- undoing ---------------------------------------------------------------------------------------


ACTIONS = [
    lambda queue, ids: queue.retry(ids),
    lambda queue, ids: queue.run_now(ids),
    lambda queue, ids: queue.cancel([one for one in ids if one != 5]),
    lambda queue, ids: queue.delete(ids),
    lambda queue, ids: queue.move(ids, to="second"),
    lambda queue, ids: queue.edit(ids, "edited"),
    lambda queue, ids: queue.duplicate(ids),
    lambda queue, ids: queue.purge(),
]
_act = pytest.mark.parametrize(
    "act", ACTIONS, ids=["retry", "run_now", "cancel", "delete", "move", "edit", "duplicate", "purge"]
)


@_act
def test_every_action_is_undone_to_where_all_stood(queue: Queue, act: Callable[..., Outcome]) -> None:
    ids = list(one_of_each(queue).values())
    before, counts = _status(queue), queue.store.looking.counts()
    outcome = act(queue, ids)
    assert outcome.done
    assert _status(queue) != before

    assert undo(queue, outcome) == Outcome(outcome.done, 0)

    assert _status(queue) == before
    assert queue.store.looking.counts() == counts


@_act
def test_every_undo_is_undone_to_where_all_stood(queue: Queue, act: Callable[..., Outcome]) -> None:
    ids = list(one_of_each(queue).values())
    outcome = act(queue, ids)
    after = _status(queue)
    undone = undo(queue, outcome)
    before = _status(queue)

    redone = undo(queue, undone)
    assert (redone.done, _status(queue)) == (outcome.done, after)

    assert (undo(queue, redone).done, _status(queue)) == (outcome.done, before)


def test_an_undo_of_a_message_that_was_had_since_is_not_undone(queue: Queue) -> None:
    undone = undo(queue, queue.delete(queue.put("x")))
    queue.get(timeout=0).ack()

    assert undo(queue, undone).reasons == {"changed since": 1}


# --- the newest of one's own -----------------------------------------------------------------------


def test_undo_goes_back_through_everything_and_redo_forward_again(queue: Queue) -> None:
    first, second = queue.put_many(["a", "b"])
    with Workspace(queue.paths.root if queue.paths else None, program="window") as workspace:
        statuses = [_status(queue)]
        for act in (
            lambda: workspace.cancel(first),
            lambda: workspace.edit(second, "B"),
            lambda: queue.pause(),  # of another program of the same user
            lambda: workspace.move(second, to="other"),
            lambda: workspace.delete([first, second]),
        ):
            act()
            statuses.append(_status(queue))
        for status in reversed(statuses[:-1]):
            workspace.undo()
            assert _status(queue) == status
        assert not queue.paused
        with pytest.raises(NotFound, match=r"nothing of .* to undo"):
            workspace.undo()

        for status in statuses[1:]:
            workspace.redo()
            assert _status(queue) == status
        assert queue.paused
        with pytest.raises(NotFound, match=r"nothing of .* to do again"):
            workspace.redo()

        assert workspace.undo().note == "that was: pqdesk undo 6"  # which was the first undo


def test_what_was_undone_is_not_done_again_after_something_new(queue: Queue) -> None:
    first, second = queue.put_many(["a", "b"])
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        workspace.cancel(first)
        workspace.undo()
        workspace.cancel(second)

        with pytest.raises(NotFound, match="nothing"):
            workspace.redo()
        assert queue.counts() == Counts(ready=1, cancelled=1)


def test_undo_leaves_alone_what_others_and_workers_did(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = queue.put_many(["a", "b"])
    queue.cancel(mine)
    monkeypatch.setattr("pqdesk.messages.origin._user", lambda: "somebody else")
    queue.cancel(theirs)
    monkeypatch.undo()
    queue.store.origin = Origin("worker consumer", is_worker=True)
    queue.cancel(queue.put("c"))
    queue.store.origin = Origin.here()

    assert queue.store.operating.undo("done").done == 1

    assert [queue.message(one).state for one in (mine, theirs)] == ["ready", "cancelled"]


def test_settings_of_the_workspace_are_passed_over_by_undo(queue: Queue) -> None:
    queue.cancel(queue.put("x"))
    queue.store.operating.set_look_only(True)
    queue.store.operating.set_look_only(False)

    queue.store.operating.undo("done")

    assert queue.counts().ready == 1


def test_the_activity_about_one_message(queue: Queue) -> None:
    first, second = queue.put_many(["a", "b"])
    queue.cancel([first, second])
    queue.retry(first)
    undo(queue, queue.delete(first))

    told = queue.store.looking.activity(limit=10, about=first)

    assert [one.action for one in told] == ["undo", "retry", "cancel"]
    assert [one.action for one in queue.store.looking.activity(limit=10, about=second)] == ["cancel"]


def test_a_restore_is_undone(queue: Queue) -> None:
    ids = list(one_of_each(queue).values())
    queue.delete(ids)
    outcome = queue.restore(ids)

    assert undo(queue, outcome) == Outcome(6, 0)

    assert queue.counts().total == 1


def test_only_what_nobody_has_touched_goes_back(queue: Queue, other: Queue, clock: MovableClock) -> None:
    ids = queue.put_many(range(6))
    for message in queue.get_many(6):
        message.fail("no")
    outcome = queue.retry(ids)
    other.get(timeout=0)  # 1 runs
    other.get(timeout=0).ack()  # 2 is done
    other.get(timeout=0).nack("again", delay=0)  # 3 has had an attempt more
    queue.delete(ids[3])

    undone = undo(queue, outcome)

    assert (undone.done, undone.skipped) == (2, 4)
    assert undone.reasons == {"running": 1, "changed since": 3}
    assert [queue.message(one).state.word for one in ids] == [
        "running", "completed", "ready", "ready", "failed", "failed",
    ]  # fmt: skip


def test_a_second_retry_is_not_undone_by_undoing_the_first(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    queue.get(timeout=0).fail("no")
    first = queue.retry(message_id)
    queue.cancel(message_id)
    clock.advance(1)
    queue.retry(message_id)

    assert undo(queue, first).reasons == {"changed since": 1}

    assert queue.counts().ready == 1


def test_a_message_that_only_became_due_still_goes_back(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=10)
    outcome = queue.move(message_id, to="second")
    clock.advance(11)
    second = Queue.over(queue.store, "second", clock)
    assert second.counts().ready == 1

    assert undo(queue, outcome).done == 1

    assert queue.get(timeout=0).id == message_id


def test_undoing_twice_is_refused(queue: Queue) -> None:
    message_id = queue.put("x")
    outcome = queue.delete(message_id)
    undone = undo(queue, outcome)

    with pytest.raises(InvalidInput, match=f"activity {undone.activity_id} has undone it"):
        undo(queue, outcome)

    assert activity(queue)[1].undone_by == undone.activity_id
    assert queue.counts().ready == 1


def test_an_undo_is_written_down_and_undoing_it_does_the_action_again(queue: Queue) -> None:
    undone = undo(queue, queue.delete(queue.put("x")))

    record = activity(queue)[0]
    assert (record.id, record.action, record.command) == (undone.activity_id, "undo", "pqdesk undo 1")
    redone = undo(queue, undone)

    assert (activity(queue)[0].action, queue.counts().total) == ("redo", 0)
    assert undo(queue, redone).done == 1
    assert queue.counts().ready == 1


def test_undo_skips_a_message_whose_key_is_in_use_by_now(queue: Queue) -> None:
    message_id = queue.put("x", key="k")
    outcome = queue.cancel(message_id)
    queue.put("y", key="k")

    assert undo(queue, outcome).reasons == {"key in use": 1}

    assert queue.message(message_id).state.word == "cancelled"


def test_undo_keeps_the_order_of_a_group(queue: Queue) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]
    outcome = queue.cancel(ids)

    undo(queue, outcome)

    for message_id in ids:
        with queue.get(timeout=0) as message:
            assert message.id == message_id


def test_a_cancel_of_what_runs_cannot_be_undone(queue: Queue) -> None:
    queue.put("x")
    message = queue.get(timeout=0)
    outcome = queue.cancel(message.id)

    with pytest.raises(InvalidInput, match="cannot be undone: "):
        undo(queue, outcome)

    assert message.cancel_requested


def test_undo_of_no_activity_is_not_found(queue: Queue) -> None:
    with pytest.raises(NotFound, match="no activity 7"):
        acting.undo(queue.store, 7, None)
    with pytest.raises(InvalidInput):
        acting.undo(queue.store, "7", None)  # type: ignore[arg-type]


def test_undo_of_what_is_gone_skips_it(queue: Queue) -> None:
    ids = queue.put_many(range(3))
    outcome = queue.delete(ids)
    queue.empty_trash(ids[0])

    assert undo(queue, outcome).reasons == {"gone": 1}

    assert queue.counts().ready == 2


def test_what_undoes_is_kept_for_30_days(queue: Queue, clock: MovableClock) -> None:
    outcome = queue.cancel(queue.put_many(range(3)))
    clock.advance(29 * _DAY_S)
    engines.prune(queue)
    assert activity(queue)[0].can_be_undone
    clock.advance(2 * _DAY_S)
    engines.prune(queue)

    with pytest.raises(InvalidInput, match="kept for 30 days"):
        undo(queue, outcome)


def test_the_activity_is_kept_for_400_days(queue: Queue, clock: MovableClock) -> None:
    queue.cancel(queue.put("x"))
    clock.advance(401 * _DAY_S)
    queue.cancel(queue.put("y"))
    for _ in range(3):
        engines.prune(queue)

    assert [one.id for one in activity(queue)] == [2]


def test_2_500_messages_are_undone_in_batches_and_a_stop_leaves_the_rest_undoable(queue: Queue) -> None:
    outcome = queue.cancel(queue.put_many(range(2500)))
    seen: list[tuple[int, int]] = []

    first = acting.undo(
        queue.store, outcome.activity_id or 0, lambda done, skipped: seen.append((done, skipped)) or len(seen) < 2
    )
    assert (first.done, first.is_stopped, queue.counts().ready) == (2000, True, 2000)
    rest = undo(queue, outcome)

    assert (rest.done, queue.counts().ready, queue.counts().cancelled) == (500, 2500, 0)
    with pytest.raises(InvalidInput):
        undo(queue, outcome)


def test_a_pause_is_undone_unless_somebody_resumed_since(queue: Queue) -> None:
    queue.pause()
    assert activity(queue)[0].command == "pqdesk pause work"
    acting.undo(queue.store, 1, None)
    assert not queue.paused
    queue.pause()
    queue.resume()

    assert acting.undo(queue.store, 3, None).reasons == {"changed since": 1}

    assert not queue.paused


def test_pausing_what_is_paused_is_not_written_down(queue: Queue) -> None:
    queue.pause()
    queue.pause()

    assert [one.action for one in activity(queue)] == ["pause"]


def test_a_configuration_is_undone(queue: Queue) -> None:
    queue.configure(lease=30, rate=(5, 10))
    before = queue.configuration
    queue.configure(lease=90, rate=None, max_attempts=2, group_concurrency=3)
    queue.configure(lease=90)

    assert [one.command for one in activity(queue)] == [
        "pqdesk configure work --lease 90s --rate default --max-attempts 2 --group-concurrency 3",
        "pqdesk configure work --lease 30s --rate 5/10s",
    ]
    acting.undo(queue.store, 2, None)

    assert queue.configuration == before


def test_others_write_down_what_they_did(queue: Queue) -> None:
    operating = queue.store.operating

    operating.record_activity(NewActivity("stop", "pqdesk stop mail", why_not="start it again"))

    (record,) = activity(queue)
    assert (record.action, record.command, record.why_not) == ("stop", "pqdesk stop mail", "start it again")


def test_schedules_are_written_down_and_undone(queue: Queue) -> None:
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        workspace.add_schedule("s", "work", b"\xff", every=60, key="k", group="g", headers={"A": "b"})
        workspace.disable_schedule("s")
        disabled = workspace.schedules()
        workspace.remove_schedule("s")

        assert [one.command for one in workspace.activity()] == [
            "pqdesk remove-schedule s",
            "pqdesk disable-schedule s",
            "pqdesk add-schedule s work - --every 60s --missed once --as bytes --key k --group g --header A=b",
        ]
        workspace.undo(3)
        assert workspace.schedules() == disabled
        workspace.undo(2)
        assert [(one.is_enabled, one.next_at is not None) for one in workspace.schedules()] == [(True, True)]
        workspace.undo(1)
        assert workspace.schedules() == ()
        workspace.add_schedule("s", "work", every=60)
        workspace.remove_schedule("s")
        workspace.add_schedule("s", "work", every=5)
        assert workspace.undo(8).reasons == {"changed since": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda workspace: workspace.add_schedule("t", "work", every=60),
        lambda workspace: workspace.remove_schedule("s"),
        lambda workspace: workspace.disable_schedule("s"),
        lambda workspace: workspace.run_schedule("s"),
    ],
)
def test_schedules_are_not_changed_where_people_may_only_look(queue: Queue, change: Callable[..., object]) -> None:
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        workspace.add_schedule("s", "work", every=60)
        workspace.look_only = True

        with pytest.raises(LookOnly):
            change(workspace)

        assert [(one.name, one.is_enabled) for one in workspace.schedules()] == [("s", True)]
