"""Payloads that people change or copy: the old one is kept as a version. In a write transaction."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.activities import VersionRecord
from pqdesk.messages.payloads import checksum
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.puts import INLINE_BYTES
from pqdesk.storage.sqlite.rows import shown_payload
from pqdesk.storage.sqlite.status import MessageRow
from pqdesk.storage.values import EncodedPayload

_PAYLOAD = """
    SELECT coalesce(m.payload, p.payload) FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id
     WHERE m.id = ?"""
_ADD_VERSION = """
    INSERT INTO pqdesk_version (message_id, version, replaced_us, activity_id, payload_kind, checksum, payload)
    SELECT ?1, 1 + coalesce(max(version), 0), ?2, ?3, ?4, ?5, ?6 FROM pqdesk_version WHERE message_id = ?1"""
_VERSIONS = """
    SELECT version, replaced_us, activity_id, payload_kind, payload FROM pqdesk_version
     WHERE message_id = ? ORDER BY version"""
_VERSION_BEFORE = """
    SELECT payload_kind, payload FROM pqdesk_version WHERE message_id = ? AND activity_id = ?
     ORDER BY version DESC LIMIT 1"""
_SET = "UPDATE pqdesk_message SET payload_kind = ?2, checksum = ?3, payload = ?4 WHERE id = ?1"
_SET_APART = "INSERT OR REPLACE INTO pqdesk_payload (id, payload) VALUES (?, ?)"
_DROP_APART = "DELETE FROM pqdesk_payload WHERE id = ?"
_COPY = """
    INSERT INTO pqdesk_message (queue_id, state, line, priority, max_attempts, type_id, enqueued_us, due_us, "group",
                                headers, payload_kind, checksum, payload, copy_of)
    SELECT queue_id, 2, ?2, priority, max_attempts, type_id, ?3, ?3, "group", headers, ?4, ?5, ?6, id
      FROM pqdesk_message WHERE id = ?1"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A message that was made like another one."""

    id: int
    checksum: int


def read_payload(db: apsw.Connection, message_id: int) -> bytes:
    """As stored; empty where it has gone."""
    row = first_row(db, _PAYLOAD, (message_id,))
    data: bytes = b"" if row is None or row[0] is None else row[0]
    return data


def replace_payload(
    db: apsw.Connection, row: MessageRow, payload: EncodedPayload, now_us: int, activity_id: int | None
) -> int:
    """Give a message another payload, and keep the one it had; returns its new checksum."""
    old = read_payload(db, row.id)
    db.execute(_ADD_VERSION, (row.id, now_us, activity_id, row.payload_kind, row.checksum, old))
    number = checksum(payload.kind, row.key, payload.data)
    is_inline = len(payload.data) <= INLINE_BYTES
    db.execute(_SET, (row.id, payload.kind, number, payload.data if is_inline else None))
    if is_inline:
        db.execute(_DROP_APART, (row.id,))
    else:
        db.execute(_SET_APART, (row.id, payload.data))
    return number


def payload_before(db: apsw.Connection, message_id: int, activity_id: int) -> EncodedPayload | None:
    """What a message had before the activity that edited it."""
    row = first_row(db, _VERSION_BEFORE, (message_id, activity_id))
    return None if row is None else EncodedPayload(*row)


def copy_message(db: apsw.Connection, row: MessageRow, payload: EncodedPayload, line: int, now_us: int) -> Copy:
    """A ready message like `row`, with this payload: without key, expiry and what became of it."""
    number = checksum(payload.kind, None, payload.data)  # the checksum is over the key, too
    is_inline = len(payload.data) <= INLINE_BYTES
    db.execute(_COPY, (row.id, line, now_us, payload.kind, number, payload.data if is_inline else None))
    copy_id = db.last_insert_rowid()
    if not is_inline:
        db.execute(_SET_APART, (copy_id, payload.data))
    return Copy(copy_id, number)


def read_versions(db: apsw.Connection, message_id: int) -> tuple[VersionRecord, ...]:
    """Oldest first."""
    return tuple(
        VersionRecord(
            version=version, replaced_at=to_datetime(replaced_us), activity_id=activity_id,
            payload=shown_payload(kind, payload),
        )
        for version, replaced_us, activity_id, kind, payload in all_rows(db, _VERSIONS, (message_id,))
    )  # fmt: skip
