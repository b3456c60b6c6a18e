"""`add-worker`, `edit-worker`, `remove-worker`, `scale`, `signal`: with the real supervisord."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import WorkerState
from pqdesk.zones import local_zone_name
from tests.support import wait_until
from tests.system.cli.conftest import Cli, Done
from tests.system.conftest import SupervisedWorkspace

At = Callable[..., Done]

_QUICK = ("--start-wait", "0s", "--stop-wait", "5s")
_SLEEP = ("--", "sleep", "600")


@pytest.fixture
def at(cli: Cli, supervised: SupervisedWorkspace) -> At:
    """Call a command on the supervised workspace."""
    return lambda *words, **options: cli("-w", supervised.paths.root, *words, **options)


def definition(supervised: SupervisedWorkspace, name: str) -> WorkerDefinition:
    return supervised.supervision.definition(name)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (("--handler", "mail:send", "--queue", "a", "--queue", "b"), "pqdesk consume a b --handler mail:send"),
        (("--queue", "a", "--timeout", "5s", "--", "sha256sum"), "pqdesk consume a --timeout 5s -- sha256sum"),
        (
            ("--post", "http://localhost:8000/x", "--post-header", "A=$T", "--queue", "a"),
            "pqdesk consume a --post http://localhost:8000/x --post-header 'A=$T'",
        ),
        (("--folder", "/srv/in", "--queue", "a"), "pqdesk produce a --folder /srv/in"),
        (
            ("--every", "5m", "--payload", '{"n": 1}', "--queue", "a"),
            "pqdesk produce a --payload '{\"n\": 1}' --every 5m",
        ),
        (
            ("--cron", "0 6 * * *", "--timezone", "UTC", "--handler", "m:f", "--queue", "a"),
            "pqdesk produce a --handler m:f --cron '0 6 * * *' --timezone UTC",
        ),
        (("--", "sleep", "600"), "sleep 600"),
    ],
)
def test_each_kind_is_added_without_writing_a_command(
    at: At, supervised: SupervisedWorkspace, options: tuple[str, ...], command: str
) -> None:
    done = at("add-worker", "worker", "--no-start", *options)

    assert (done.code, done.out) == (0, "worker: added, not started\n"), done.err
    [one] = at("workers", "--json").json
    assert one["command"] == command


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "nothing to run"),
        (("--queue", "a"), "nothing to run"),
        (("--handler", "m:f"), "no queue named"),
        (("--handler", "m:f", "--queue", "a", "--", "x"), "--handler and a command after -- exclude each other"),
        (("--post", "nowhere", "--queue", "a"), "no address"),
        (("--post", "http://x/", "--post-header", "A", "--queue", "a"), "no header"),
        (("--handler", "m:f", "--post-header", "A=b", "--queue", "a"), "--post-header does not go with the rest"),
        (("--folder", "/x", "--queue", "a", "--concurrency", "2"), "--concurrency does not go with the rest"),
        (("--folder", "/x", "--queue", "a", "--queue", "b"), "one queue"),
        (("--every", "5m", "--cron", "* * * * *", "--payload", "x", "--queue", "a"), "not both"),
        (("--replicas", "0", *_SLEEP), "replicas"),
        (("--env", "A", *_SLEEP), "no variable"),
        (("--env", 'A="', *_SLEEP), "make it a secret"),
        (("--log-size", "big", *_SLEEP), "no size"),
        (("--directory", "/no/such", *_SLEEP), "no folder"),
        (("--stop-signal", "NONSENSE", *_SLEEP), "stop signal"),
    ],
)
def test_what_cannot_be_is_wrong_usage_and_adds_nothing(
    at: At, supervised: SupervisedWorkspace, options: tuple[str, ...], reason: str
) -> None:
    done = at("add-worker", "worker", *options)

    assert done.code == 2
    assert reason in done.err.replace("\n", " ")
    assert not supervised.paths.workers.exists()


def test_a_worker_is_added_with_all_that_can_be_chosen(at: At, supervised: SupervisedWorkspace, tmp_path: Path) -> None:
    words = (
        *("--replicas", "2", "--env", "A=b=c", "--secret", "S=t", "--secret", "FROM_STDIN", "--directory", tmp_path),
        *("--restart", "never", "--stop-signal", "sigint", "--log-size", "2MB", "--log-backups", "5", "--no-autostart"),
    )

    done = at("add-worker", "worker", *_QUICK, *words, *_SLEEP, stdin=b"two\nlines\n")

    assert (done.code, len(done.out.splitlines())) == (0, 2), done.err
    assert done.out.startswith("worker: running (pid ")
    made = definition(supervised, "worker")
    assert (made.command, made.replicas, made.folder, made.restart) == (("sleep", "600"), 2, tmp_path, "never")
    assert (made.environment, made.secrets) == ({"A": "b=c"}, {"S": "t", "FROM_STDIN": "two\nlines"})
    assert (made.stop_signal, made.stop_wait_s, made.log_bytes, made.log_backups) == ("INT", 5, 2 * 1024**2, 5)
    assert not made.is_autostart
    pid = supervised.replica("worker-2").pid
    assert pid is not None
    assert psutil.Process(pid).environ()["FROM_STDIN"] == "two\nlines"
    assert at("add-worker", "worker", *_SLEEP).code == 1


def test_paths_are_those_of_here(
    at: At, supervised: SupervisedWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mail.py").touch()

    at("add-worker", "one", "--no-start", "--handler", "mail.py:send", "--queue", "a")
    at("add-worker", "two", "--no-start", "--", "./run.sh", "x")
    at("add-worker", "three", "--no-start", "--folder", "in", "--queue", "a")

    assert definition(supervised, "one").command[-1] == f"{tmp_path}/mail.py:send"
    assert definition(supervised, "two").command == (f"{tmp_path}/run.sh", "x")
    assert definition(supervised, "three").command[-1] == f"{tmp_path}/in"


def test_one_that_does_not_come_up_is_added_and_fails(at: At, supervised: SupervisedWorkspace) -> None:
    done = at("add-worker", "bad", "--", "no-such-program")

    assert done.code == 1
    assert "can't find command 'no-such-program'" in done.err
    assert done.out == "bad: failed to start (can't find command 'no-such-program')\n"
    broken = ("--", sys.executable, "-c", "import no_such_module")
    assert at("add-worker", "worse", *broken).code == 1
    cause = "Python cannot find the module no_such_module. Install it for the worker's Python"

    def told_to_programs() -> bool:  # it is being started again and again, and each start may be a good one
        return {one["process"]: one["likely_cause"] for one in at("workers", "--json").json}["worse"] == cause

    wait_until(told_to_programs, reason="why it does not come up")
    wait_until(lambda: f"worse: {cause}; see: pqdesk -w " in at("workers").err, reason="the same for people")


def test_test_and_preview_save_nothing(at: At, supervised: SupervisedWorkspace) -> None:
    ended = at("add-worker", "x", "--test", "--", sys.executable, "-c", "print('hi'); raise SystemExit(2)")
    missing = at("add-worker", "x", "--test", "--json", "--", "no-such-program")
    shown = at("add-worker", "x", "--preview", "--secret", "A=hunter2", *_SLEEP)

    assert (ended.code, ended.out) == (1, "hi\n")
    assert ended.err.startswith("it ended with exit code 2; Its command line was not understood")
    assert (missing.code, missing.json["exit_code"], missing.json["is_still_running"]) == (1, 127, False)
    assert shown.code == 0
    assert "[program:x]\n" in shown.out
    assert "hunter2" not in shown.out
    assert not supervised.paths.supervisor.exists()


def test_only_what_is_given_is_changed(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", *_QUICK, "--env", "A=1", "--env", "B=2", *_SLEEP)
    pid = supervised.replica("worker").pid
    file = supervised.paths.workers / "worker.conf"
    file.write_text("; mine\n" + file.read_text())

    assert at("edit-worker", "worker", "--no-autostart").out == "worker: saved, nothing had to be restarted\n"
    assert supervised.replica("worker").pid == pid
    changed = at("edit-worker", "worker", "--env", "A=3", "--unset", "B")

    assert changed.code == 0, changed.err
    assert changed.out == f"worker: running (pid {supervised.replica('worker').pid})\n"
    assert supervised.replica("worker").pid != pid
    assert definition(supervised, "worker").environment == {"A": "3"}
    assert file.read_text().startswith("; mine\n")


def test_an_option_is_taken_away_again(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", "--no-start", "--handler", "m:f", "--queue", "a", "--concurrency", "2", "--lease", "5m",
       "--replicas", "2", "--no-autostart", "--restart", "never", "--directory", "/", "--env", "lease=1")  # fmt: skip

    changed = at("edit-worker", "worker", "--unset", "--lease", "--unset", "--replicas", "--unset", "--no-autostart",
                 "--unset", "--restart", "--unset", "--directory", "--unset", "--timeout")  # fmt: skip

    assert changed.code == 0, changed.err
    now = definition(supervised, "worker")
    assert now.command == ("pqdesk", "consume", "a", "--handler", "m:f", "--concurrency", "2")
    assert (now.replicas, now.is_autostart, now.restart, now.folder) == (1, True, "always", None)
    assert now.environment == {"lease": "1"}  # a variable has no dashes
    at("edit-worker", "worker", "--unset", "lease", "--unset", "--concurrency")
    assert definition(supervised, "worker").environment == {}
    assert definition(supervised, "worker").command == ("pqdesk", "consume", "a", "--handler", "m:f")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--unset", "--handler"), "--handler is what the worker does; give another"),
        (("--unset", "--queue"), "--queue is what the worker does; give another"),
        (("--unset", "--lease", "--lease", "5m"), "--lease is given and taken away"),
        (("--unset", "--leese"), "--leese is no option of a worker"),
    ],
)
def test_what_cannot_be_taken_away_is_refused(
    at: At, supervised: SupervisedWorkspace, words: tuple[str, ...], why: str
) -> None:
    at("add-worker", "worker", "--no-start", "--handler", "m:f", "--queue", "a", "--lease", "1m")
    before = definition(supervised, "worker")

    refused = at("edit-worker", "worker", *words)

    assert (refused.code, why in refused.err) == (2, True), refused.err
    assert definition(supervised, "worker") == before


def test_what_a_worker_runs_is_changed_part_by_part(at: At, supervised: SupervisedWorkspace) -> None:
    def command() -> tuple[str, ...]:
        return definition(supervised, "worker").command

    at("add-worker", "worker", "--no-start", "--handler", "m:f", "--queue", "a", "--concurrency", "2")

    at("edit-worker", "worker", "--timeout", "5s")
    assert command() == ("pqdesk", "consume", "a", "--handler", "m:f", "--concurrency", "2", "--timeout", "5s")
    at("edit-worker", "worker", "--", "sha256sum", "-b")
    assert command() == ("pqdesk", "consume", "a", "--concurrency", "2", "--timeout", "5s", "--", "sha256sum", "-b")
    at("edit-worker", "worker", "--post", "http://localhost/", "--queue", "b")
    assert command()[:5] == ("pqdesk", "consume", "b", "--post", "http://localhost/")
    assert "both" in at("edit-worker", "worker", "--every", "5m", "--cron", "* * * * *", "--payload", "x").err
    assert definition(supervised, "worker").restart == "always"
    at("edit-worker", "worker", "--folder", "/srv")
    assert command() == ("pqdesk", "produce", "b", "--folder", "/srv")
    at("edit-worker", "worker", "--payload", "x", "--every", "5m")
    at("edit-worker", "worker", "--cron", "0 6 * * *")
    zone = ("--timezone", local_zone_name())
    assert command() == ("pqdesk", "produce", "b", "--payload", "x", "--cron", "0 6 * * *", *zone)
    assert definition(supervised, "worker").restart == "if it fails"
    refused = at("edit-worker", "nobody", "--replicas", "2")
    assert (refused.code, refused.err) == (3, "pqdesk: error: there is no worker 'nobody'; the workers are worker\n")


def test_a_cron_line_has_the_zone_that_it_was_made_with(
    at: At, supervised: SupervisedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def zone() -> str:
        command = definition(supervised, "nightly").command
        return command[command.index("--timezone") + 1]

    monkeypatch.setenv("TZ", "America/New_York")
    at("add-worker", "nightly", "--no-start", "--queue", "q", "--cron", "0 3 * * *", "--payload", "x")
    assert zone() == "America/New_York"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    at("edit-worker", "nightly", "--missed", "skip")
    assert zone() == "America/New_York"
    at("edit-worker", "nightly", "--cron", "0 4 * * *")
    assert zone() == "Asia/Tokyo"
    at("edit-worker", "nightly", "--cron", "0 5 * * *", "--timezone", "Europe/Berlin")
    assert zone() == "Europe/Berlin"


def test_scaling_and_signals(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", *_QUICK, *_SLEEP)
    first = supervised.replica("worker").pid

    grown = at("scale", "worker", 3)
    assert [line.split()[:2] for line in grown.out.splitlines()] == [
        [f"{name}:", "running"] for name in ("worker", "worker-2", "worker-3")
    ]
    assert at("signal", "worker-3", "STOP").out == "worker-3: STOP sent\n"
    at("signal", "worker-3", "CONT")
    shrunk = at("scale", "worker", 1, "--json")

    assert [(one["process"], one["pid"]) for one in shrunk.json] == [("worker", first)]
    assert at("scale", "worker", 0).code == 2
    assert at("signal", "worker", "NONSENSE").code == 2
    assert at("scale", "nobody", 2).code == 3


def test_a_removed_worker_comes_back(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", *_QUICK, *_SLEEP)

    removed = at("remove-worker", "worker")

    assert removed.code == 0
    assert removed.out.startswith("worker: removed; bring it back with: pqdesk -w ")
    assert at("workers", "--json").json == []
    assert at("remove-worker", "worker").code == 3
    back = at("remove-worker", "worker", "--undo")
    assert back.out.startswith("worker: running (pid ")
    assert at("remove-worker", "worker", "--undo").code == 3


def test_several_are_started_and_killed_at_once(at: At, supervised: SupervisedWorkspace) -> None:
    for name in ("a", "b", "c"):
        at("add-worker", name, "--no-start", "--no-autostart", *_QUICK, *_SLEEP)

    assert [line.split(":")[0] for line in at("start", "a", "b").out.splitlines()] == ["a", "b"]
    assert supervised.replica("c").state is WorkerState.STOPPED
    assert at("stop", "--now", "a", "b").out == "a: stopped\nb: stopped\n"
    assert at("start", "a", "nobody").code == 3


def test_the_list_tells_what_happened(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", *_QUICK, *_SLEEP)
    pid = supervised.replica("worker").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    supervised.wait_for_running("worker", other_than=pid)

    [one] = at("workers", "--json").json
    assert (one["restarts_total"], one["restarts_last_hour"]) == (1, 1)
    assert (one["last_exit"]["signal"], one["last_exit"]["is_expected"]) == ("KILL", False)
    assert one["memory_bytes"] > 100_000
    assert one["cpu_percent"] >= 0
    header, row = at("workers").out.splitlines()
    assert "Restarts" in header
    assert "1 / 1" in row
    assert "signal KILL, " in row


def test_supervisord_is_brought_up_to_date(
    at: At, supervised: SupervisedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pqdesk.supervision.daemon.launch.installed_version", lambda: "0.0.9")
        at("add-worker", "worker", *_QUICK, *_SLEEP)
    old = supervised.daemon_pid

    assert "started by PQDesk 0.0.9; bring it up to date with: pqdesk -w " in at("workers").err
    assert "started by PQDesk 0.0.9" in at("doctor").out
    assert at("restart", "worker", "--supervisord").code == 2
    assert at("restart", "all", "--supervisord").code == 0

    wait_until(lambda: supervised.daemon_pid != old, 15, "another supervisord")
    assert at("workers").err == ""


def test_a_fixed_payload_is_put_as_put_would(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "reminder", *_QUICK, "--queue", "q", "--every", "1h", "--payload", '{"a": [1]}')

    def newest() -> list[dict[str, object]]:
        done = at("messages", "q", "--json")
        return list(done.json) if done.code == 0 else []

    wait_until(newest, 30, "the first message", logs=supervised.paths.logs)

    assert at("show", 1, "--json").json["payload"] == {"a": [1]}
    assert at("produce", "q", "--payload", "x").code == 2
    assert at("produce", "q", "--payload", "x", "--every", "1h", "--folder", "/tmp").code == 2


_MAIL = "def send(message):\n    return message.payload\n\ndef letters():\n    yield 1\n"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (("--handler", "mail.py"), "a colon and the function"),
        (("--handler", "no/such/mail.py:send"), "there is no file"),
        (("--handler", "{folder}/mail.py:missing"), "has no 'missing'"),
        (("--handler", "{folder}/broken.py:send"), "cannot be imported: ModuleNotFoundError"),
        (("--handler", "no_such_module_at_all:send"), "there is no module"),
        (("--", "no-such-program-at-all"), "not found"),
        (("--post", "http://localhost/", "--post-header", "A=Bearer $NOT_SET_HERE"), "not set"),
        (("--every", "5m", "--handler", "{folder}/mail.py:send", "--timezone", "UTC"), "cron line"),
        (("--cron", "61 * * * *", "--handler", "{folder}/mail.py:letters"), "cannot be used"),
        (("--cron", "1 * * * *", "--timezone", "Berlin", "--handler", "{folder}/mail.py:letters"), "no time zone"),
        (("--folder", "/no/such/folder"), "cannot watch"),
    ],
)
def test_no_edit_takes_a_good_worker_down(
    at: At, supervised: SupervisedWorkspace, tmp_path: Path, edit: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "mail.py").write_text(_MAIL)
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    at("add-worker", "mail", *_QUICK, "--handler", f"{tmp_path}/mail.py:send", "--queue", "a")
    before, pid = definition(supervised, "mail"), supervised.replica("mail").pid
    assert pid is not None

    done = at("edit-worker", "mail", *(word.format(folder=tmp_path) for word in edit))

    assert (done.code, reason in done.err.replace("\n", " ")) == (2, True), done.err
    assert definition(supervised, "mail") == before
    assert (supervised.replica("mail").pid, supervised.replica("mail").state) == (pid, WorkerState.RUNNING)


def test_what_fails_after_an_edit_has_a_way_back(at: At, supervised: SupervisedWorkspace) -> None:
    at("add-worker", "worker", *_QUICK, "--env", "A=1", "--secret", "S=t", *_SLEEP)
    before = definition(supervised, "worker")

    edited = at("edit-worker", "worker", "--start-wait", "1s", "--unset", "S", "--", "sh", "-c", "exit 3")
    back = at("edit-worker", "worker", "--undo")

    assert edited.code == 1
    assert edited.err.splitlines()[-1].endswith(" edit-worker worker --undo")
    assert back.code == 0, back.err
    assert supervised.replica("worker").state is WorkerState.RUNNING
    now = definition(supervised, "worker")
    assert (now.command, now.start_s, now.environment, now.secrets) == (
        before.command, before.start_s, before.environment, before.secrets,
    )  # fmt: skip
    assert at("edit-worker", "nobody", "--undo").code == 3


def test_what_could_not_start_is_not_added_and_the_corrected_line_adds_it(
    at: At, supervised: SupervisedWorkspace, tmp_path: Path
) -> None:
    words = ("add-worker", "mail", *_QUICK, "--queue", "a", "--handler", f"{tmp_path}/mail.py:send")

    refused = at(*words)
    (tmp_path / "mail.py").write_text(_MAIL)
    added = at(*words)

    assert (refused.code, "there is no file" in refused.err, "nothing was changed" in refused.err) == (2, True, True)
    assert added.code == 0, added.err
    assert supervised.replica("mail").state is WorkerState.RUNNING


def test_one_that_was_added_and_failed_is_replaced(at: At, supervised: SupervisedWorkspace) -> None:
    assert at("add-worker", "worker", *_QUICK, "--", "no-such-program").code == 1

    again = at("add-worker", "worker", *_QUICK, *_SLEEP)
    replaced = at("add-worker", "worker", "--replace", *_QUICK, "--replicas", "2", *_SLEEP)
    first = at("add-worker", "other", "--replace", "--no-wait", *_QUICK, *_SLEEP)

    assert again.code == 1
    assert "edit-worker" in again.err
    assert "--replace" in again.err
    assert replaced.code == 0, replaced.err
    assert definition(supervised, "worker").command == ("sleep", "600")
    assert {one.process for one in supervised.supervision.status().replicas} == {"worker", "worker-2", "other"}
    assert supervised.replica("worker").state is supervised.replica("worker-2").state is WorkerState.RUNNING
    assert first.code == 0


def test_a_hand_written_consumer_is_edited_by_its_options(at: At, supervised: SupervisedWorkspace) -> None:
    root = supervised.paths.root
    at("add-worker", "worker", "--no-start", "--", "nice", "pqdesk", "-w", root, "consume", "a", "--drain", "--", "cat")

    edited = at("edit-worker", "worker", "--timeout", "5s", "--queue", "b")

    assert edited.code == 0, edited.err
    assert definition(supervised, "worker").command == (
        *("nice", "pqdesk", "-w", str(root), "consume", "b"),
        *("--timeout", "5s", "--drain", "--", "cat"),
    )
