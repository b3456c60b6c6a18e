"""How messages are written in files that leave the workspace: a JSON object a line, or CSV; and back.

A spreadsheet runs what begins like a formula, so such a cell of CSV gets an apostrophe in front, which reading takes
away again (owasp.org, CSV injection). In CSV the column `form` says how to read the payload: json, text or bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pqdesk.cli.json_output import json_text, plain
from pqdesk.errors import InvalidInput
from pqdesk.messages.aliases import OnConflict
from pqdesk.messages.payloads import PayloadKind, decode_payload
from pqdesk.messages.records import MessageDetail, Outgoing
from pqdesk.messages.states import State

Format = Literal["jsonl", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WRITTEN = (
    "id", "queue", "state", "type", "priority", "group", "key", "attempt", "max_attempts", "enqueued_at", "due_at",
    "started_at", "finished_at", "error_text", "headers",
)  # fmt: skip
CSV_COLUMNS = (*_WRITTEN, "form", "payload")
_READ = ("queue", "state", "type", "priority", "group", "key", "max_attempts", "due_at", "headers")
_PAYLOADS = ("payload", "payload_base64")
_KNOWN = {*_WRITTEN, *_PAYLOADS, "form", "result", "result_base64", "error", "worker"}
_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r]")
_SECRET = re.compile(r"passw|secret|token|api_?key|^key$|authorization|cookie|credential", re.IGNORECASE)
MASK = "••••"


def file_format(path: str, given: str | None) -> Format:
    """The format asked for, else what the name of the file says."""
    if given is not None:
        return "csv" if given == "csv" else "jsonl"
    return "csv" if path.lower().endswith(".csv") else "jsonl"


def as_json(detail: MessageDetail, *, is_masked: bool) -> str:
    """One line of JSON."""
    fields = {name: getattr(detail, name) for name in _WRITTEN}
    fields["payload"] = masked(detail.payload) if is_masked else detail.payload
    if detail.result is not None:
        fields["result"] = masked(detail.result) if is_masked else detail.result
    fields["headers"] = masked(dict(detail.headers)) if is_masked else dict(detail.headers)
    return json_text({name: value for name, value in plain(fields).items() if value not in (None, {})} | _null(detail))


def as_cells(detail: MessageDetail, *, is_masked: bool) -> list[str]:
    """The cells of one row, in the order of CSV_COLUMNS."""
    headers = masked(dict(detail.headers)) if is_masked else dict(detail.headers)
    payload = masked(detail.payload) if is_masked else detail.payload
    form, text = _payload_cell(payload)
    values = [plain(getattr(detail, name)) for name in _WRITTEN[:-1]]
    cells = ["" if value is None else str(value) for value in values]
    return [_defused(cell) for cell in (*cells, json_text(headers) if headers else "", form, text)]


def from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """The fields that one row of CSV stands for. Raises InvalidInput."""
    texts = {name: cell[1:] if _DEFUSED.match(cell) else cell for name, cell in cells.items() if cell != ""}
    form = texts.pop("form", "json")
    payload = texts.pop("payload", "")
    fields: dict[str, Any] = dict(texts)
    for name in ("priority", "max_attempts"):
        if name in fields:
            fields[name] = _integer(fields[name], name)
    if "headers" in fields:
        fields["headers"] = from_json(fields["headers"].encode("utf-8", "surrogateescape"), "headers")
    match form:
        case "text":
            fields["payload"] = payload
        case "bytes":
            fields["payload_base64"] = payload
        case "json":
            fields["payload"] = from_json(payload.encode("utf-8", "surrogateescape"), "payload")
        case _:
            raise InvalidInput(f"form must be json, text or bytes, got {form!r:.80}")
    return fields


def from_json(data: bytes, what: str) -> Any:
    """The value of a JSON text. Raises InvalidInput."""
    try:
        return decode_payload(PayloadKind.JSON, data)
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{what} is not UTF-8 at byte {exc.start}") from None
    except json.JSONDecodeError as exc:
        raise InvalidInput(f"{what} is not JSON: {exc}") from None
    except (ValueError, ArithmeticError, RecursionError):
        raise InvalidInput(f"{what} is not JSON that can be read") from None


def state_of(fields: Mapping[str, Any]) -> State | None:
    """The state that the message was in, if that is told. Raises InvalidInput."""
    word = fields.get("state")
    if word is None:
        return None
    try:
        return State.from_word(word if isinstance(word, str) else "")
    except KeyError:
        raise InvalidInput(f"there is no state {word!r:.80}") from None


def as_outgoing(fields: Any, *, queue: str | None, on_conflict: OnConflict, now: datetime) -> Outgoing:
    """The message that these fields stand for, anew: due when it was to be due, or at once. Raises InvalidInput."""
    if not isinstance(fields, dict):
        raise InvalidInput(f"it is no object with the fields of a message, but {type(fields).__name__}")
    unknown = sorted(fields.keys() - _KNOWN)
    if unknown:
        raise InvalidInput(f"there is no field {unknown[0]!r}; the fields are {', '.join((*_READ, *_PAYLOADS))}")
    into = queue if queue is not None else fields.get("queue")
    if into is None:
        raise InvalidInput("it has no queue; name one with --queue")
    due_at = _instant(fields.get("due_at"))
    return Outgoing(
        _payload(fields), queue=into, type=fields.get("type"), priority=fields.get("priority", 0),
        at=due_at if due_at is not None and due_at > now else None, key=fields.get("key"), on_conflict=on_conflict,
        group=fields.get("group"), max_attempts=fields.get("max_attempts"), headers=fields.get("headers"),
    )  # fmt: skip


def masked(value: Any) -> Any:
    """`value` with the values of fields that are named like secrets hidden."""
    if isinstance(value, dict):
        return {name: MASK if _SECRET.search(name) else masked(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return value


def _null(detail: MessageDetail) -> dict[str, Any]:
    return {"payload": None} if detail.payload is None else {}


def _payload_cell(payload: Any) -> tuple[str, str]:
    if isinstance(payload, bytes):
        return "bytes", base64.b64encode(payload).decode("ascii")
    return ("text", payload) if isinstance(payload, str) else ("json", json_text(payload))


def _defused(cell: str) -> str:
    return f"'{cell}" if _LIKE_A_FORMULA.match(cell) else cell


def _payload(fields: Mapping[str, Any]) -> Any:
    if "payload_base64" not in fields:
        if "payload" not in fields:
            raise InvalidInput("it has neither payload nor payload_base64")
        return fields["payload"]
    if "payload" in fields:
        raise InvalidInput("payload and payload_base64 exclude each other")
    try:
        return base64.b64decode(fields["payload_base64"], validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInput("payload_base64 is not base64") from None


def _instant(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidInput(f"due_at {text!r:.80} is no time of ISO 8601") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _integer(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(f"{what} must be a whole number, got {text!r:.80}") from None
