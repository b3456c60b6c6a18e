"""A handler per type of message in one queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk import InvalidInput, consumer
from pqdesk.workers.handlers import load_handler

_FILE = """
from pqdesk import consumer

@consumer("mail", concurrency=3)
{a}def other(message): return ["other", message.type]

@consumer("mail", type="welcome")
{a}def welcome(message): return ["welcome", message.type]

@consumer("mail", type="bill")
{a}def bill(message): return ["bill", message.type]

@consumer("elsewhere", type="welcome")
def elsewhere(message): return "wrong"
"""


class _Message:
    def __init__(self, type_: str | None) -> None:
        self.type = type_


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    (tmp_path / "mail_by_type.py").write_text(_FILE.format(a=""))
    return tmp_path / "mail_by_type.py"


@pytest.mark.parametrize("name", ["other", "welcome"])
def test_each_type_goes_to_its_function_and_the_others_to_the_one_without_a_type(mail: Path, name: str) -> None:
    handler = load_handler(f"{mail}:{name}")

    answers = [handler.function(_Message(one)) for one in ("welcome", "bill", "unknown", None)]

    assert answers == [["welcome", "welcome"], ["bill", "bill"], ["other", "unknown"], ["other", None]]
    assert handler.consumer is not None
    assert (handler.consumer.queue, handler.consumer.concurrency) == ("mail", 3)


def test_async_handlers_too(tmp_path: Path) -> None:
    file = tmp_path / "async_by_type.py"
    file.write_text(_FILE.format(a="async "))
    handler = load_handler(f"{file}:other")
    assert handler.is_async

    running = handler.function(_Message("bill"))
    with pytest.raises(StopIteration) as ended:
        running.send(None)

    assert ended.value.value == ["bill", "bill"]


def test_a_type_that_nobody_is_for_fails_the_attempt_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "typed_only.py"
    file.write_text("from pqdesk import consumer\n@consumer('mail', type='a')\ndef a(message): return 1\n")

    with pytest.raises(LookupError, match="type 'b'"):
        load_handler(f"{file}:a").function(_Message("b"))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("@consumer('q', type='a')\nasync def a(message): pass\n", "async"),
        ("@consumer('q', type='a')\ndef a(message): pass\n@consumer('q', type='a')\ndef b(message): pass\n", "two"),
        ("@consumer('q', type='a')\ndef a(message): yield 1\n", "yield"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, code: str, complaint: str) -> None:
    file = tmp_path / f"refused_{complaint}.py"
    file.write_text(f"from pqdesk import consumer\n@consumer('q')\ndef every(message): pass\n{code}")

    with pytest.raises(InvalidInput, match=complaint):
        load_handler(f"{file}:every")


def test_options_belong_to_the_one_without_a_type() -> None:
    with pytest.raises(InvalidInput, match="no other option"):
        consumer("q", type="a", concurrency=2)
