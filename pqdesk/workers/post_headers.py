"""The headers of a POST: what tells of the message, and what somebody wants to go with each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from pqdesk.queues.message import Message
from pqdesk.worker_checks import check_header_value, filled_in

_REPLACED = {"content-type": "Content-Type", "user-agent": "User-Agent"}  # ours, unless given
_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


def own_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What goes with each request, variables of the environment filled in. Raises InvalidInput."""
    values: dict[str, str] = {}
    for name, written in headers:
        check_header_value(name, written)
        value = filled_in(name, written, os.environ)
        check_header_value(name, value)
        values[_REPLACED.get(name.lower(), name)] = value
    return values


def message_headers(message: Message) -> dict[str, str]:
    headers = {
        "User-Agent": "PQDesk",
        "PQDesk-Id": str(message.id),
        "PQDesk-Queue": _encoded(message.queue),
        "PQDesk-Attempt": str(message.attempt),
        # Ids begin anew in each workspace, so with the moment of the put.
        "Idempotency-Key": f"pqdesk-{message.id}-{message.enqueued_at:%Y%m%dT%H%M%S.%f}",
    }
    if message.type is not None:
        headers["PQDesk-Type"] = _encoded(message.type)
    if message.key is not None:
        headers["PQDesk-Key"] = _encoded(message.key)
    headers.update({f"PQDesk-Header-{name}": _encoded(value) for name, value in message.headers.items()})
    return headers


def _encoded(text: str) -> str:
    """In a header: printable ASCII as it is, all else and `%` percent-encoded."""
    return quote(text, safe=_PLAIN)
