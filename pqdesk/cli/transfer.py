"""How messages are written in files that leave the workspace: a JSON object a line, or CSV; and back.

A spreadsheet runs what begins like a formula, so such a cell of CSV gets an apostrophe in front, which reading takes
away again (owasp.org, CSV injection). In CSV the column `form` says how to read the payload: json, text or bytes; and
`result_form` the result.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pqdesk.cli.json_output import json_text, plain
from pqdesk.errors import InvalidInput
from pqdesk.messages.activities import VersionRecord
from pqdesk.messages.aliases import OnConflict
from pqdesk.messages.masking import has_mask, masked
from pqdesk.messages.payloads import parse_json
from pqdesk.messages.records import MessageDetail, Outgoing
from pqdesk.messages.states import State

Format = Literal["jsonl", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WRITTEN = (
    "id", "queue", "state", "type", "priority", "group", "key", "attempt", "max_attempts", "enqueued_at", "due_at",
    "expires_at", "started_at", "finished_at", "error_text",
)  # fmt: skip
_CSV_COLUMNS = (*_WRITTEN, "headers", "form", "payload", "result_form", "result")
_HISTORY = ("attempts", "versions")
_READ = ("queue", "state", "type", "priority", "group", "key", "max_attempts", "due_at", "expires_at", "headers")
_PAYLOADS = ("payload", "payload_base64")
_KNOWN = {*_CSV_COLUMNS, *_HISTORY, "payload_base64", "result_base64", "error", "worker"}
# The full-width ones, too: a spreadsheet reads them as the others.
_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def file_format(path: str, given: str | None) -> Format:
    """The format asked for, else what the name of the file says."""
    if given is not None:
        return "csv" if given == "csv" else "jsonl"
    return "csv" if path.lower().endswith(".csv") else "jsonl"


@dataclass(frozen=True, slots=True)
class Exported:
    """A message as it leaves the workspace. `versions`: None without its history, which is attempts and versions."""

    detail: MessageDetail
    versions: tuple[VersionRecord, ...] | None
    is_masked: bool

    def as_json(self) -> str:
        """One line of JSON. What is not set is left out; a payload never is, null and {} included."""
        detail = self.detail
        fields = {name: value for name, value in self._single().items() if value is not None}
        if detail.headers:
            fields["headers"] = self._shown(dict(detail.headers))
        fields["payload"] = self._shown(detail.payload)
        if detail.result is not None:  # nor is there one in the file
            fields["result"] = self._shown(detail.result)
        return json_text(plain(fields | self._history()))

    def as_cells(self) -> list[str]:
        """The cells of one row, in the order of `csv_columns`."""
        detail, headers = self.detail, self._shown(dict(self.detail.headers))
        cells = ["" if value is None else str(plain(value)) for value in self._single().values()]
        cells += [json_text(headers) if headers else "", *_formed(self._shown(detail.payload))]
        cells += ["", ""] if detail.result is None else _formed(self._shown(detail.result))
        cells += [json_text(plain(each)) if each else "" for each in self._history().values()]
        return [_defused(cell) for cell in cells]

    @property
    def hides(self) -> bool:
        """Whether a value was hidden."""
        shown = (dict(self.detail.headers), self.detail.payload, self.detail.result)
        return self.is_masked and any(masked(one) != one for one in shown)

    def _single(self) -> dict[str, Any]:
        """By name what is one value, as it was put: a queue's max_attempts is none of the message."""
        return {name: getattr(self.detail, name) for name in _WRITTEN} | {"max_attempts": self.detail.own_max_attempts}

    def _history(self) -> dict[str, list[Any]]:
        if self.versions is None:
            return {}
        versions = [replace(one, payload=self._shown(one.payload)) for one in self.versions]
        return {"attempts": list(self.detail.attempts), "versions": versions}

    def _shown(self, value: Any) -> Any:
        return masked(value) if self.is_masked else value


def csv_columns(*, has_history: bool) -> tuple[str, ...]:
    """The titles of the columns."""
    return (*_CSV_COLUMNS, *_HISTORY) if has_history else _CSV_COLUMNS


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
        fields["headers"] = parse_json(fields["headers"].encode("utf-8", "surrogateescape"), "headers")
    match form:
        case "text":
            fields["payload"] = payload
        case "bytes":
            fields["payload_base64"] = payload
        case "json":
            fields["payload"] = parse_json(payload.encode("utf-8", "surrogateescape"), "payload")
        case _:
            raise InvalidInput(f"form must be json, text or bytes, got {form!r:.80}")
    return fields


def is_over(fields: Mapping[str, Any], now: datetime) -> bool:
    """Whether the message is not to be done any more: it was final, or it has expired. Raises InvalidInput."""
    word = fields.get("state")
    try:
        state = None if word is None else State.from_word(word if isinstance(word, str) else "")
    except KeyError:
        raise InvalidInput(f"there is no state {word!r:.80}") from None
    expires_at = _instant(fields, "expires_at")
    return (state is not None and state.is_final) or (expires_at is not None and expires_at <= now)


def as_outgoing(fields: Any, *, queue: str | None, on_conflict: OnConflict, now: datetime) -> Outgoing:
    """The message that these fields stand for, anew: due when it was to be due, or at once. Raises InvalidInput."""
    if not isinstance(fields, dict):
        raise InvalidInput(f"it is no object with the fields of a message, but {type(fields).__name__}")
    unknown = sorted(fields.keys() - _KNOWN)
    if unknown:
        raise InvalidInput(f"there is no field {unknown[0]!r}; the fields are {', '.join((*_READ, *_PAYLOADS))}")
    if has_mask(fields.get("payload")) or has_mask(fields.get("headers")):
        raise InvalidInput("it holds values that were hidden in the export; write that with --no-mask")
    into = queue if queue is not None else fields.get("queue")
    if into is None:
        raise InvalidInput("it has no queue; name one with --queue")
    due_at, expires_at = _instant(fields, "due_at"), _instant(fields, "expires_at")
    return Outgoing(
        _payload(fields), queue=into, type=fields.get("type"), priority=fields.get("priority", 0),
        at=due_at if due_at is not None and due_at > now else None, key=fields.get("key"), on_conflict=on_conflict,
        group=fields.get("group"), max_attempts=fields.get("max_attempts"), headers=fields.get("headers"),
        expires=expires_at - now if expires_at is not None and expires_at > now else None,
    )  # fmt: skip


def _formed(value: Any) -> tuple[str, str]:
    """How a cell is to be read, and the cell."""
    if isinstance(value, bytes):
        return "bytes", base64.b64encode(value).decode("ascii")
    return ("text", value) if isinstance(value, str) else ("json", json_text(value))


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


def _instant(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = fields.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} {text!r:.80} is no time of ISO 8601") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _integer(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(f"{what} must be a whole number, got {text!r:.80}") from None
