"""`move`, `edit`, `duplicate`, `purge`, `trash`, `activity`, `undo`, `look-only`; and filters on all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pqdesk.cli import progress
from tests.system.cli.conftest import Cli
from tests.system.cli.terminals import Terminal
from tests.system.cli.test_looking import fail

Put = Callable[..., int]


def ready(cli: Cli, queue: str) -> int:
    found = {one["name"]: one["counts"]["ready"] for one in cli("queues", "--json").json}
    return int(found.get(queue, 0))


def test_a_move_by_ids_and_by_filter(cli: Cli, put: Put) -> None:
    first = put("q", "1", "--type", "t")
    put("q", "2", "--type", "t")
    put("q", "3")

    assert cli("move", first, "--to", "other").out == "1 message in queue other\n"
    assert cli("move", "--queue", "q", "--type", "t", "--to", "other", "--json").json["done"] == 1

    assert (ready(cli, "q"), ready(cli, "other")) == (1, 2)


def test_a_move_without_target_is_wrong_usage(cli: Cli, put: Put) -> None:
    assert cli("move", put("q", "1")).code == 2


def test_what_is_skipped_is_told_with_its_reason(cli: Cli, put: Put) -> None:
    ids = [put("q", "1"), put("q", "2")]
    cli("get", "q")

    done = cli("cancel", *ids, 99)
    assert done.code == 1
    assert "there is no message 99" in done.err
    moved = cli("move", *ids, "--to", "other")
    assert moved.out == "1 message in queue other; 1 left as it is (running)\n"
    assert moved.code == 0


@pytest.mark.parametrize("action", ["retry", "cancel", "delete", "run-now", "move", "duplicate", "edit", "restore"])
def test_every_action_takes_ids_or_a_filter(cli: Cli, put: Put, action: str) -> None:
    put("q", '{"n": 1}', "--type", "t")
    rest = {"move": ["--to", "x"], "edit": ["new"]}.get(action, [])

    for words in (
        ["1"],
        ["--queue", "q"],
        ["--state", "ready,failed"],
        ["--type", "t"],
        ["--where", "payload.n:1"],
        ["--search", "n"],
    ):
        done = cli(action, *words, *rest, "--dry-run")
        assert done.code == 0, done.err
        assert "would be" in done.out
    assert cli(action, "1", "--state", "failed", *rest).code == 2
    assert cli(action, *([] if action == "edit" else rest)).code == 2
    assert cli(action, "--where", "", *rest).code == 2
    assert cli("activity").err == "nothing was done yet\n"


def test_edit_takes_the_payload_as_a_word_or_on_standard_input(cli: Cli, put: Put) -> None:
    first, second = put("q", '{"a": 1}'), put("q", "x")

    assert cli("edit", first, '{"a": 2}').out == "1 message edited\n"
    assert cli("edit", second, stdin=b"from a pipe\n").code == 0
    assert cli("edit", second, "-", "--as", "bytes", stdin=b"\xff").code == 0

    assert cli("show", first, "--json").json["payload"] == {"a": 2}
    assert cli("show", first, "--json").json["version"] == 2
    assert cli("show", second, "--json").json["payload_base64"] == "/w=="
    assert cli("show", second, "--json").json["version"] == 3


def test_edit_and_retry_of_what_matches(cli: Cli, put: Put) -> None:
    for number in range(3):
        put("q", number, "--max-attempts", "1")
        fail(cli, "q")

    assert cli("edit", "--queue", "q", "--state", "failed", '"mended"').out == "3 messages edited\n"
    assert cli("retry", "--queue", "q", "--state", "failed").out == "3 messages back to ready\n"

    assert cli("get", "q").json["payload"] == "mended"


def test_duplicate_prints_the_new_ids(cli: Cli, put: Put) -> None:
    first = put("q", "1")

    done = cli("duplicate", first)

    assert (done.out, done.err) == ("2\n", "1 message copied\n")
    assert cli("duplicate", first, "--json").json["new_ids"] == [3]
    assert cli("show", 2, "--json").json["copy_of"] == first
    assert cli("duplicate", first, "--payload", "-", stdin=b'{"n": 2}').out == "4\n"
    assert cli("show", 4, "--json").json["payload"] == {"n": 2}
    assert cli("activity", "--json").json[0]["command"] == f"pqdesk duplicate {first} --payload -"


def test_purge_wants_yes_where_nobody_can_be_asked(cli: Cli, put: Put) -> None:
    put("q", "1")
    refused = cli("purge", "q")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert ready(cli, "q") == 1

    assert cli("purge", "q", "--dry-run").out == "1 message would be purged\n"
    assert cli("purge", "q", "--yes").out == "1 message purged\n"

    assert ready(cli, "q") == 0
    assert cli("undo", "1").out == "1 change put back\n"
    assert ready(cli, "q") == 1


def test_the_trash_is_listed_restored_and_emptied(cli: Cli, put: Put) -> None:
    ids = [put("q", number, "--type", "t") for number in range(3)]
    assert cli("trash").err == "the trash is empty\n"
    cli("delete", *ids)

    assert [one["id"] for one in cli("trash", "--json").json] == [3, 2, 1]
    assert cli("trash", "--limit", "1").out.splitlines()[1].split()[0] == "3"
    assert cli("restore", "--type", "t", "--dry-run").out == "3 messages would be restored\n"
    assert cli("restore", ids[0]).code == 0
    assert cli("trash", "--empty").code == 2
    assert cli("trash", ids[1], "--empty", "--yes").out == "1 message deleted for good\n"
    assert cli("trash", "--empty", "--yes").out == "1 message deleted for good\n"

    assert cli("trash", "--json").json == []
    assert cli("show", ids[1]).code == 3
    assert put("q", "new") == 4


def test_the_activity_tells_what_was_done_and_undo_takes_it_back(cli: Cli, put: Put) -> None:
    first = put("q", "1")
    cli("cancel", "--queue", "q", "--where", "payload:1")
    cli("pause", "q")
    cli("configure", "q", "--lease", "2m")

    records = cli("activity", "--json").json
    assert [one["command"] for one in records] == [
        "pqdesk configure q --lease 120s",
        "pqdesk pause q",
        "pqdesk cancel --queue q --where payload:1",
    ]
    assert all(one["actor"].endswith(" cli") for one in records)
    for number in (3, 2, 1):
        assert cli("undo", number).out == "1 change put back\n"

    assert cli("show", first, "--json").json["state"] == "ready"
    assert cli("configure", "q", "--json").json["lease"] is None
    again = cli("undo", "1")
    assert again.code == 2
    assert "activity 6 has undone it" in again.err
    assert cli("undo", "99").code == 3
    assert "undone by 6" in cli("activity").out


def test_the_commands_of_the_activity_do_the_same_again(cli: Cli, put: Put) -> None:
    import shlex

    for _ in range(2):
        put("a b", '{"q": "it\'s \\"x\\""}', "--type", "t t")
    cli("move", "--where", 'queue:"a b" "it\'s"', "--type", "t t", "--to", "new one", "--dry-run")
    cli("move", "--where", 'queue:"a b" "it\'s"', "--type", "t t", "--to", "new one")
    command = cli("activity", "--json").json[0]["command"]
    cli("undo", "1")
    assert ready(cli, "a b") == 2

    assert cli(*shlex.split(command)[1:]).code == 0

    assert ready(cli, "new one") == 2


def test_look_only_refuses_what_people_do_and_lets_work_go_on(cli: Cli, put: Put, workspace: Path) -> None:
    put("q", "1")
    assert cli("look-only", "--json").json == {"look_only": False}
    assert cli("look-only", "on").out == "people may only look; work goes on\n"

    for words in (
        ["put", "q", "2"],
        ["cancel", "1"],
        ["purge", "q", "--yes"],
        ["trash", "--empty", "--yes"],
        ["pause", "q"],
        ["configure", "q", "--lease", "5s"],
        ["undo", "1"],
    ):
        done = cli(*words)
        assert done.code == 4, words
        assert "look-only off" in done.err
        assert len(done.err.splitlines()) == 1
    assert cli("cancel", "1", "--dry-run").code == 0
    assert cli("produce", "q", "--", "echo", "produced").code == 0
    taken = cli("get", "q").json
    assert cli("ack", taken["receipt"]).code == 0
    assert cli("look-only", "off").code == 0

    assert cli("show", "2", "--json").json["payload"] == "produced"
    assert put("q", "3") == 3


@pytest.mark.parametrize("command", ["activity", "trash", "look-only"])
def test_looking_makes_no_workspace(cli: Cli, workspace: Path, command: str) -> None:
    assert cli(command).code == 3

    assert not workspace.exists()


def test_purge_asks_a_terminal_for_the_name_of_the_queue(cli: Cli, put: Put, workspace: Path) -> None:
    put("work", "1")
    cli("get", "work")
    put("work", "2")

    with Terminal("pqdesk", "-w", workspace, "purge", "work") as terminal:
        asked = terminal.read_until("to purge it")
        terminal.type("wrong\n")
        assert terminal.wait() == 4
    assert "1 ready, 1 running (left as they are)" in asked
    assert ready(cli, "work") == 1
    with Terminal("pqdesk", "-w", workspace, "purge", "work") as terminal:
        terminal.read_until("to purge it")
        terminal.type("work\n")
        terminal.read_until("undo 1")
        assert terminal.wait() == 0

    assert ready(cli, "work") == 0


def test_emptying_the_trash_asks_a_terminal_and_no_is_the_default(cli: Cli, put: Put, workspace: Path) -> None:
    cli("delete", put("q", "1"))

    with Terminal("pqdesk", "-w", workspace, "trash", "--empty") as terminal:
        terminal.read_until("cannot be undone")
        terminal.type("\n")
        assert terminal.wait() == 4

    assert len(cli("trash", "--json").json) == 1


def test_many_are_counted_on_a_terminal_and_ctrl_c_tells_what_is_done(
    cli: Cli, put: Put, workspace: Path, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_text("x\n" * 3000)
    cli("put", "q", "--lines", lines)

    with Terminal("pqdesk", "-w", workspace, "cancel", "--queue", "q") as terminal:
        terminal.read_until("3,000 messages cancelled; undo: pqdesk -w")
        assert terminal.wait() == 0

    assert cli("undo", "1").out == "3,000 changes put back\n"


def test_an_interrupted_action_says_what_is_done(
    cli: Cli, put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_text("x\n" * 2000)
    cli("put", "q", "--lines", lines)

    def interrupt(self: progress.Counter, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Counter, "show", interrupt)
    done = cli("cancel", "--queue", "q")

    assert done.code == 130
    assert "1,000 messages cancelled before that; see: pqdesk activity" in done.err
    assert ready(cli, "q") == 1000
