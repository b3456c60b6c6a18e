"""`queues`, `messages`, `show`, and what operators do to messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.cli.conftest import Cli

Put = Callable[..., int]


def fail(cli: Cli, queue: str) -> int:
    """Fail the next message of the queue for good; its id."""
    message = cli("get", queue).json
    cli("nack", message["receipt"], "--error", "boom")
    return int(message["id"])


def test_queues_count_their_messages(cli: Cli, put: Put) -> None:
    put("b", "1")
    put("a", "1", "--delay", "1h")
    cli("pause", "b")

    assert [(one["name"], one["is_paused"], one["counts"]["ready"]) for one in cli("queues", "--json").json] == [
        ("a", False, 0),
        ("b", True, 1),
    ]
    assert cli("queues").out.splitlines()[2].split()[:9] == ["b", "(paused)", "0", "1", "0", "0", "0", "0", "0"]


def test_messages_are_newest_first_and_come_in_pages(cli: Cli, put: Put) -> None:
    for number in range(5):
        put("q", number)

    first = cli("messages", "q", "--limit", "2")
    assert [line.split()[0] for line in first.out.splitlines()[1:]] == ["5", "4"]
    assert "--before 4" in first.err
    assert [one["id"] for one in cli("messages", "q", "--before", "4", "--json").json] == [3, 2, 1]


def test_a_long_list_is_read_to_its_limit(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_text("".join(f"{number}\n" for number in range(2500)))
    cli("put", "many", "--lines", path)

    assert len(cli("messages", "many", "--limit", "2100", "--json").json) == 2100


def test_messages_of_all_queues_name_them(cli: Cli, put: Put) -> None:
    put("first", "1")
    put("second", "1")

    rows = [line.split() for line in cli("messages").out.splitlines()]
    assert [row[1] for row in rows] == ["Queue", "second", "first"]


@pytest.mark.parametrize(
    "words",
    [
        ["--state", "failed"],
        ["--state", "failed,cancelled"],
        ["--type", "mail"],
        ["--search", "needle"],
        ["--where", "type:mail needle"],
        ["--where", "needle", "--state", "failed"],
    ],
    ids=" ".join,
)
def test_filters(cli: Cli, put: Put, words: list[str]) -> None:
    wanted = put("q", "a needle", "--type", "mail", "--max-attempts", "1")
    fail(cli, "q")
    put("q", "hay", "--type", "other")

    assert [one["id"] for one in cli("messages", "q", *words, "--json").json] == [wanted]


def test_an_unknown_queue_is_exit_3(cli: Cli, put: Put) -> None:
    put("q", "1")

    done = cli("messages", "nope")

    assert (done.code, done.err) == (3, "pqdesk: error: there is no queue 'nope'; see: pqdesk queues\n")


def test_show_tells_all_of_a_failed_message(cli: Cli, put: Put) -> None:
    message_id = put("q", '{"a": "\\u202e\\u001b"}', "--max-attempts", "1", "--key", "k")
    fail(cli, "q")

    shown = cli("show", message_id)

    for part in ("failed", "1 of 1", '"a": "\\u202e\\u001b"', "boom", "nacked"):
        assert part in shown.out
    assert "\x1b" not in shown.out
    attempts = cli("show", message_id, "--json").json["attempts"]
    assert [(one["attempt"], one["outcome"], one["error"]) for one in attempts] == [(1, "nacked", "boom")]


def test_an_unknown_id_is_exit_3(cli: Cli, put: Put) -> None:
    put("q", "1")

    assert cli("show", 99).code == 3


def test_retry_by_id_and_by_filter(cli: Cli, put: Put) -> None:
    put("q", "1", "--max-attempts", "1")
    put("q", "2", "--max-attempts", "1")
    first, _second = fail(cli, "q"), fail(cli, "q")

    assert cli("retry", "--queue", "q", "--state", "failed", "--dry-run").out == "2 messages would be back to ready\n"
    assert cli("retry", first).out == "1 message back to ready\n"
    retried = cli("retry", "--where", "state:failed", "--json").json
    assert (retried["done"], retried["skipped"], retried["errors"]) == (1, 0, [])
    assert cli("retry", "--queue", "q", "--state", "failed").out == "0 messages back to ready\n"
    assert cli("queues", "--json").json[0]["counts"]["ready"] == 2


def test_ids_may_come_on_standard_input(cli: Cli, put: Put) -> None:
    ids = [put("q", number, "--delay", "1h") for number in range(3)]

    done = cli("run-now", "-", stdin=f"{ids[0]}\n{ids[2]}\n".encode())

    assert done.out == "2 messages ready now\n"
    assert cli("show", ids[1], "--json").json["state"] == "scheduled"


def test_no_ids_on_standard_input_are_none(cli: Cli, put: Put) -> None:
    put("q", 1)

    assert cli("delete", "-", stdin=b"").out == "0 messages in the trash\n"


def test_delete_restore_and_cancel(cli: Cli, put: Put) -> None:
    message_id = put("q", "1")

    assert cli("delete", message_id).out == "1 message in the trash\n"
    assert "in the trash" in cli("show", message_id).out
    assert cli("restore", message_id).out == "1 message restored\n"
    assert cli("cancel", message_id).out == "1 message cancelled\n"
    assert cli("show", message_id, "--json").json["state"] == "cancelled"


def test_what_cannot_be_done_is_left_and_told(cli: Cli, put: Put) -> None:
    message_id = put("q", "1")
    cli("get", "q")

    done = cli("delete", message_id)

    assert done.code == 0
    assert done.out == "0 messages in the trash; 1 left as it is (running)\n"


def test_limits_are_configured_as_the_activity_writes_them(cli: Cli) -> None:
    cli("configure", "q", "--concurrency", "8", "--group-concurrency", "2", "--rate", "100/1m", "--max-size", "1000")

    stored = cli("configure", "q", "--json").json
    assert (stored["concurrency"], stored["group_concurrency"], stored["max_size"]) == (8, 2, 1000)
    assert stored["rate"] == [100, 60]
    assert "100 in 1 min 00 s" in cli("configure", "q").out
    command = cli("activity", "--json").json[0]["command"]
    assert cli(*command.split()[1:], "--json").json == stored
    assert cli("configure", "q", "--rate", "default", "--json").json["rate"] is None
    assert cli("configure", "q", "--rate", "100").code == 2


def test_configure_stores_shows_and_takes_back(cli: Cli) -> None:
    cli("configure", "q", "--lease", "2m", "--max-attempts", "3", "--backoff", "fixed:30", "--keep-failed", "3d")

    stored = cli("configure", "q", "--json").json
    assert (stored["lease"], stored["max_attempts"], stored["backoff"], stored["timeout"]) == (120, 3, "fixed:30", None)
    assert "2 min 00 s" in cli("configure", "q").out
    assert cli("configure", "q", "--lease", "default", "--json").json["lease"] is None
