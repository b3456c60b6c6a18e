"""An integer has at most 10,000 digits and JSON 200 levels, at every door; what is longer stops nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pqdesk import InvalidInput, Outgoing, Queue, Workspace
from pqdesk.messages.payloads import checksum, decode_payload, encode_payload, parse_json
from pqdesk.messages.written import parse_payload
from pqdesk.services.transfer import from_cells
from tests.contract.loose import opened

_AT_LIMIT, _OVER = 10**10_000 - 1, 10**10_000
_HUGE_TEXT = "9" * 1_500_000
_DOORS: dict[str, Callable[[Workspace, Any], object]] = {
    "put": lambda workspace, value: workspace.queue("q").put(value),
    "put with options": lambda workspace, value: workspace.queue("q").put(value, priority=3, delay=9),
    "put_many": lambda workspace, value: workspace.queue("q").put_many(["good", value]),
    "put_once": lambda workspace, value: workspace.queue("q").put_once([("mark", value)]),
    "outgoing": lambda workspace, value: workspace.queue("q").put_many([Outgoing([value], queue="other")]),
    "follow-up": lambda workspace, value: _taken(workspace).ack(put=[value]),
    "result": lambda workspace, value: _taken(workspace).ack({"is": value}),
    "edit": lambda workspace, value: workspace.queue("q").edit(1, value),
    "duplicate": lambda workspace, value: workspace.queue("q").duplicate(1, payload=value),
    "schedule": lambda workspace, value: workspace.add_schedule("s", "q", value, every=60),
}


def _taken(workspace: Workspace) -> Any:
    return workspace.queue("q").get(block=False)


@pytest.mark.parametrize("door", _DOORS)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_of_more_digits_is_refused_at_every_door_of_the_library(
    tmp_path: Path, door: str, sign: int
) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put_many(["one", "two", "three"])
        for value in (sign * _OVER, {"a": [sign * _OVER]}, sign * 10**1_500_000):
            with pytest.raises(InvalidInput, match="more than 10,000 digits") as caught:
                _DOORS[door](workspace, value)
            assert len(str(caught.value)) < 200

        assert workspace.counts().total == 3


@pytest.mark.parametrize("value", [_AT_LIMIT, -_AT_LIMIT, {"a": [_AT_LIMIT, 1]}], ids=["above", "below", "inside"])
def test_an_integer_at_the_limit_comes_back_exactly(value: Any) -> None:
    kind, data = encode_payload(value)

    assert decode_payload(kind, data) == value
    assert parse_json(data, "payload") == value


@pytest.mark.parametrize("written", ["[{}]", '{{"a": {}}}', "[[-{}]]"])
def test_an_integer_of_more_digits_is_refused_wherever_json_is_written(written: str) -> None:
    for digits in ("9" * 10_001, _HUGE_TEXT):
        data = written.format(digits).encode()
        for door in (
            lambda data: parse_payload(data, None),
            lambda data: parse_payload(data, "json"),
            lambda data: parse_json(data, "line 3"),
            lambda data: from_cells({"queue": "q", "form": "json", "payload": data.decode()}),
        ):
            began = time.monotonic()
            with pytest.raises(InvalidInput, match="more than 10,000 digits"):
                door(data)
            assert time.monotonic() - began < 30  # minutes, where it is read


@pytest.mark.parametrize("levels", [201, 900, 100_000])
def test_json_that_is_nested_too_deeply_is_refused_alike_at_every_door(tmp_path: Path, levels: int) -> None:
    data = b"[" * levels + b"]" * levels
    said = []
    for door in (
        lambda: encode_payload(parse_json(data, "payload")),
        lambda: encode_payload(parse_payload(data, None)),
        lambda: encode_payload(parse_payload(data, "json")),
        lambda: encode_payload(from_cells({"form": "json", "payload": data.decode()})["payload"]),
    ):
        with pytest.raises(InvalidInput) as caught:
            door()
        said.append(str(caught.value))
    with Workspace(tmp_path / "w") as workspace:
        with workspace.queue("q").transaction() as tx:
            tx.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('q', ?)", (data.decode(),))
        inspection = workspace.inspection()
        said += [one.reason for one in inspection.refused_puts()]
        inspection.close()

    assert len(said) == 5
    assert set(said) == {"payload is nested more than 200 levels deep, or contains itself"}


def test_a_huge_integer_by_sql_is_refused_at_once_and_holds_nobody_up(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        with queue.transaction() as tx:
            for _ in range(20):
                tx.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('q', ?)", (_HUGE_TEXT,))
            tx.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('q', ?)", ('"good"',))
        began = time.monotonic()
        assert queue.get(timeout=30).payload == "good"

        assert time.monotonic() - began < 30  # minutes for each, where it is read


def test_what_is_there_already_is_shown_as_text_and_delivered(tmp_path: Path) -> None:
    data = json.dumps({"n": 1}).replace("1", _HUGE_TEXT).encode()
    with Queue("q", workspace=tmp_path / "w") as queue:
        message_id = queue.put({"n": 1})
    with opened(tmp_path / "w" / "queue.db") as db:
        values = data, checksum(0, None, data), message_id
        db.execute("UPDATE pqdesk_message SET payload = ?, checksum = ? WHERE id = ?", values)

    with Queue("q", workspace=tmp_path / "w") as queue:
        assert queue.message(message_id).payload == {"n": _HUGE_TEXT}
        assert [one.id for one in queue.messages(where="payload.n:>5")] in ([message_id], [])
        assert queue.get(block=False).payload == {"n": _HUGE_TEXT}


_HUGE = 10**5000
_ARGUMENTS: dict[str, Callable[[Queue], object]] = {
    "delay": lambda queue: queue.put(1, delay=_HUGE),
    "expires": lambda queue: queue.put(1, expires=_HUGE),
    "put timeout": lambda queue: queue.put(1, timeout=_HUGE),
    "max_attempts": lambda queue: queue.put(1, max_attempts=_HUGE),
    "lease": lambda queue: queue.get(lease=_HUGE),
    "get_many": lambda queue: queue.get_many(_HUGE),
    "limit": lambda queue: queue.messages(limit=_HUGE),
    "before": lambda queue: queue.messages(before=_HUGE),
    "configure": lambda queue: queue.configure(lease=_HUGE),
    "configure count": lambda queue: queue.configure(max_size=_HUGE),
    "configure rate": lambda queue: queue.configure(rate=(_HUGE, 1)),
    "configure rate's time": lambda queue: queue.configure(rate=(1, _HUGE)),
    "join": lambda queue: queue.join(_HUGE),
    "where id": lambda queue: queue.messages(where=f"id:{_HUGE_TEXT[:20_000]}"),
    "where attempts": lambda queue: queue.messages(where=f"attempts:>{_HUGE_TEXT[:20_000]}"),
    "where age": lambda queue: queue.messages(where=f"age:>{_HUGE_TEXT[:20_000]}h"),
    "delete": lambda queue: queue.delete([_HUGE]),
}


@pytest.mark.parametrize("name", _ARGUMENTS)
def test_a_huge_number_as_an_argument_is_refused_in_a_short_line(tmp_path: Path, name: str) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        queue.put("x")

        with pytest.raises(InvalidInput) as caught:
            _ARGUMENTS[name](queue)

        assert len(str(caught.value)) < 400
        assert queue.counts().ready == 1


@pytest.mark.parametrize("value", ["9" * 5000, "-" + "9" * 5000, "0" * 5000, "²", "1²", "--5", "1e400", "-0", "007"])
def test_a_filter_for_a_value_takes_any_number(tmp_path: Path, value: str) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        queue.put({"x": value})
        queue.put({"x": 5})

        assert [one.id for one in queue.messages(where=f'payload.x:"{value}"')] == [1]
        queue.messages(where=f"payload.x:{value}")
