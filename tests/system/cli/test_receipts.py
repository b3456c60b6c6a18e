"""`get`, `ack`, `nack`, `release`: a queue for shell scripts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pqdesk import Workspace
from tests.programs import PQDESK, run
from tests.system.cli.conftest import Cli

Put = Callable[..., int]


def test_get_prints_the_message_in_one_line_with_its_receipt(cli: Cli, put: Put) -> None:
    message_id = put("q", '{"a": "\\n"}', "--type", "t", "--header", "H=v")

    done = cli("get", "q")

    assert done.out.count("\n") == 1
    taken = done.json
    assert (taken["id"], taken["payload"], taken["headers"], taken["attempt"]) == (
        message_id,
        {"a": "\n"},
        {"H": "v"},
        1,
    )
    assert 290 < taken["lease_remaining"] <= 300
    assert cli("show", message_id, "--json").json["state"] == "running"


def test_bytes_are_base64(cli: Cli) -> None:
    cli("put", "q", "--as", "bytes", stdin=b"\x00\xff")

    assert cli("get", "q").json["payload_base64"] == "AP8="


def test_an_empty_queue_is_exit_3(cli: Cli, put: Put) -> None:
    put("other", "1")

    done = cli("get", "q")

    assert (done.code, done.err) == (3, "pqdesk: error: no message is ready in queue 'q'\n")


def test_waiting_ends_after_its_time(cli: Cli, put: Put) -> None:
    put("other", "1")

    done = cli("get", "q", "--wait", "50ms")

    assert (done.code, done.err) == (3, "pqdesk: error: no message is ready in queue 'q' after 50 ms\n")


@pytest.mark.parametrize("words", [[], ["--wait", "50ms"]], ids=["at once", "waiting"])
def test_a_paused_queue_is_exit_4(cli: Cli, put: Put, words: list[str]) -> None:
    put("q", "1")
    cli("pause", "q")

    done = cli("get", "q", *words)

    assert done.code == 4
    assert "pqdesk resume q" in done.err
    cli("resume", "q")
    assert cli("get", "q").code == 0


def test_ack_completes_with_the_result(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")
    receipt = cli("get", "q").json["receipt"]

    assert cli("ack", receipt, "--result", '{"sent": true}').code == 0

    shown = cli("show", message_id, "--json").json
    assert (shown["state"], shown["result"]) == ("completed", {"sent": True})


def test_a_result_may_come_on_standard_input(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")
    receipt = cli("get", "q").json["receipt"]

    cli("ack", receipt, "--result", "-", "--as", "text", stdin=b"12")

    assert cli("show", message_id, "--json").json["result"] == "12"


def test_a_receipt_is_good_once(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")
    receipt = cli("get", "q").json["receipt"]
    cli("ack", receipt)

    for words in (["ack", receipt], ["nack", receipt], ["release", receipt]):
        done = cli(*words)
        assert done.code == 4
        assert f"message {message_id}" in done.err


def test_nack_tells_the_error_and_tries_again(cli: Cli, put: Put) -> None:
    message_id = put("q", "x")

    cli("nack", cli("get", "q").json["receipt"], "--error", "no route", "--delay", "1h")

    shown = cli("show", message_id, "--json").json
    assert (shown["state"], shown["error"], shown["attempt"]) == ("retrying", "no route", 1)


def test_nack_of_the_last_attempt_fails(cli: Cli, put: Put) -> None:
    message_id = put("q", "x", "--max-attempts", "1")

    cli("nack", cli("get", "q").json["receipt"])

    assert cli("show", message_id, "--json").json["state"] == "failed"


def test_release_does_not_count(cli: Cli, put: Put) -> None:
    put("q", "x")

    cli("release", cli("get", "q").json["receipt"])

    assert cli("get", "q").json["attempt"] == 1


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_a_message_whose_receipt_nobody_could_read_is_given_back(cli: Cli, put: Put, redirection: str) -> None:
    put("q", "x")

    assert run("bash", "-c", f"pqdesk get q {redirection}", check=False).returncode == 1

    assert cli("get", "q").json["attempt"] == 1


def test_a_message_of_a_killed_get_stays_taken(cli: Cli, put: Put) -> None:
    """A detached lease has no process."""
    message_id = put("q", "x")
    receipt = run("pqdesk", "get", "q").stdout.split('"receipt": "')[1].split('"')[0]

    assert cli("get", "q").code == 3
    assert cli("ack", receipt).code == 0
    assert cli("show", message_id, "--json").json["state"] == "completed"


def test_by_its_receipt_a_message_is_extended_put_off_and_failed(cli: Cli, put: Put) -> None:
    first, second = put("q", "1"), put("q", "2")
    receipt, other = cli("get", "q", "--lease", "1s").json["receipt"], cli("get", "q").json["receipt"]

    assert cli("extend", receipt, "--lease", "1h").code == 0
    assert cli("release", receipt, "--delay", "1h").code == 0
    assert cli("fail", other, "--error", "no such address").code == 0

    assert cli("show", first, "--json").json["state"] == "scheduled"
    shown = cli("show", second, "--json").json
    assert (shown["state"], shown["error_text"]) == ("failed", "no such address")
    assert [cli(name, receipt).code for name in ("extend", "fail")] == [4, 4]
    assert cli("change", first, "--delay", "0", "--priority", "3", "--json").json["done"] == 1
    assert cli("get", "q").json["priority"] == 3
    assert cli("change", first).code == 2


def test_all_queues_are_paused_and_go_on(cli: Cli, put: Put) -> None:
    put("a", "1")
    put("b", "1")

    assert cli("pause", "--all").out == "all queues are paused\n"
    assert [one["is_paused"] for one in cli("queues", "--json").json] == [True, True]
    assert cli("resume", "--all").out == "all queues go on\n"
    assert cli("get", "b").code == 0
    assert [cli(*words).code for words in (["pause"], ["resume", "a", "--all"])] == [2, 2]


def test_queues_have_one_for_what_failed_and_are_removed_when_they_are_empty(cli: Cli, put: Put) -> None:
    first = put("q", "1")
    assert cli("configure", "q", "--failed-to", "dead", "--json").json["failed_to"] == "dead"
    cli("fail", cli("get", "q").json["receipt"])

    assert cli("get", "dead").json["id"] == first
    assert cli("remove-queue", "dead").code == 2
    assert cli("remove-queue", "q").out == "queue q is removed\n"
    assert [one["name"] for one in cli("queues", "--json").json] == ["dead"]
    assert cli("remove-queue", "q").code == 3
    assert cli("put", "q", "x", "--key", "k", "--unique-for", "1h").code == 0
    cli("ack", cli("get", "q").json["receipt"])
    assert cli("put", "q", "x", "--key", "k").code == 4


@pytest.mark.parametrize("form", [(), ("--payload",), ("--shell",)])
@pytest.mark.parametrize("settle", ["ack", "nack", "release"])
def test_what_get_printed_is_settled_from_standard_input(
    cli: Cli, put: Put, form: tuple[str, ...], settle: str
) -> None:
    message_id = put("q", '{"receipt": "not this", "x": "a\'b\\nc"}')
    got = cli("get", "q", *form)

    later = ("--delay", "1h") if settle == "nack" else ()
    done = cli(settle, "-", *later, stdin=(got.err if form == ("--payload",) else got.out).encode())

    assert done.code == 0, done.err
    states = {"ack": "completed", "nack": "retrying", "release": "ready"}
    assert cli("show", message_id, "--json").json["state"] == states[settle]


def test_a_bare_receipt_is_one_too_and_anything_else_is_refused(cli: Cli, put: Put) -> None:
    put("q", "x")
    receipt = cli("get", "q").json["receipt"]

    for wrong in (b"", b"{}", b"[1]", b"{'receipt", b"a b c", b'{"receipt": 1}', b"'"):
        refused = cli("ack", "-", stdin=wrong)
        assert (refused.code, "no receipt" in refused.err) == (2, True)
    assert cli("ack", "-", stdin=f"{receipt}\n".encode()).code == 0


@pytest.mark.parametrize("payload", ["plain", "a'b\"c $HOME `id`\nnext\\n", '{"a":[1,"ä"]}', "-n", "x\r\n\ttab "])
def test_a_shell_reads_the_message_exactly(workspace: Path, payload: str) -> None:
    with Workspace(workspace) as opened:
        opened.queue("q").put(payload, type="it's", headers={"My-Name": "a b;c"})

    code = 'eval "$("$0" get q --shell)"; printf "%s|%s|%s" "$PQDESK_PAYLOAD" "$PQDESK_TYPE" "$PQDESK_HEADER_MY_NAME"'
    shown = subprocess.run(["sh", "-c", code, PQDESK], capture_output=True, check=True).stdout

    assert shown == f"{payload}|it's|a b;c".encode()


def test_the_payload_alone_is_the_payload_as_it_is(cli: Cli, put: Put, workspace: Path) -> None:
    with Workspace(workspace) as opened:
        for payload in (b"\x00\xff\n", "text\n", {"a": 1}):
            opened.queue("q").put(payload)

    got = [subprocess.run([PQDESK, "get", "q", "--payload"], capture_output=True, check=True).stdout for _ in range(3)]
    with Workspace(workspace) as opened:
        opened.queue("q").put(b"\x00\xff")
    shell = cli("get", "q", "--shell").out

    assert got == [b"\x00\xff\n", b"text\n", b'{"a":1}']
    assert "PQDESK_PAYLOAD_BASE64=AP8=\n" in shell
