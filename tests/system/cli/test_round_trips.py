"""What leaves a workspace comes back: exported and imported, duplicated, edited and undone, whatever was put."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pqdesk import MessageDetail, Outgoing, Queue, Workspace
from pqdesk.cli.main import main

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**45), 10**45)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_PAYLOAD = (
    _JSON | _TEXT | st.binary(max_size=20) | st.sampled_from(["", b"", {}, [], 0, -0.0, False, None, "null", "{}", "0"])
)
_SOON = timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC)
_FUTURE = st.integers(1_900_000_000, 253_402_300_799).map(lambda s: datetime.fromtimestamp(s, UTC)) | st.just(_LAST)
_MESSAGE = st.builds(
    Outgoing,
    _PAYLOAD,
    type=st.none() | _NAME,
    priority=st.integers(-(2**31), 2**31),
    at=st.none() | _FUTURE,
    group=st.none() | _NAME,
    expires=st.none() | st.timedeltas(_SOON, timedelta(days=36_000)),
    max_attempts=st.none() | st.integers(1, 2**31 - 1),
    headers=st.none()
    | st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), _TEXT.filter(lambda text: "\0" not in text), max_size=3
    ),
)
_FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_DEEP: Any = 10**44  # at the depth that a payload may have, with an integer that json.dumps may be told to refuse
for _ in range(200):
    _DEEP = [_DEEP]


def _told(detail: MessageDetail, *, has_key: bool = True) -> tuple[Any, ...]:
    """All that a put can give; the payload so that 0, False and 0.0 differ."""
    return (
        repr(detail.payload), detail.queue, detail.type, detail.priority, detail.group,
        detail.key if has_key else None, detail.own_max_attempts, dict(detail.headers),
    )  # fmt: skip


def _all(folder: Path) -> list[MessageDetail]:
    with Workspace(folder) as opened:
        return [opened.message(one.id) for one in reversed(opened.messages(limit=10_000))]


def _fill(folder: Path, messages: list[Outgoing]) -> None:
    with Queue("work", workspace=folder) as queue:
        for number, one in enumerate(messages):
            unique_for = 3600 if number % 4 == 2 else None
            queue.put_many([one if number % 2 else replace(one, key=f"{number}=", unique_for=unique_for)])


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
@given(messages=st.lists(_MESSAGE, min_size=1, max_size=4))
@example(messages=[Outgoing({}), Outgoing(None), Outgoing(_DEEP), Outgoing("\r\n'=1"), Outgoing(b""), Outgoing([1.0])])
@_FEW
def test_whatever_is_exported_comes_back(name: str, messages: list[Outgoing]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, other, file = Path(folder) / "one", Path(folder) / "other", Path(folder) / name
        _fill(one, messages)

        assert main(["-w", str(one), "export", str(file)]) == 0
        assert main(["-w", str(other), "import", str(file)]) == 0

        before, after = _all(one), _all(other)
        assert [_told(detail) for detail in after] == [_told(detail) for detail in before]
        for left, come in zip(before, after, strict=True):
            assert come.state == left.state
            assert come.due_at == left.due_at or left.state == "ready"
            for was, is_now in ((left.expires_at, come.expires_at), (left.key_until, come.key_until)):
                assert (is_now is None) == (was is None)
                assert was is None or is_now is None or abs(is_now - was) < timedelta(seconds=60)


@given(message=_MESSAGE, other=_PAYLOAD)
@example(message=Outgoing({}), other=[])
@example(message=Outgoing(0), other=False)
@example(message=Outgoing(""), other=b"")
@_FEW
def test_whatever_is_put_can_be_duplicated_edited_and_undone(message: Outgoing, other: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder) / "one") as opened:
        queue = opened.queue("work")
        [message_id] = queue.put_many([message])
        as_put = _told(opened.message(message_id))

        [copy_id] = queue.duplicate(message_id).new_ids
        edited = queue.edit(message_id, other)
        as_edited = opened.message(message_id)
        if edited.done:
            opened.undo(edited.activity_id or 0)

        assert _told(opened.message(copy_id)) == as_put
        assert repr(as_edited.payload) == repr(list(other) if isinstance(other, tuple) else other)
        assert _told(as_edited)[1:] == as_put[1:]
        assert _told(opened.message(message_id)) == as_put
        assert bool(edited.done) == (repr(other) != as_put[0])


def _worked_on(folder: Path, results: list[Any]) -> None:
    with Queue("work", workspace=folder) as queue:
        for result in results:
            queue.put(f"for {result!r}", max_attempts=3)
            queue.get(timeout=0).nack("ValueError: first", delay=0)
            queue.get(timeout=0).ack(result)
        queue.edit(queue.put({"old": 1}, delay=1000), b"new")


RESULTS: list[Any] = [None, 0, "", b"", False, {}, [], {"a": [1]}, "text", b"\xff", 10**40]


def test_results_attempts_errors_and_versions_are_in_json_lines(tmp_path: Path) -> None:
    _worked_on(tmp_path / "one", RESULTS)
    file = tmp_path / "out.jsonl"

    main(["-w", str(tmp_path / "one"), "export", str(file), "--history"])

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    told = [line.get("result", line.get("result_base64", "none")) for line in lines]
    assert told == ["none", 0, "", "", False, {}, [], {"a": [1]}, "text", "/w==", 10**40, "none"]
    assert [one["outcome"] for one in lines[0]["attempts"]] == ["nacked", "completed"]
    assert lines[0]["attempts"][0]["error"] == "ValueError: first"
    assert [one["payload"] for one in lines[-1]["versions"]] == [{"old": 1}]
    assert lines[-1]["payload_base64"] == "bmV3"


def test_results_attempts_errors_and_versions_are_in_csv(tmp_path: Path) -> None:
    _worked_on(tmp_path / "one", RESULTS)
    file = tmp_path / "out.csv"

    main(["-w", str(tmp_path / "one"), "export", str(file), "--history"])

    with open(file, encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [(row["result_form"], row["result"]) for row in rows[:5]] == [
        ("", ""), ("json", "0"), ("text", ""), ("bytes", ""), ("json", "false"),
    ]  # fmt: skip
    assert [one["error"] for one in json.loads(rows[0]["attempts"])] == ["ValueError: first", None]
    assert [one["payload"] for one in json.loads(rows[-1]["versions"])] == [{"old": 1}]
    assert main(["-w", str(tmp_path / "other"), "import", str(file), "--all"]) == 0
    assert len(_all(tmp_path / "other")) == len(RESULTS) + 1


def test_what_has_expired_meanwhile_is_left_out_and_put_without_that_when_asked(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"queue": "work", "payload": 1, "expires_at": "2020-01-01T00:00:00+00:00"}\n')

    main(["-w", str(tmp_path / "w"), "import", str(file)])
    assert "0 messages put; 1 that were finished" in capsys.readouterr().out
    main(["-w", str(tmp_path / "w"), "import", str(file), "--all"])

    [message] = _all(tmp_path / "w")
    assert (message.payload, message.state, message.expires_at) == (1, "ready", None)
