"""The headers of a POST: what tells of the message, and what somebody wants to go with each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import quote

from pqdesk.errors import InvalidInput
from pqdesk.queues.message import Message

_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "idempotency-key"))
_REPLACED = {"content-type": "Content-Type", "user-agent": "User-Agent"}  # ours, unless given
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FROM_ENVIRONMENT = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


def own_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What goes with each request. Raises InvalidInput."""
    values: dict[str, str] = {}
    for name, written in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("pqdesk-"):
            raise InvalidInput(
                f"the header {name!r:.80} cannot be set; PQDesk and HTTP write that one, or it is no name"
            )
        value, match = written, _FROM_ENVIRONMENT.fullmatch(written)
        if match is not None:
            value = os.environ.get(match[1], "")
            if not value:
                raise InvalidInput(f"the header {name} is to come from ${match[1]}, which is not set")
        if not value.isascii() or not value.isprintable():
            raise InvalidInput(f"the value of the header {name} may have printable ASCII characters only")
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
