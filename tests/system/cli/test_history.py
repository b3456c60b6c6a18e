"""`why`, `errors`, `metrics`, and lists in other orders."""

from __future__ import annotations

from collections.abc import Callable

from tests.system.cli.conftest import Cli

Put = Callable[..., int]


def fail(cli: Cli, queue: str, error: str) -> int:
    """Fail the next message of the queue for good; its id."""
    message = cli("get", queue).json
    cli("nack", message["receipt"], "--error", error)
    return int(message["id"])


def test_why_says_one_line_per_reason(cli: Cli, put: Put) -> None:
    put("q", "1")
    put("q", "2", "--delay", "1h")
    cli("pause", "q")

    assert cli("why", 1).out.splitlines() == [
        "Queue 'q' is paused. Resume it.",
        "Nothing takes messages from queue 'q' now. Start a worker for it.",
    ]
    assert cli("why", 2).out.startswith("Message 2 is due in ")
    found = cli("why", 1, "--json").json
    assert [one["kind"] for one in found] == ["paused", "no_worker"]
    assert found[0]["text"] == "Queue 'q' is paused. Resume it."


def test_why_of_a_message_that_is_not_there_is_not_found(cli: Cli, put: Put) -> None:
    put("q", "1")

    done = cli("why", 99)

    assert (done.code, done.out) == (3, "")
    assert "there is no message 99" in done.err


def test_errors_are_listed_by_kind_and_lead_to_their_messages(cli: Cli, put: Put) -> None:
    for number in range(3):
        put("q", number, "--max-attempts", "1")
        fail(cli, "q", f"host {number} refused")
    put("q", "x", "--max-attempts", "1")
    other = fail(cli, "q", "no such file")

    table = cli("errors")
    assert [line.split()[:3] for line in table.out.splitlines()[1:]] == [["#2", "q", "1"], ["#1", "q", "3"]]
    assert "--where error:#2" in table.err
    assert [one["count"] for one in cli("errors", "q", "--json").json] == [1, 3]
    assert [one["id"] for one in cli("messages", "--where", "error:#2", "--json").json] == [other]
    assert cli("retry", "--where", "error:#1 state:failed", "--json").json["done"] == 3


def test_an_error_free_queue_says_so(cli: Cli, put: Put) -> None:
    put("q", "1")

    assert "no errors" in cli("errors").err
    assert cli("errors", "nope").code == 3


def test_metrics_tell_what_happened(cli: Cli, put: Put) -> None:
    for number in range(3):
        put("q", number)
    message = cli("get", "q").json
    cli("ack", message["receipt"])

    rows = cli("metrics", "q", "--json").json
    assert sum(one["put"] for one in rows) == 3
    assert sum(one["completed"] for one in rows) == 1
    assert rows[-1]["ran"]["p50_s"] is not None
    assert cli("metrics").out.splitlines()[0].split()[:5] == ["From", "Put", "Completed", "Failed", "Retried"]
    assert "step must be whole minutes" in cli("metrics", "--step", "90s").err
    assert "nothing happened within" in cli("metrics", "q", "--type", "none").err


def test_queues_tell_the_age_of_the_oldest_and_what_comes_and_goes(cli: Cli, put: Put) -> None:
    put("q", "1")

    one = cli("queues", "--json").json[0]
    assert one["oldest_ready_at"] is not None
    assert one["put_per_minute"] == 1, "of the last minute"
    assert one["completed_per_minute"] == 0
    assert cli("queues").out.splitlines()[0].split()[-4:] == ["Oldest", "ready", "In/min", "Status"]


def test_messages_come_in_other_orders(cli: Cli, put: Put) -> None:
    for priority in (0, 9, -1, 9):
        put("q", "x", "--priority", priority)
    put("q", "y", "--delay", "2h")
    put("q", "y", "--delay", "1h")

    by_priority = cli("messages", "q", "--state", "ready", "--sort", "priority", "--json").json
    assert [one["id"] for one in by_priority] == [2, 4, 1, 3]
    by_due = cli("messages", "--where", "state:scheduled", "--sort", "due", "--ascending", "--json").json
    assert [one["id"] for one in by_due] == [6, 5]
    assert [one["id"] for one in cli("messages", "--sort", "id", "--ascending", "--limit", 2, "--json").json] == [1, 2]
    assert cli("messages", "--sort", "colour").code == 2


def test_a_filter_names_the_term_that_is_wrong(cli: Cli, put: Put) -> None:
    put("q", '{"to": {"name": "ada"}}')
    put("q", '{"to": {"name": "bob"}}')

    assert [one["id"] for one in cli("messages", "--where", "-payload.to.name:ada", "--json").json] == [2]
    done = cli("messages", "--where", "attempts:many")
    assert (done.code, done.out) == (2, "")
    assert "filter term 'attempts:many'" in done.err
