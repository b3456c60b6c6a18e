"""Where messages are posted to, and the headers that go with each; posting.py does it, and is imported only then."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from pqdesk.queues.message import Message
from pqdesk.worker_checks import check_header_value, filled_in, origin_of

DEFAULT_TIMEOUT_S = 60.0  # where nothing says how long a request may take: a silent server must not hold a worker
_REPLACED = {"content-type": "Content-Type", "user-agent": "User-Agent"}  # ours, unless given
_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


@dataclass(frozen=True, slots=True)
class PostTarget:
    """An address that messages are posted to, and headers that go with each. `check` it before taking any message.

    `$NAME` in the value of a header comes from the environment, so that a secret stands in no command line.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def check(self) -> None:
        """Raise InvalidInput for what cannot be posted to."""
        origin_of(self.url)
        own_headers(self.headers)


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
