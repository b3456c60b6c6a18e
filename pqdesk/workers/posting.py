"""An HTTP server as the worker of a queue: one POST per message, its status as the answer.

    2xx                     completed, with up to 64 KiB of the body as the result
    408, 425, 429, 5xx      tried again, after the time that Retry-After asks for or the backoff
    no connection, timeout  tried again after the backoff
    other 4xx, redirects    failed at once; 307 and 308 to the same server are followed

The body is the payload: JSON as application/json, text as text/plain, bytes as application/octet-stream. Headers tell
of the message: PQDesk-Id, -Queue, -Type, -Attempt, -Key and PQDesk-Header-NAME for each of its own, percent-encoded
where they are not ASCII. Idempotency-Key is the same for every attempt at a message and for no other message.

A message may be posted twice, as every worker may see one twice. No proxy is used, certificates are checked. A request
under way goes on when its message is cancelled, since the server cannot be asked; its answer counts.
"""

from __future__ import annotations

import email.utils
import functools
import http.client
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from pqdesk.clock import Clock
from pqdesk.messages.durations import format_duration
from pqdesk.messages.json_text import load_json
from pqdesk.messages.payloads import PayloadKind, encode_payload
from pqdesk.queues.message import Message
from pqdesk.worker_checks import origin_of
from pqdesk.workers.post_connection import Answer, Deadline, PostConnection
from pqdesk.workers.post_target import PostTarget, message_headers, own_headers
from pqdesk.workers.report import Report
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed, Ending, GivenUp, Nacked, Work

_RESULT_LIMIT_BYTES = 64 * 1024
_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 1024
_LONGEST_DELAY_S = 86_400.0
_RETRIED = frozenset((408, 425, 429))
_FOLLOWED = frozenset((307, 308))  # the two that keep the method (RFC 9110, 15.4)
_CONTENT_TYPES: dict[int, str] = {
    PayloadKind.JSON: "application/json",
    PayloadKind.TEXT: "text/plain; charset=utf-8",
    PayloadKind.BYTES: "application/octet-stream",
}


class PostWork(Work):
    """Posts messages; each thread has a connection of its own."""

    def __init__(self, target: PostTarget, report: Report, clock: Clock) -> None:
        self._url = target.url
        self._origin = origin_of(target.url)
        self._headers = own_headers(target.headers)
        self._context = ssl.create_default_context() if self._origin.scheme == "https" else None
        self._report = report
        self._clock = clock
        self._local = threading.local()
        self._connections: list[PostConnection] = []

    def do(self, delivery: Delivery) -> Ending:
        message = delivery.message
        kind, body = encode_payload(message.payload)
        headers = {"Content-Type": _CONTENT_TYPES[kind], **message_headers(message), **self._headers}
        try:
            answer = self._post(body, headers, Deadline(self._clock, delivery.timeout_s))
        except TimeoutError as exc:
            if exc.errno is not None:  # the network's own, such as a host that does not answer
                return Nacked(f"cannot post to {self._origin.netloc}: {_reason(exc)}", is_told=True)
            limit = format_duration(delivery.timeout_s or 0.0)
            return Nacked(f"timed out after {limit}", is_told=True, is_timeout=True)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            # ValueError: a host name too odd for DNS, and what http.client makes of numbers that are none.
            return Nacked(f"cannot post to {self._origin.netloc}: {_reason(exc)}", is_told=True)
        return self._ending(message, answer)

    def abandon(self) -> None:
        for connection in list(self._connections):
            connection.abort()

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> Answer:
        url, connection = self._url, self._connection()
        for _ in range(_MOST_REDIRECTS):
            answer = connection.post(_path(url), body, headers, deadline, _RESULT_LIMIT_BYTES)
            place = answer.headers.get("Location")
            followed = None if answer.status not in _FOLLOWED or place is None else self._on_same_server(url, place)
            if followed is None:
                return answer
            url = followed
        return answer

    def _on_same_server(self, url: str, place: str) -> str | None:
        """Where a redirect leads; None when that is another server, or no address to post to."""
        try:
            url = urljoin(url, place)
            there = origin_of(url)
        except ValueError:  # InvalidInput is one
            return None
        is_same = (there.scheme, there.hostname, there.port) == (
            self._origin.scheme,
            self._origin.hostname,
            self._origin.port,
        )
        return url if is_same else None

    def _connection(self) -> PostConnection:
        connection: PostConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = PostConnection(self._origin, self._context, self._clock)
            self._connections.append(connection)
        return connection

    def _ending(self, message: Message, answer: Answer) -> Ending:
        if 200 <= answer.status < 300:
            if answer.is_cut:
                limit = f"{_RESULT_LIMIT_BYTES // 1024} KiB"
                self._report.warn(f"id={message.id}: the answer has more than {limit}; the rest is not in the result")
            return Completed(result_of(answer))
        error = error_of(answer)
        if answer.status in _RETRIED or answer.status >= 500:
            return Nacked(error, retry_after_s(answer.headers.get("Retry-After"), self._clock), is_told=True)
        return GivenUp(error, is_told=True)


@functools.cache
def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _reason(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {exc.verify_message}"
    if isinstance(exc, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(exc, http.client.HTTPException) or (
        isinstance(exc, ValueError) and not isinstance(exc, UnicodeError)
    ):
        return shown_in_line(f"what it answered is no HTTP ({type(exc).__name__})")
    return shown_in_line((exc.strerror if isinstance(exc, OSError) else None) or str(exc) or type(exc).__name__)


def result_of(answer: Answer) -> Any:
    """The body: None when empty, JSON if it says so and is, text, else bytes."""
    if not answer.body:
        return None
    try:
        charset = answer.headers.get_content_charset("utf-8")
        text = answer.body.decode(charset, "ignore" if answer.is_cut else "strict")
        text.encode("utf-8")  # some encodings decode to lone surrogates, which no result can hold
    except (LookupError, ValueError):  # no such charset, a NUL in its name, or other bytes than it says
        return answer.body
    kind = answer.headers.get_content_type()
    if not answer.is_cut and (kind == "application/json" or kind.endswith("+json")):
        try:
            value = load_json(text)
            encode_payload(value)
            return value
        except ValueError:  # also what Python reads and JSON has not, such as NaN
            pass
    return text


def error_of(answer: Answer) -> str:
    """The status and the first KiB of the body, in one line."""
    text = answer.body[:_ERROR_BODY_BYTES].decode("utf-8", "replace").strip()
    status = shown_in_line(f"HTTP {answer.status} {answer.reason}".rstrip())
    place = answer.headers.get("Location") if 300 <= answer.status < 400 else None
    if place is not None:
        return f"{status}: it sends us to {shown_in_line(place[:200])}, which is not followed; post there at once"
    return f"{status}: {shown_in_line(text)}" if text else status


def shown_in_line(text: str) -> str:
    """In one line, with `\\n` and `\\x1b` for what would not show or do harm."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def retry_after_s(value: str | None, clock: Clock) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), at most a day; None: it does not say."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _LONGEST_DELAY_S)
    try:
        at_s = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, at_s - clock.wall_us() / 1_000_000), _LONGEST_DELAY_S)
