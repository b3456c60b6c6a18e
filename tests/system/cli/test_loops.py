"""`consume` and `produce` as they are typed; what they do with messages is tested with the loops themselves."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import PQDESK, environment_with_programs, run
from tests.support import wait_until
from tests.system.cli.conftest import Cli

Put = Callable[..., int]

_HANDLERS = """
from pqdesk import Fail, consumer, producer

@consumer("mail")
def send(message):
    if message.payload == "bad":
        raise Fail("no such address")
    return {"sent": message.payload}

@producer("mail")
def letters():
    yield "first"
    yield "second"
"""


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PQDESK, *words],
        env=environment_with_programs(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_command_works_on_several_queues_until_they_are_empty(cli: Cli, put: Put) -> None:
    command = ("sh", "-c", 'cat; echo " $PQDESK_QUEUE"')
    ids = [put("a", '{"n": 1}'), put("b", "two")]

    done = run(PQDESK, "consume", "a", "b", "--drain", "--concurrency", "2", "--", *command)

    assert sorted(line.split()[:3] for line in done.stdout.splitlines()) == [
        ["completed", "id=1", "queue=a"],
        ["completed", "id=2", "queue=b"],
    ]
    assert [cli("show", one, "--json").json["result"] for one in ids] == ['{"n":1} a\n', "two b\n"]


def test_draining_waits_for_what_is_to_be_retried(cli: Cli, put: Put, tmp_path: Path) -> None:
    assert cli("configure", "q", "--backoff", "fixed:1").code == 0
    message_id = put("q", "x")
    late = put("q", "y", "--max-attempts", "1")
    command = ("sh", "-c", f"[ $PQDESK_ATTEMPT = 2 ] || exit 1; touch {tmp_path}/done")

    run(PQDESK, "consume", "q", "--drain", "--", *command)

    shown = cli("show", message_id, "--json").json
    assert (shown["state"], shown["attempt"]) == ("completed", 2)
    assert cli("show", late, "--json").json["state"] == "failed"


def test_draining_waits_no_longer_than_it_may(cli: Cli, put: Put) -> None:
    cli("configure", "q", "--backoff", "fixed:3600")
    message_id = put("q", "x")

    for wait in ("0s", "300ms"):
        run(PQDESK, "consume", "q", "--drain", "--drain-wait", wait, "--", "false")
        assert cli("show", message_id, "--json").json["state"] == "retrying"
    assert run(PQDESK, "consume", "q", "--drain-wait", "1s", "--", "cat", check=False).returncode == 2


def test_options_of_the_command_are_not_ours(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")

    run(PQDESK, "consume", "q", "--drain", "--", "printf", "%s %s", "--json", "-v")

    assert cli("show", message_id, "--json").json["result"] == "--json -v"


def test_a_handler_in_a_file(cli: Cli, put: Put, tmp_path: Path) -> None:
    (tmp_path / "mail.py").write_text(_HANDLERS)
    good, bad = put("mail", "ada"), put("mail", "bad")

    run(PQDESK, "consume", "mail", "--handler", "mail.py:send", "--drain", folder=tmp_path)

    assert cli("show", good, "--json").json["result"] == {"sent": "ada"}
    assert cli("show", bad, "--json").json["state"] == "failed"


def test_max_attempts_and_timeout_reach_the_loop(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")

    run(PQDESK, "consume", "q", "--drain", "--max-attempts", "1", "--timeout", "100ms", "--", "sleep", "60")

    shown = cli("show", message_id, "--json").json
    assert (shown["state"], shown["attempt"]) == ("failed", 1)
    assert "timed out" in shown["error"]


def test_lines_of_a_command_become_messages_and_its_status_is_ours(cli: Cli) -> None:
    done = run(PQDESK, "produce", "q", "--", "sh", "-c", "echo one; echo two; exit 7", check=False)

    assert done.returncode == 7
    assert sorted(one["payload_preview"] for one in cli("messages", "q", "--json").json) == ["one", "two"]


def test_a_producer_with_a_schedule_runs_at_once_and_ends_by_term(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mail.py").write_text(_HANDLERS)

    process = start("produce", "mail", "--handler", f"{tmp_path}/mail.py:letters", "--every", "1h")
    wait_until(lambda: count(cli) == 2, 30, "the first run")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 0


def test_the_time_zone_and_what_was_missed_reach_the_schedule(cli: Cli) -> None:
    words = ("--payload", '{"n": 1}', "--cron", "0 3 * * *", "--timezone", "Asia/Kolkata", "--missed", "skip")

    process = start("produce", "q", *words)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert line.startswith("next run 20")
    assert line.endswith(" 03:00:00 IST\n")
    assert process.returncode == 0
    assert cli("produce", "q", *words[:-1], "never").code == 2
    assert cli("produce", "q", "--payload", "x").code == 2


def test_messages_are_posted(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")
    words = ("consume", "q", "--drain", "--post", "http://127.0.0.1:1/", "--post-header", "Authorization=$MISSING")

    refused = run(PQDESK, *words, check=False)
    run(PQDESK, *words[:-2], "--max-attempts", "1", "--timeout", "5s")

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    shown = cli("show", message_id, "--json").json
    assert (shown["state"], shown["error"]) == ("failed", "cannot post to 127.0.0.1:1: Connection refused")


def test_only_one_thing_to_do_can_be_given(cli: Cli, tmp_path: Path) -> None:
    for words in (
        ("consume", "q", "--post", "http://localhost/", "--", "cat"),
        ("consume", "q", "--post-header", "A=b", "--", "cat"),
        ("consume", "q"),
        ("produce", "q", "--folder", str(tmp_path), "--payload", "x", "--every", "1h"),
        ("produce", "q", "--settle", "1s", "--", "ls"),
        ("produce", "q", "--match", "*.jpg", "--payload", "x", "--every", "1h"),
        ("produce", "q"),
    ):
        assert run(PQDESK, *words, check=False).returncode == 2


def test_a_folder_is_watched(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "new.txt").write_text("hello")
    (folder / "in").mkdir()
    for name in ("a.png", "b.txt", "in/c.txt"):
        (folder / name).write_text("no")

    choice = ("--settle", "100ms", "--match", "*.txt", "--ignore", "b*", "--no-subfolders")
    process = start("produce", "files", "--folder", str(folder), *choice)
    wait_until(lambda: count(cli) == 1, 30, "the file")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert cli("show", 1, "--json").json["payload"]["path"] == f"{folder}/new.txt"


def test_ctrl_c_ends_a_waiting_consumer(cli: Cli, workspace: Path) -> None:
    process = start("consume", "q", "--", "cat")
    wait_until(lambda: (workspace / "logs/pqdesk.log").exists(), 30, "the consumer to be there")

    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=30)

    assert (process.returncode, said) == (130, "")
    assert "Traceback" not in complaints


def count(cli: Cli) -> int:
    done = cli("queues", "--json")
    return sum(sum(queue["counts"].values()) for queue in done.json) if done.code == 0 else 0


def test_a_supervised_producer_goes_on_where_it_was_stopped(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "reminder")
    words = ("produce", "q", "--payload", "x", "--every", "1h", "--missed", "all")

    def run_until_it_waits(*options: str) -> int:
        process = start(*words, *options)
        assert process.stdout is not None
        while "next run" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        return count(cli)

    assert run_until_it_waits() == 1
    assert run_until_it_waits() == 1  # its rhythm, not once more at each start
    [kept] = (workspace / "run").glob("next-*")
    plan, number = kept.read_text().splitlines()
    kept.write_text(f"{plan}\n{int(number) - 3 * 3600 * 1_000_000}")
    assert run_until_it_waits() == 4  # those of two hours ago, one hour ago and now
    for runs, damage in enumerate(("x", f"{plan}\n-1", f"{plan}\n{'9' * 5000}"), 5):
        kept.write_text(damage)
        assert run_until_it_waits() == runs  # as if it had never run
