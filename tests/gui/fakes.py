"""Made-up records for the tests and pictures of the window."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from PySide6.QtWidgets import QLabel, QWidget

from pqdesk.messages.records import AttemptRecord, MessageDetail, MessageRecord
from pqdesk.messages.states import AttemptOutcome, State

NOW = datetime(2026, 11, 24, 14, 2, 7, tzinfo=UTC)

_STARTED = (State.RUNNING, State.RETRYING, State.COMPLETED, State.FAILED)


def make_record(message_id: int, state: State = State.COMPLETED, **values: Any) -> MessageRecord:
    """A plausible record; `values` overrides any field."""
    enqueued = values.pop("enqueued_at", NOW - timedelta(seconds=12 + (100_000 - message_id) * 0.05))
    has_started = state in _STARTED
    started = enqueued + timedelta(milliseconds=40 + message_id % 700) if has_started else None
    is_over = has_started and state is not State.RUNNING
    return MessageRecord(
        **{
            "id": message_id,
            "queue": "code",
            "state": state,
            "type": "files.count",
            "priority": 0,
            "group": None,
            "key": None,
            "attempt": 1 if has_started else 0,
            "max_attempts": 5,
            "enqueued_at": enqueued,
            "due_at": NOW + timedelta(minutes=4) if state in (State.SCHEDULED, State.RETRYING) else enqueued,
            "started_at": started,
            "finished_at": started + timedelta(milliseconds=3 + message_id % 900) if started and is_over else None,
            "error": None,
            "worker": "consumer" if has_started else None,
            "payload_preview": f'{{"path":"/usr/lib/python3.11/file{message_id}.py","size":{message_id * 7}}}',
            "payload_size": 60 + message_id % 40,
            **values,
        }
    )


def make_detail(record: MessageRecord, payload: Any = None, **values: Any) -> MessageDetail:
    """The same message whole, with one attempt unless `values` says otherwise."""
    outcome = {State.COMPLETED: AttemptOutcome.COMPLETED, State.FAILED: AttemptOutcome.FAILED}.get(record.state)
    attempts = (AttemptRecord(1, record.worker, record.started_at, record.finished_at, outcome, record.error),)
    return MessageDetail(
        **{
            **{one.name: getattr(record, one.name) for one in fields(record)},
            "payload": {"path": "/usr/lib/python3.11/abc.py", "size": 6522} if payload is None else payload,
            "headers": {},
            "result": {"lines": 188, "words": 700} if record.state is State.COMPLETED else None,
            "attempts": attempts if record.started_at else (),
            "error_text": record.error,
            **values,
        }
    )


def said(within: QWidget, name: str) -> str:
    """What the label of that object name says."""
    label = within.findChild(QLabel, name)
    assert label is not None, name
    return label.text()
