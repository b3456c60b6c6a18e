"""`logs` with its filters, on files as workers leave them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pqdesk.cli.logs import Followed, Log, Wanted
from tests.system.cli.conftest import Cli, Done
from tests.system.conftest import SupervisedWorkspace

_OUT = """\
put id=7 queue=code
completed id=70 queue=code attempt=1 3 ms
retrying id=7 queue=code attempt=1 12 ms
completed id=7 queue=code attempt=2 9 ms
"""
_ERR = """\
id=7 queue=code attempt=1: Traceback (most recent call last):
  File "a.py", line 1, in send
ValueError: bad
\x1b[33mWARNING\x1b[0m disk is filling
DEBUG nothing
"""


@pytest.fixture
def logs(cli: Cli, supervised: SupervisedWorkspace) -> Callable[..., Done]:
    """Call `logs consumer` with these words; the worker does not run."""
    supervised.add("consumer", "", is_autostart=False)
    supervised.paths.logs.mkdir(exist_ok=True)
    (supervised.paths.logs / "consumer.out.log.1").write_text(_OUT[:20])
    (supervised.paths.logs / "consumer.out.log").write_text(_OUT[20:])
    (supervised.paths.logs / "consumer.err.log").write_text(_ERR)
    return lambda *words: cli("-w", supervised.paths.root, "logs", "consumer", *words)


def test_a_text_is_found_in_rotated_files_too(logs: Callable[..., Done]) -> None:
    assert logs("--grep", "PUT ").out == "put id=7 queue=code\n"
    assert logs("--grep", "id=7 ", "-n", 1).out == "completed id=7 queue=code attempt=2 9 ms\n"
    assert logs("--grep", "id=7.").out == ""
    assert logs("--grep", "id=7.", "--regex", "-n", 1).out == "completed id=7 queue=code attempt=2 9 ms\n"


def test_streams_are_chosen(logs: Callable[..., Done]) -> None:
    assert logs().out == _OUT
    assert logs("--stderr", "-n", 1).out == "DEBUG nothing\n"
    assert logs("--stdout", "--stderr", "-n", 1).out == "completed id=7 queue=code attempt=2 9 ms\nDEBUG nothing\n"


def test_a_level_and_above_in_both_streams(logs: Callable[..., Done]) -> None:
    lines = logs("--level", "warning").out.splitlines()

    assert lines == ["retrying id=7 queue=code attempt=1 12 ms", *_ERR.splitlines()[:3], "WARNING disk is filling"]
    assert logs("--level", "ERROR", "--stdout").out == ""


def test_the_lines_of_a_message_with_its_traceback(logs: Callable[..., Done]) -> None:
    lines = logs("--message", 7).out.splitlines()

    assert lines == [line for line in _OUT.splitlines() if "id=7 " in line] + _ERR.splitlines()[:3]


def test_json_tells_the_stream(logs: Callable[..., Done]) -> None:
    assert logs("--grep", "disk", "--stderr", "--json").json == {
        "process": "consumer",
        "stream": "stderr",
        "line": "\x1b[33mWARNING\x1b[0m disk is filling",
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--grep", "(", "--regex"), "is not a regular expression"),
        (("--regex",), "give --grep too"),
        (("--level", "loud"), "'loud' is not one of"),
        (("--message", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_understood_is_wrong_usage(
    logs: Callable[..., Done], words: tuple[str, ...], reason: str
) -> None:
    done = logs(*words)

    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_a_followed_log_is_filtered_from_its_tail_on(tmp_path: Path) -> None:
    log = tmp_path / "a.out.log"
    log.write_text(_OUT)
    with closing(Followed(Log("a", log), 2, Wanted(message_id=7))) as followed:
        assert list(followed.read()) == _OUT.splitlines()[2:]

        with log.open("a") as file:
            file.write("put id=8\nput id=7\n")

        assert list(followed.read()) == ["put id=7"]
