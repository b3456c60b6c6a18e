"""A workspace that people may only look at: no command changes its workers, starts or stops them; they run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pqdesk import LookOnly, Workspace
from pqdesk.services.workers import workers_of
from pqdesk.supervision.records import WorkerState
from tests.system.cli.conftest import Cli, Done
from tests.system.conftest import SupervisedWorkspace

_WAITS = "import time\ntime.sleep(600)\n"


@pytest.fixture
def locked(supervised: SupervisedWorkspace) -> Iterator[SupervisedWorkspace]:
    """A workspace that is set to look only, with the worker `waiter`, which nobody has started."""
    supervised.add("waiter", _WAITS)
    set_look_only(supervised, True)
    yield supervised
    set_look_only(supervised, False)  # so that its end is not refused


@pytest.fixture
def at(cli: Cli, supervised: SupervisedWorkspace) -> Callable[..., Done]:
    """Call a command on the supervised workspace."""
    return lambda *words: cli("-w", supervised.paths.root, *words)


def set_look_only(supervised: SupervisedWorkspace, is_look_only: bool) -> None:
    with Workspace(supervised.paths.root) as workspace:
        workspace.look_only = is_look_only


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("start", "waiter"), "started"),
        (("stop", "all"), "stopped"),
        (("stop", "all", "--now"), "stopped"),
        (("stop", "all", "--supervisord"), "stopped"),
        (("restart", "waiter"), "restarted"),
        (("restart", "all", "--supervisord"), "restarted"),
        (("signal", "waiter", "HUP"), "signalled"),
        (("add-worker", "second", "--", "sleep", "1"), "added"),
        (("add-worker", "second", "--test", "--", "sleep", "1"), "run"),
        (("edit-worker", "waiter", "--", "sleep", "1"), "changed"),
        (("scale", "waiter", "2"), "scaled"),
        (("remove-worker", "waiter"), "removed"),
        (("start-at-login", "on"), "changed"),
        (("start-at-login", "--keep-after-logout"), "changed"),
    ],
)
def test_commands_are_refused(
    at: Callable[..., Done], locked: SupervisedWorkspace, words: tuple[str, ...], what: str
) -> None:
    before = {file: file.read_bytes() for file in locked.paths.workers.iterdir()}

    done = at(*words)

    assert (done.code, done.out) == (4, "")
    assert done.err.endswith(f"is set to look only, so nothing was {what}; 'pqdesk look-only off' lifts that\n")
    assert {file: file.read_bytes() for file in locked.paths.workers.iterdir()} == before
    assert not locked.supervision.status().is_running


def test_looking_goes_on(at: Callable[..., Done], locked: SupervisedWorkspace) -> None:
    assert at("workers").code == 0
    assert at("start-at-login").code == 0
    assert at("add-worker", "second", "--preview", "--", "sleep", "1").code == 0


def test_what_runs_runs_on_and_can_be_stopped_when_that_is_lifted(
    at: Callable[..., Done], supervised: SupervisedWorkspace
) -> None:
    supervised.add("waiter", _WAITS)
    assert at("start", "all").code == 0
    pid = supervised.replica("waiter").pid
    set_look_only(supervised, True)

    assert at("stop", "waiter").code == 4
    assert supervised.replica("waiter").pid == pid

    set_look_only(supervised, False)
    assert at("stop", "waiter").code == 0
    assert supervised.replica("waiter").state is WorkerState.STOPPED


def test_a_login_still_starts_the_workers_and_its_end_stops_them(
    at: Callable[..., Done], locked: SupervisedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at("start", "--autostart").code == 0
    locked.wait_for_running("waiter")

    monkeypatch.setenv("PQDESK_WORKER", "login")

    assert at("stop", "all", "--supervisord").code == 0
    assert not locked.supervision.status().is_running


def test_bringing_back_and_starting_with_supervisord_are_refused_too(locked: SupervisedWorkspace) -> None:
    set_look_only(locked, False)
    removed = locked.supervision.remove("waiter")
    locked.add("other", _WAITS)
    set_look_only(locked, True)

    with pytest.raises(LookOnly, match="nothing was brought back"):
        locked.supervision.bring_back(removed)
    with pytest.raises(LookOnly, match="nothing was changed"):
        locked.supervision.set_autostart("other", False)


def test_a_damaged_queue_file_locks_nothing(supervised: SupervisedWorkspace) -> None:
    supervised.add("waiter", _WAITS)
    supervised.paths.database.write_bytes(b"no database" * 1000)

    workers_of(supervised.paths).stop("waiter")

    assert supervised.replica("waiter").state is WorkerState.STOPPED
