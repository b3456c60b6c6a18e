"""`schedules`, `add-schedule`, `remove-schedule`, `enable-schedule`, `disable-schedule`, `run-schedule`."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pqdesk import Workspace
from tests.support import wait_until
from tests.system.cli.conftest import Cli


def test_one_is_added_listed_and_removed(cli: Cli) -> None:
    added = cli("add-schedule", "poll", "work", '{"x": 1}', "--every", "5m", "--missed", "skip", "--type", "t")
    assert (added.code, "schedule poll is added; next run: 20" in added.out) == (0, True)

    listed = cli("schedules").out
    assert "poll" in listed
    assert "every 5 min 00 s" in listed
    [record] = cli("schedules", "--json").json
    assert (record["name"], record["queue"], record["payload"], record["every"]) == ("poll", "work", {"x": 1}, 300)
    assert (record["missed"], record["type"], record["is_enabled"]) == ("skip", "t", True)
    assert cli("remove-schedule", "poll").out == "schedule poll is removed\n"
    assert cli("schedules").err.startswith("no schedules; add one")


def test_it_is_put_while_somebody_is_there(cli: Cli, workspace: Path) -> None:
    cli("add-schedule", "soon", "work", "tick", "--every", "1s", "--header", "Lang=de")

    with Workspace(workspace) as opened:
        opened.attend()
        wait_until(lambda: opened.counts("work").ready >= 2)
        message = opened.queue("work").get()

    assert (message.payload, message.headers["Lang"], message.headers["Schedule"]) == ("tick", "de", "soon")


def test_a_payload_may_be_left_out_or_come_on_standard_input(cli: Cli) -> None:
    cli("add-schedule", "a", "work", "--cron", "0 3 * * *")
    cli("add-schedule", "b", "work", "-", "--cron", "0 3 * * *", "--as", "bytes", stdin=b"\xff")

    first, second = cli("schedules", "--json").json

    assert (first["payload"], second["payload_base64"]) == (None, "/w==")


def test_the_next_runs_are_shown_with_what_daylight_saving_does(cli: Cli) -> None:
    cli("add-schedule", "daily", "work", "--cron", "0 7 * * *", "--timezone", "Europe/Berlin")

    assert cli("schedules", "daily").out.count(" 07:00:00") == 10
    assert len(cli("schedules", "daily", "--next", "400", "--json").json) == 400
    notes = {one["note"] for one in cli("schedules", "daily", "--next", "400", "--json").json}
    assert "the clocks go forward by 1 h before it" in notes
    assert cli("schedules", "nobody").code == 3


def test_an_expression_can_be_tried_without_a_workspace(cli: Cli, workspace: Path) -> None:
    runs = cli("schedules", "--cron", "30 12 * * 1", "--timezone", "Asia/Tokyo", "--next", "3", "--json").json

    assert [one["at"][11:] for one in runs] == ["12:30:00+09:00"] * 3
    assert not workspace.exists()
    assert cli("schedules", "--cron", "no").code == 2


def test_it_rests_and_goes_on(cli: Cli) -> None:
    cli("add-schedule", "poll", "work", "--every", "5m", "--disabled")
    assert "disabled" in cli("schedules").out

    assert "goes on; next run:" in cli("enable-schedule", "poll").out
    assert cli("disable-schedule", "poll").out == "schedule poll rests\n"

    assert cli("schedules", "--json").json[0]["next_at"] is None


def test_a_run_now_prints_the_id(cli: Cli) -> None:
    cli("add-schedule", "poll", "work", "now", "--cron", "0 3 * * *", "--key", "k")

    message_id = int(cli("run-schedule", "poll").out)

    assert cli("show", message_id, "--json").json["payload"] == "now"
    assert cli("run-schedule", "poll").code == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add-schedule", "a", "work"], 2),
        (["add-schedule", "a", "work", "--every", "5m", "--cron", "* * * * *"], 2),
        (["add-schedule", "a", "work", "--cron", "* * * *"], 2),
        (["add-schedule", "a", "work", "--cron", "* * * * *", "--timezone", "Mars"], 2),
        (["add-schedule", "a", "work", "--every", "100ms"], 2),
        (["add-schedule", "poll", "work", "--every", "5m"], 2),
        (["schedules", "--timezone", "UTC"], 2),
        (["remove-schedule", "nobody"], 3),
        (["enable-schedule", "nobody"], 3),
        (["run-schedule", "nobody"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line(cli: Cli, words: list[str], code: int) -> None:
    cli("add-schedule", "poll", "work", "--every", "5m")

    done = cli(*words)

    assert (done.code, done.out) == (code, "")
    assert "error: " in done.err.splitlines()[-1]
    assert len(cli("schedules", "--json").json) == 1


def test_what_was_done_can_be_undone(cli: Cli) -> None:
    cli("add-schedule", "poll", "work", "--every", "5m")
    activity = cli("activity", "--json").json[0]
    assert activity["action"] == "add-schedule"

    assert cli("undo", activity["id"]).code == 0

    assert cli("schedules", "--json").json == []


def test_schedules_of_no_workspace_make_none(cli: Cli, workspace: Path) -> None:
    assert cli("schedules").code == 3
    assert cli("remove-schedule", "a").code == 3
    assert not workspace.exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--every", "30d12h", "--missed", "all", "--type", "it's", "--priority", "-3", "--key", "k", "--group", "g"),
        ("--every", "2500ms", "--max-attempts", "7", "--header", "A=b c", "--header", "B=d=e", "--disabled"),
        ("--cron", "0 3 * * 1", "--timezone", "Asia/Kolkata", "--type", "-x"),
    ],
)
def test_the_activity_tells_all_that_was_given(cli: Cli, tmp_path: Path, options: tuple[str, ...]) -> None:
    cli("add-schedule", "poll", "work", "--as", "text", "-", *options, stdin=b'{"x": 1}')
    command = cli("activity", "--json").json[0]["command"]

    again = cli("-w", tmp_path / "other", *shlex.split(command)[1:], "--as", "text", stdin=b'{"x": 1}')

    assert again.code == 0, again.err
    [first], [second] = (cli(*place, "schedules", "--json").json for place in ((), ("-w", tmp_path / "other")))
    for name in ("created_at", "next_at", "last_at", "last_message_id"):
        first.pop(name), second.pop(name)
    assert first == second


def test_the_activity_tells_no_payload_and_no_secret(cli: Cli) -> None:
    cli("add-schedule", "poll", "work", "geheim", "--every", "5m", "--header", "Api-Token=hunter2")

    [one] = cli("activity", "--json").json

    assert "geheim" not in one["command"]
    assert "hunter2" not in one["command"]
    assert "Api-Token=" in one["command"]


def test_a_long_duration_is_written_as_it_is_read(cli: Cli) -> None:
    cli("put", "q", "x")
    cli("configure", "q", "--keep-completed", "90d", "--rate", "100/1h30m")
    command = cli("activity", "--json").json[0]["command"]

    assert "7776000s" in command
    assert cli(*shlex.split(command)[1:]).code == 0


def test_secrets_are_hidden_in_every_form_of_the_list(cli: Cli) -> None:
    payload = '{"to": "ada", "password": "hunter2", "deep": [{"api_key": "hunter2"}]}'
    added = cli("add-schedule", "s", "q", payload, "--every", "1h", "--header", "X-Api-Key=hunter2", "--json")

    for shown in (added, cli("schedules"), cli("schedules", "--json"), cli("activity"), cli("activity", "--json")):
        assert shown.code == 0
        assert "hunter2" not in shown.out + shown.err
    assert cli("schedules", "--json").json[0]["payload"]["to"] == "ada"
    assert cli("schedules", "--json", "--no-mask").json[0]["headers"] == {"X-Api-Key": "hunter2"}


def test_secrets_in_the_commands_of_workers_are_hidden(cli: Cli) -> None:
    cli("add-worker", "w", "--no-start", "--", "mail", "--password=hunter2", "--to=ada")

    for words in (("workers",), ("workers", "--json"), ("watch", "--json"), ("watch",)):
        shown = cli(*words)
        assert shown.code == 0, shown.err
        assert "hunter2" not in shown.out + shown.err
        if "--json" in words or words == ("workers",):
            assert "--to=ada" in shown.out
