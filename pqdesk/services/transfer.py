"""Messages in files that leave the workspace, a JSON object a line or CSV, and back, for `export` and `import`.

A spreadsheet runs what begins like a formula, so such a cell of CSV gets an apostrophe in front, which reading takes
away again (owasp.org, CSV injection). In CSV the column `form` says how to read the payload: json, text or bytes; and
`result_form` the result.
"""

from __future__ import annotations

import base64
import binascii
import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

from pqdesk.errors import InvalidInput, NotFound
from pqdesk.messages.activities import VersionRecord
from pqdesk.messages.aliases import OnConflict
from pqdesk.messages.masking import has_mask, masked
from pqdesk.messages.payloads import parse_json
from pqdesk.messages.plain_json import json_text, plain
from pqdesk.messages.records import MessageDetail, Outgoing
from pqdesk.messages.states import State
from pqdesk.queues.outgoing import checked_outgoing
from pqdesk.services.line_batches import BATCH_LINES, Batch, line_batches
from pqdesk.storage.looking import PageRequest

if TYPE_CHECKING:
    from pqdesk.messages.selection import Selection
    from pqdesk.storage.looking import Inspection
    from pqdesk.workspace import Workspace

Format = Literal["jsonl", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_PAGE_SIZE = 500
_LINE_BYTES = 128 * 1024 * 1024  # a payload of 16 MiB, each byte of it escaped
_SHOWN = 10
_WRITTEN = (
    "id", "queue", "state", "type", "priority", "group", "key", "attempt", "max_attempts", "enqueued_at", "due_at",
    "expires_at", "key_until", "started_at", "finished_at", "error_text",
)  # fmt: skip
_CSV_COLUMNS = (*_WRITTEN, "headers", "form", "payload", "result_form", "result")
_HISTORY = ("attempts", "versions")
_READ = (
    "queue",
    "state",
    "type",
    "priority",
    "group",
    "key",
    "max_attempts",
    "due_at",
    "expires_at",
    "key_until",
    "headers",
)
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
        """The cells of one row, in the order of the titles."""
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


def write_messages(
    inspection: Inspection, selection: Selection, file: IO[str], form: Format, *, has_history: bool, is_masked: bool
) -> Iterator[bool]:
    """Write what is selected, oldest first, page by page, so that nobody has to wait; for each, whether it hides."""
    writer = csv.writer(file, quoting=csv.QUOTE_ALL) if form == "csv" else None
    if writer is not None:
        writer.writerow((*_CSV_COLUMNS, *_HISTORY) if has_history else _CSV_COLUMNS)
    for detail, versions in _details(inspection, selection):
        one = Exported(detail, versions if has_history else None, is_masked)
        if writer is not None:
            writer.writerow(one.as_cells())
        else:
            file.write(one.as_json() + "\n")
        yield one.hides


def _details(inspection: Inspection, selection: Selection) -> Iterator[tuple[MessageDetail, tuple[VersionRecord, ...]]]:
    """Each message whole; one that was pruned meanwhile is left out. Each look is short."""
    after = 0
    while True:
        page = inspection.page(PageRequest(selection=selection, after=after, limit=_PAGE_SIZE))
        for record in reversed(page):
            with suppress(NotFound):
                detail = inspection.message(record.id)
                yield detail, () if detail.version == 1 else inspection.versions(record.id)
        if len(page) < _PAGE_SIZE:
            return
        after = page[0].id


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the file, by its number from 1 on; `fields` or the `problem` with it."""

    number: int
    fields: Any = None
    problem: str | None = None


@dataclass(slots=True)
class Total:
    """What came of the entries so far. `next_number`: the first that is not put yet."""

    next_number: int = 1
    put: int = 0
    valid: int = 0
    finished: int = 0
    problems: list[str] = field(default_factory=list)
    invalid: int = 0


@dataclass(frozen=True, slots=True)
class Importer:
    """Judges batches of entries and puts what is good; `total` tells what came of them.

    Attributes:
        queue: For all of them; None leaves each its own.
        has_finished: Whether those are put, too, that are finished or have expired.
        is_lenient: What cannot be put is counted, where it else is raised.
    """

    total: Total
    queue: str | None
    on_conflict: OnConflict
    has_finished: bool
    is_lenient: bool

    def judged(self, entries: Sequence[Entry]) -> list[Outgoing]:
        """What of them is to be put. Raises InvalidInput, naming the entry."""
        now = datetime.now(UTC)
        messages = [one for entry in entries if (one := self._judged(entry, now)) is not None]
        self.total.valid += len(messages)
        return messages

    def put(self, messages: list[Outgoing], entries: Sequence[Entry], workspace: Workspace) -> None:
        """Put what was judged of `entries`, in one transaction."""
        if messages:
            workspace.queue(str(messages[0].queue)).put_many(messages)
        self.total.put += len(messages)
        self.total.next_number = entries[-1].number + 1

    def _judged(self, entry: Entry, now: datetime) -> Outgoing | None:
        total = self.total
        try:
            if entry.problem is not None:
                raise InvalidInput(entry.problem)
            if isinstance(entry.fields, dict) and not self.has_finished and _is_over(entry.fields, now):
                total.finished += 1
                return None
            message = _as_outgoing(entry.fields, queue=self.queue, on_conflict=self.on_conflict, now=now)
            checked_outgoing(message, "")
        except InvalidInput as exc:
            text = f"message {entry.number:,}: {exc}"
            if not self.is_lenient:
                raise InvalidInput(text) from exc
            total.invalid += 1
            if len(total.problems) < _SHOWN:
                total.problems.append(text)
            return None
        return message


def read_entries(descriptor: int, form: Format, first: int, show: Callable[[Batch], None]) -> Iterator[list[Entry]]:
    """The entries from number `first` on, at most 1,000 at once; `show` is told of the lines that were taken."""
    if form == "csv":
        entries = (entry for entry in _csv_entries(descriptor) if entry.number >= first)
        while batch := list(islice(entries, BATCH_LINES)):
            yield batch
        return
    for lines in line_batches(descriptor, from_line=first, line_limit_bytes=_LINE_BYTES):
        numbered = enumerate(lines.lines, lines.first_line)
        yield [_entry(number, partial(parse_json, line, "it")) for number, line in numbered]
        show(lines)


def _entry(number: int, read: Callable[[], Any]) -> Entry:
    try:
        return Entry(number, read())
    except InvalidInput as exc:
        return Entry(number, problem=str(exc))


def _csv_entries(descriptor: int) -> Iterator[Entry]:
    csv.field_size_limit(_LINE_BYTES)
    with open(os.dup(descriptor), encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        rows = csv.reader(text)
        try:
            titles = next(rows, [])
        except csv.Error as exc:
            raise InvalidInput(f"its first line is no CSV: {exc}") from exc
        if "payload" not in titles:
            raise InvalidInput("its first line has no title 'payload'; the titles are those that export writes")
        for number in count(1):
            try:
                row = next(rows, None)
            except csv.Error as exc:
                yield Entry(number, problem=f"it is no CSV: {exc}")
                continue
            if row is None:
                return
            if len(row) != len(titles):
                yield Entry(number, problem=f"it has {len(row)} cells, and the first line has {len(titles)}")
            else:
                yield _entry(number, partial(from_cells, dict(zip(titles, row, strict=True))))


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


def _is_over(fields: Mapping[str, Any], now: datetime) -> bool:
    """Whether the message is not to be done any more: it was final, or it has expired. Raises InvalidInput."""
    word = fields.get("state")
    try:
        state = None if word is None else State.from_word(word if isinstance(word, str) else "")
    except KeyError:
        raise InvalidInput(f"there is no state {word!r:.80}") from None
    expires_at = _instant(fields, "expires_at")
    return (state is not None and state.is_final) or (expires_at is not None and expires_at <= now)


def _as_outgoing(fields: Any, *, queue: str | None, on_conflict: OnConflict, now: datetime) -> Outgoing:
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
    due_at, expires_at, key_until = (_instant(fields, name) for name in ("due_at", "expires_at", "key_until"))
    return Outgoing(
        _payload(fields), queue=into, type=fields.get("type"), priority=fields.get("priority", 0),
        at=due_at if due_at is not None and due_at > now else None, key=fields.get("key"), on_conflict=on_conflict,
        group=fields.get("group"), max_attempts=fields.get("max_attempts"), headers=fields.get("headers"),
        expires=expires_at - now if expires_at is not None and expires_at > now else None,
        unique_for=key_until - now if key_until is not None and key_until > now else None,
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
