"""Messages put by plain SQL: rows of pqdesk_put, which any program writes in a transaction of its own.

Whoever is there takes them in, in order of id, each batch in one transaction with the messages that it becomes. A row
that cannot become one stays, with the reason in `refused`, until somebody corrects it (`refused = NULL` tries it
anew) or deletes it. A max_size does not hold here, nor does looking only: the program was told that its row is in, so
it is not lost. A `delay` counts from when the row is taken in, by the clock of whoever does it.
"""

from typing import Any, NamedTuple

import apsw

from pqdesk.errors import DiskFull, DuplicateKey, InvalidInput
from pqdesk.messages.checks import PRIORITY_LIMIT, check_int, check_optional_name, encode_headers
from pqdesk.messages.durations import duration_us
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES, encode_payload, parse_json
from pqdesk.storage.sqlite.connection import Translating, all_rows, first_row
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.logger import logger
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.puts import Putting
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.values import EncodedPayload, NewMessage

BATCH = 1000
_BATCH_BYTES = 16 * 1024 * 1024  # a batch of huge rows ends sooner, so that the lock is soon free again
_SMALL_BYTES = 16 * 1024
_NAME_BYTES = 1100  # more than 255 characters can have
_HEADERS_BYTES = 2 * 1024 * 1024
_REASON_CHARACTERS = 500
_LARGEST_ROW_BYTES = 1_000_000_000  # SQLite's own limit (sqlite.org/limits.html)

NEW_ROW = "SELECT 1 FROM pqdesk_put INDEXED BY pqdesk_put_new WHERE refused IS NULL LIMIT 1"
_NEW = """
    SELECT id, octet_length(payload) FROM pqdesk_put INDEXED BY pqdesk_put_new
     WHERE refused IS NULL ORDER BY id LIMIT ?"""
_TAKEN = "DELETE FROM pqdesk_put WHERE id = ?"
_REFUSE = "UPDATE pqdesk_put SET refused = ? WHERE id = ?"


def _column(name: str, limit_bytes: int) -> str:
    """Type, length and bytes of a column, which may hold anything: what is too long is not read."""
    size = f"octet_length({name})"
    return f"typeof({name}), {size}, CASE WHEN {size} <= {limit_bytes} THEN CAST({name} AS BLOB) END"


_NAMES = ("queue", "type", "key", "group")
_TEXTS = dict.fromkeys(_NAMES, _NAME_BYTES) | {"headers": _HEADERS_BYTES}
_ROW = f"""
    SELECT {_column("payload", PAYLOAD_LIMIT_BYTES)}, {", ".join(_column(f'"{one}"', _TEXTS[one]) for one in _TEXTS)},
           typeof(priority), iif(typeof(priority) = 'integer', priority, NULL),
           typeof(delay), iif(typeof(delay) IN ('integer', 'real'), delay, NULL)
      FROM pqdesk_put WHERE id = ? AND refused IS NULL"""


class TakenIn(NamedTuple):
    """What became of a batch: rows looked at, rows refused, queues that got messages."""

    rows: int
    refused: int
    queues: list[str]


class _Judged(NamedTuple):
    """A row as it was read, and the message that it asks for; None: there is none, for this reason."""

    id: int
    size_bytes: int
    row: tuple[Any, ...]
    message: NewMessage | None
    reason: str


class Ingestion:
    """Turns rows of pqdesk_put into messages. Whoever calls it holds the engine's lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._space = SpaceReserve(engine.path, engine.clock)

    def take_in(self) -> int:
        """One batch in a transaction of its own; returns how many rows it had. If there are none, it costs one look.

        Not flushed: should the power take it, it takes the deletion of the rows along.
        """
        engine = self._engine
        with Translating(engine.path, engine.db):
            if first_row(engine.db, NEW_ROW) is None:
                return 0
            judged = self._judged(engine.db)  # before the write lock is taken: a large payload takes a while
        try:
            self._space.check(sum(len(one.message.payload.data) for one in judged if one.message is not None))
        except DiskFull:  # the rows wait; what is kept back is for acks
            return 0
        refused = [one for one in judged if one.message is None and one.size_bytes > _SMALL_BYTES]
        for one in refused:  # each is written anew for that: alone, so that others get the lock in between
            self._take_in_unchanged([one])
        engine.ring(self._take_in_unchanged([one for one in judged if one not in refused]))
        return len(judged)

    def _take_in_unchanged(self, judged: list[_Judged]) -> list[str]:
        """What nobody has changed since it was read, in a transaction of its own; the queues to ring for."""
        engine = self._engine
        with engine.writing() as db:
            unchanged = [one for one in judged if first_row(db, _ROW, (one.id,)) == one.row]
            return self._take_in(db, unchanged, engine.metrics).queues

    def take_in_here(self, db: apsw.Connection, metrics: Metrics) -> TakenIn:
        """One batch in the transaction that is open."""
        return self._take_in(db, self._judged(db), metrics)

    def _judged(self, db: apsw.Connection) -> list[_Judged]:
        """The next rows, up to a batch, and what they ask for."""
        judged: list[_Judged] = []
        read_bytes = 0
        for row_id, size in all_rows(db, _NEW, (BATCH,)):
            size_bytes = size or 0
            read_bytes += size_bytes if size_bytes <= PAYLOAD_LIMIT_BYTES else 0
            if judged and read_bytes > _BATCH_BYTES:
                break
            row = first_row(db, _ROW, (row_id,))
            if row is None:
                continue
            try:
                judged.append(_Judged(row_id, size_bytes, row, _message(row), ""))
            except InvalidInput as exc:
                judged.append(_Judged(row_id, size_bytes, row, None, str(exc)))
        return judged

    def _take_in(self, db: apsw.Connection, judged: list[_Judged], metrics: Metrics) -> TakenIn:
        putting = _Unbounded(db, self._engine.clock.wall_us())
        taken: list[tuple[int]] = []
        refused: list[tuple[str, int]] = []
        for one in judged:
            if one.message is None:
                refused.append((one.reason[:_REASON_CHARACTERS], one.id))
                continue
            try:
                putting.add(one.message)
                taken.append((one.id,))
            except DuplicateKey as exc:
                refused.append((str(exc)[:_REASON_CHARACTERS], one.id))
        if taken:
            db.executemany(_TAKEN, taken)
        if refused:
            _refuse(db, refused)
        queues = putting.finish(metrics)
        for reason, row_id in refused:
            logger(__name__).warning(
                "row %d of pqdesk_put cannot become a message and is kept there: %s", row_id, reason
            )
        return TakenIn(len(taken) + len(refused), len(refused), queues)


def _refuse(db: apsw.Connection, refused: list[tuple[str, int]]) -> None:
    """Keep the reasons. A row is written anew for that, so the limit of what a workspace reads is lifted meanwhile."""
    limit_bytes = db.limit(apsw.SQLITE_LIMIT_LENGTH)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, _LARGEST_ROW_BYTES)
    try:
        db.executemany(_REFUSE, refused)
    finally:
        db.limit(apsw.SQLITE_LIMIT_LENGTH, limit_bytes)


class _Unbounded(Putting):
    """Puts whatever the max_size of a queue says."""

    __slots__ = ()

    def _open(self, queue: str) -> Any:
        into = super()._open(queue)
        into.room = None
        return into


def _message(row: tuple[Any, ...]) -> NewMessage:
    """The message that a row asks for. Raises InvalidInput."""
    payload, columns = row[:3], row[3:]
    texts = {name: _text(name, *columns[3 * at : 3 * at + 3]) for at, name in enumerate(_TEXTS)}
    priority_type, priority, delay_type, delay = columns[3 * len(_TEXTS) :]
    if priority is None and priority_type != "null":
        raise InvalidInput(f"priority must be an integer, got {_article(priority_type)}")
    if delay is None and delay_type != "null":
        raise InvalidInput(f"delay must be a number of seconds, got {_article(delay_type)}")
    queue = check_optional_name(texts["queue"], "queue")
    if queue is None:
        raise InvalidInput("queue is NULL")
    return NewMessage(
        queue=queue,
        payload=_payload(*payload),
        type=check_optional_name(texts["type"], "type"),
        priority=0 if priority is None else check_int(priority, "priority", least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT),
        delay_us=None if delay is None else duration_us(delay, "delay"),
        key=check_optional_name(texts["key"], "key"),
        group=check_optional_name(texts["group"], "group"),
        headers=_headers(texts["headers"]),
    )


def _payload(kind: str, size: int | None, data: bytes | None) -> EncodedPayload:
    if kind == "null":
        raise InvalidInput("payload is NULL; TEXT is JSON (the word null too), BLOB is bytes")
    if kind not in ("text", "blob"):
        raise InvalidInput(f"payload is {_article(kind)}; TEXT is JSON, BLOB is bytes")
    if data is None:
        raise InvalidInput(f"payload has {size:,} bytes, the limit is {PAYLOAD_LIMIT_BYTES:,}; put a path instead")
    if kind == "blob":
        return EncodedPayload(*encode_payload(data))
    return EncodedPayload(*encode_payload(parse_json(data, "payload")))


def _headers(text: str | None) -> str | None:
    return None if text is None else encode_headers(parse_json(text.encode("utf-8"), "headers"))


def _text(name: str, kind: str, size: int | None, data: bytes | None) -> str | None:
    if kind == "null":
        return None
    if kind != "text":
        raise InvalidInput(f"{name} must be TEXT, got {_article(kind)}")
    if data is None:
        raise InvalidInput(f"{name} has {size:,} bytes, which is too long")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{name} is not UTF-8 at byte {exc.start}") from None


def _article(kind: str) -> str:
    return "an INTEGER" if kind == "integer" else f"a {kind.upper()}"
