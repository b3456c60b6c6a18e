"""`put`: one message, or one per line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import PQDESK, environment_with_programs, run
from tests.support import wait_until
from tests.system.cli.conftest import Cli

Put = Callable[..., int]


def test_it_prints_the_id(cli: Cli) -> None:
    assert [cli("put", "q", "a").out, cli("put", "q", "b", "--json").out] == ["1\n", '{"id": 2}\n']


def test_all_options_arrive(cli: Cli, put: Put) -> None:
    message_id = put(
        *("q", '{"to": "ada"}', "--type", "mail", "--priority", "-3", "--key", "k", "--group", "g"),
        *("--max-attempts", "9", "--header", "Trace-Id=a=b", "--header", "Lang=de"),
    )

    shown = cli("show", message_id, "--json").json
    expected = {
        "payload": {"to": "ada"},
        "type": "mail",
        "priority": -3,
        "key": "k",
        "group": "g",
        "max_attempts": 9,
        "headers": {"Trace-Id": "a=b", "Lang": "de"},
        "state": "ready",
    }
    assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize("words", [["--delay", "1h"], ["--at", "2999-01-01T00:00"]], ids=lambda words: words[0])
def test_what_is_due_later_is_scheduled(cli: Cli, put: Put, words: list[str]) -> None:
    assert cli("show", put("q", "x", *words), "--json").json["state"] == "scheduled"


def test_delay_and_at_exclude_each_other(cli: Cli) -> None:
    assert cli("put", "q", "x", "--delay", "1h", "--at", "2999-01-01").code == 2


@pytest.mark.parametrize("words", [["q"], ["q", "-"]], ids=["left out", "dash"])
def test_the_payload_may_come_on_standard_input_to_the_last_byte(cli: Cli, words: list[str]) -> None:
    message_id = int(cli("put", *words, stdin=b"two\nlines\n").out)

    assert cli("show", message_id, "--json").json["payload"] == "two\nlines\n"


def test_bytes_come_back_as_base64(cli: Cli) -> None:
    message_id = int(cli("put", "q", "--as", "bytes", stdin=b"\xff\x00").out)

    assert cli("show", message_id, "--json").json["payload_base64"] == "/wA="


def test_a_payload_of_no_bytes_is_one(cli: Cli) -> None:
    message_id = int(cli("put", "q", "").out)

    assert cli("show", message_id, "--json").json["payload"] == ""


def test_a_payload_of_20_mib_is_refused_and_changes_nothing(cli: Cli) -> None:
    cli("put", "q", "small")

    done = cli("put", "q", "--as", "bytes", stdin=bytes(20 * 1024 * 1024))

    assert done.code == 2
    assert "16,777,216 bytes" in done.err
    assert cli("queues", "--json").json[0]["counts"]["ready"] == 1


def test_a_key_in_use_is_refused_kept_or_replaced(cli: Cli, put: Put) -> None:
    first = put("q", "1", "--key", "k")

    assert cli("put", "q", "2", "--key", "k").code == 4
    assert put("q", "2", "--key", "k", "--on-conflict", "keep") == first
    replaced = put("q", "2", "--key", "k", "--on-conflict", "replace")
    assert cli("show", replaced, "--json").json["payload"] == "2"


def lines_file(folder: Path, *lines: str) -> Path:
    path = folder / "lines"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_lines_are_a_message_each_in_order(cli: Cli, tmp_path: Path) -> None:
    path = lines_file(tmp_path, '{"n": 1}', "two", "", "4")

    done = cli("put", "q", "--lines", path, "--type", "line")

    assert done.out == "1\n2\n3\n4\n"
    payloads = [cli("show", number, "--json").json["payload"] for number in (1, 2, 3, 4)]
    assert payloads == [{"n": 1}, "two", "", "4"]
    assert cli("show", 3, "--json").json["type"] == "line"


NUMBERS = ["3.10", "1234e56", "007", "0x10", "-0", "null", "true", "1_000", " 5"]


def test_what_looks_like_a_number_stays_as_it_is_written(cli: Cli, put: Put, workspace: Path, tmp_path: Path) -> None:
    for one in NUMBERS:
        put("q", "--", one)
    cli("put", "q", "--lines", lines_file(tmp_path, *NUMBERS))
    cli("put", "q", "--lines", lines_file(tmp_path, "3.10", '"4"'), "--as", "json")
    cli("edit", "1", "--", "1234e56")

    shown = [cli("show", number, "--json").json["payload"] for number in (1, *range(2, 2 * len(NUMBERS) + 3))]

    assert shown == ["1234e56", *NUMBERS[1:], *NUMBERS, 3.1, "4"]


@pytest.mark.parametrize(
    "words", [["put", "q"], ["put", "q", "-"], ["edit", "1", "-"], ["duplicate", "1", "--payload", "-"]]
)
def test_an_empty_standard_input_is_no_payload_unless_it_is_said(put: Put, workspace: Path, words: list[str]) -> None:
    put("q", "first")

    refused = run(PQDESK, *words, stdin="", check=False)
    said = run(PQDESK, *words, "--as", "text", stdin="")

    assert (refused.returncode, said.returncode) == (2, 0)
    assert refused.stderr == (
        "pqdesk: error: standard input is empty; give a payload, or --as text (or bytes) for an empty one\n"
    )


def test_lines_may_come_on_standard_input(workspace: Path) -> None:
    done = run(PQDESK, "put", "q", "--lines", "-", stdin="a\nb\n")

    assert done.stdout == "1\n2\n"


def test_a_bad_line_stops_before_its_batch_and_says_how_to_go_on(cli: Cli, tmp_path: Path) -> None:
    lines = [str(number) for number in range(1, 2501)]
    lines[2221] = "{"
    path = lines_file(tmp_path, *lines)

    done = cli("put", "q", "--lines", path, "--as", "json")

    assert done.code == 2
    assert done.err.startswith("pqdesk: error: line 2222 is not JSON: ")
    assert done.err.endswith("; lines 1 to 2,000 are put; put the rest with --from-line 2001\n")
    assert len(done.out.splitlines()) == 2000

    lines[2221] = "2222"
    lines_file(tmp_path, *lines)
    cli("put", "q", "--lines", path, "--as", "json", "--from-line", 2001)

    assert cli("queues", "--json").json[0]["counts"]["ready"] == 2500
    assert cli("show", 2500, "--json").json["payload"] == 2500


def test_a_bad_line_in_the_first_batch_puts_nothing(cli: Cli, tmp_path: Path) -> None:
    cli("put", "other", "1")

    done = cli("put", "q", "--lines", lines_file(tmp_path, "1", "NaN"), "--as", "json")

    assert "line 2 is not JSON" in done.err
    assert "nothing was put" in done.err
    assert [queue["name"] for queue in cli("queues", "--json").json] == ["other"]


@pytest.mark.parametrize(
    "words",
    [
        ["--lines", "/nope"],
        ["--lines", "/"],
        ["--lines", "/dev/null", "payload"],
        ["--lines", "/dev/null", "--key", "k"],
        ["x", "--from-line", "2"],
    ],
    ids=" ".join,
)
def test_lines_that_cannot_be(cli: Cli, words: list[str]) -> None:
    done = cli("put", "q", *words)

    assert (done.code, done.out) == (2, "")


def test_no_lines_are_no_messages(cli: Cli) -> None:
    done = cli("put", "q", "--lines", "/dev/null")

    assert (done.code, done.out, done.err) == (0, "", "")


def start_putting(**pipes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PQDESK, "put", "q", "--lines", "-"], env=environment_with_programs(), stdin=subprocess.PIPE, **pipes
    )


def test_ctrl_c_between_batches_says_what_is_put(cli: Cli, tmp_path: Path) -> None:
    process = start_putting(stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"1\n" * 1500)
    process.stdin.flush()
    wait_until(lambda: ready(cli) == 1500, 30, "the lines of a pipe that is still open")

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said == b"pqdesk: error: interrupted; lines 1 to 1,500 are put; put the rest with --from-line 1501\n"


def test_a_reader_that_leaves_learns_nothing_but_the_terminal_does(cli: Cli) -> None:
    reading, writing = os.pipe()
    process = start_putting(stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    os.close(reading)

    _, said = process.communicate(b"1\n" * 10, timeout=30)

    assert process.returncode == 1
    assert b"lines 1 to 10 are put; put the rest with --from-line 11" in said
    assert b"Traceback" not in said


def ready(cli: Cli) -> int:
    done = cli("queues", "--json")
    return sum(queue["counts"]["ready"] for queue in done.json) if done.code == 0 else 0


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("options", ["", "--json"])
def test_an_id_that_cannot_be_written_is_told_with_the_error(cli: Cli, redirection: str, options: str) -> None:
    done = run("bash", "-c", f"{PQDESK} put q 1 {options} {redirection}", check=False)

    assert done.returncode == 1
    assert re.fullmatch(r"pqdesk: error: [^\n]*; message 1 is put\n", done.stderr)
    assert ready(cli) == 1
