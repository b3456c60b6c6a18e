"""What goes between a consumer and the program behind its pipe: JSON, one object a line, in UTF-8.

To the program, a message, and perhaps later that its answer is not wanted any more:

    {"id": 7, "queue": "mail", "type": null, "attempt": 1, "max_attempts": 5, "headers": {}, "payload": {"to": "ada"}}
    {"cancel": 7}

From it, for each message once how it ended, and before that how far it is and what is to follow:

    {"id": 7, "ok": RESULT}                         completed
    {"id": 7, "retry": "why", "delay": 60}          the attempt failed; without "delay" after the backoff
    {"id": 7, "fail": "why"}                        failed for good
    {"id": 7, "snooze": 60}                         not now: the attempt does not count
    {"id": 7, "progress": 0.5, "note": "half"}
    {"id": 7, "put": {"payload": 1, "delay": 5}}    put with the completion, or not at all; also beside "ok"

A payload of bytes is "payload_base64". Durations are seconds.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import fields
from typing import Any, NamedTuple

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import LARGEST_ID
from pqdesk.messages.durations import duration_us
from pqdesk.messages.payloads import NotJson, parse_json
from pqdesk.messages.records import Outgoing
from pqdesk.queues.message import Message
from pqdesk.workers.work import Completed, Ending, GivenUp, Nacked, PutOff

LONGEST_ANSWER_BYTES = 4 * 1024 * 1024  # a result of 1 MiB, however it is escaped

_ID_FIRST = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d{1,18})\s*[,}]')
_ID_LAST = re.compile(rb',\s*"id"\s*:\s*(\d{1,18})\s*\}\s*\Z')
_ENDINGS = ("ok", "retry", "fail", "snooze")
_KEYS = frozenset({"id", *_ENDINGS, "delay", "progress", "note", "put"})
_PUT_KEYS = frozenset(one.name for one in fields(Outgoing)) - {"at"}
_ANSWER = "an answer is a JSON object"


class Answer(NamedTuple):
    """One line of the program.

    Attributes:
        id: Of the message; None where the line names none.
        ending: What became of it; None when it goes on.
        progress: How far it is, with a note.
    """

    id: int | None
    ending: Ending | None = None
    put: tuple[Outgoing, ...] = ()
    progress: tuple[float, str] | None = None


class BadAnswer(InvalidInput):
    """A line that is meant as an answer and is none. `id` of the message that it is about, if it says so."""

    def __init__(self, text: str, message_id: int | None) -> None:
        super().__init__(text)
        self.id = message_id


def message_line(message: Message) -> bytes:
    payload = message.payload
    return _line(
        {
            "id": message.id,
            "queue": message.queue,
            "type": message.type,
            "attempt": message.attempt,
            "max_attempts": message.max_attempts,
            "headers": dict(message.headers),
            **(
                {"payload_base64": b64encode(payload).decode("ascii")}
                if isinstance(payload, bytes)
                else {"payload": payload}
            ),
        }
    )


def cancel_line(message_id: int) -> bytes:
    return _line({"cancel": message_id})


def id_at_beginning(begun: bytes) -> int | None:
    """The message that a line is about which is too long to be read."""
    found = _ID_FIRST.match(begun[:200])
    return int(found[1]) if found else None


def _id_at_end(line: bytes) -> int | None:
    found = _ID_LAST.search(line[-200:]) if line.lstrip().startswith(b"{") else None
    return int(found[1]) if found else None


def parse_answer(line: bytes) -> Answer | None:
    """What the program says; None for what is no JSON object, as a program prints that knows nothing of answers.

    Raises:
        BadAnswer: It is one, and says what cannot be.
    """
    try:
        value = parse_json(line, "an answer")
    except NotJson as exc:
        if (named := id_at_beginning(line) or _id_at_end(line)) is None:
            return None
        raise BadAnswer(str(exc), named) from exc  # such as NaN, which json.dumps writes: else nobody would answer
    except InvalidInput as exc:
        raise BadAnswer(str(exc), id_at_beginning(line)) from exc
    if not isinstance(value, dict):
        return None
    message_id = value.get("id")
    is_number = isinstance(message_id, int) and not isinstance(message_id, bool)
    if message_id is not None and not (is_number and 0 < message_id <= LARGEST_ID):
        raise BadAnswer('its "id" is no number of a message', None)
    try:
        return Answer(message_id, _ending(value), _put(value.get("put")), _progress(value))
    except InvalidInput as exc:
        raise BadAnswer(str(exc), message_id) from exc


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _ending(value: dict[str, Any]) -> Ending | None:
    unknown = value.keys() - _KEYS
    if unknown:
        raise InvalidInput(f"it has {min(unknown)!r:.80}; {_ANSWER} of {', '.join(sorted(_KEYS))}")
    said = [key for key in _ENDINGS if key in value]
    if len(said) > 1:
        raise InvalidInput(f'it says both "{said[0]}" and "{said[1]}"')
    if "delay" in value and said != ["retry"]:
        raise InvalidInput('"delay" belongs to "retry"; to put a message off say {"snooze": SECONDS}')
    if not said:
        return None
    answer = value[said[0]]
    if said == ["ok"]:
        return Completed(answer)
    if said == ["snooze"]:
        duration_us(answer, '"snooze"')
        return PutOff(answer)
    if not isinstance(answer, str):
        raise InvalidInput(f'"{said[0]}" is not a text that says why')
    if said == ["fail"]:
        return GivenUp(answer)
    delay = value.get("delay")
    if delay is not None:
        duration_us(delay, '"delay"')
    return Nacked(answer, delay)


def _progress(value: dict[str, Any]) -> tuple[float, str] | None:
    if "progress" not in value:
        if "note" in value:
            raise InvalidInput('"note" belongs to "progress"')
        return None
    fraction, note = value["progress"], value.get("note", "")
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 1:
        raise InvalidInput('"progress" is no number from 0 to 1')
    if not isinstance(note, str):
        raise InvalidInput('"note" is no text')
    return float(fraction), note


def _put(value: Any) -> tuple[Outgoing, ...]:
    """One follow-up, or an array of them."""
    if value is None:
        return ()
    each = value if isinstance(value, list) else [value]
    for one in each:
        if not isinstance(one, dict) or "payload" not in one:
            raise InvalidInput('"put" is no object with a "payload", nor an array of such')
        unknown = one.keys() - _PUT_KEYS
        if unknown:
            raise InvalidInput(f'"put" has {min(unknown)!r:.80}; it takes {", ".join(sorted(_PUT_KEYS))}')
    return tuple(Outgoing(**one) for one in each)
