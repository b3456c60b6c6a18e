"""One connection to an HTTP server, kept open between requests, on which every request ends by its deadline.

http.client bounds each read by a timeout, so that a server which sends a byte now and then could hold a worker for
ever. Here every connect, write and read gets only what is left of the request's time.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import SplitResult

from pqdesk.clock import Clock

_KEPT_MS = 15_000  # servers close idle connections after some time; one that was just closed would lose a request
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; of a long body only the beginning."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes
    is_cut: bool


_LONGEST_MS = 20 * 86_400_000  # a socket takes 24 days at most


class Deadline:
    """The end of one request; None is never."""

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self._ends_ms = None if seconds is None else clock.awake_ms() + round(seconds * 1000)

    def left_s(self) -> float | None:
        """What a socket may take, None for as long as it likes. Raises TimeoutError when the time is over."""
        if self._ends_ms is None:
            return None
        left_ms = self._ends_ms - self._clock.awake_ms()
        if left_ms <= 0:
            raise TimeoutError
        return left_ms / 1000 if left_ms < _LONGEST_MS else None


class PostConnection:
    """Belongs to one thread, but for `abort`."""

    def __init__(self, origin: SplitResult, context: ssl.SSLContext | None, clock: Clock) -> None:
        self._origin = origin
        self._context = context
        self._clock = clock
        self._socket: _BoundedSocket | None = None
        self._used_ms = 0
        self._is_aborted = False

    def post(
        self, target: str, body: bytes, headers: Mapping[str, str], deadline: Deadline, limit_bytes: int
    ) -> Answer:
        """Send one request and read its answer, of the body at most `limit_bytes`.

        Raises:
            OSError: No connection, or it broke; TimeoutError when the deadline was first.
            http.client.HTTPException: What came back is no HTTP.
        """
        is_old = self._is_usable()
        try:
            return self._exchange(target, body, headers, deadline, limit_bytes)
        except ConnectionError:
            if not is_old or self._is_aborted:
                raise
        # The server closed the kept connection just as it was used again; a new one says whether it is there.
        return self._exchange(target, body, headers, deadline, limit_bytes)

    def _exchange(
        self, target: str, body: bytes, headers: Mapping[str, str], deadline: Deadline, limit_bytes: int
    ) -> Answer:
        bounded = self._connected(deadline)
        bounded.deadline = deadline
        is_kept = False
        try:
            client = _client(self._origin)
            client.sock = bounded
            client.request("POST", target, body, dict(headers))
            with client.getresponse() as response:
                start = response.read(limit_bytes + 1)
                is_cut = len(start) > limit_bytes
                if not is_cut and response.length:  # read() is content with less than was announced
                    raise http.client.IncompleteRead(start, response.length)
                is_kept = not is_cut and not response.will_close
                return Answer(response.status, response.reason, response.headers, start[:limit_bytes], is_cut)
        finally:
            self._used_ms = self._clock.awake_ms()
            if not is_kept:
                self.close()

    def abort(self) -> None:
        """End the request under way, from any thread."""
        self._is_aborted = True
        bounded = self._socket
        if bounded is not None:
            bounded.abort()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.end()
            self._socket = None

    def _is_usable(self) -> bool:
        """Whether the connection of the request before can be used again; else it is closed."""
        if self._socket is None:
            return False
        is_fresh = self._clock.awake_ms() - self._used_ms < _KEPT_MS
        if is_fresh and self._socket.is_quiet():
            return True
        self.close()
        return False

    def _connected(self, deadline: Deadline) -> _BoundedSocket:
        if self._socket is not None:
            return self._socket
        if self._is_aborted:
            raise ConnectionAbortedError("the worker ends")
        self._socket = _BoundedSocket(self._connect(deadline), deadline)
        return self._socket

    def _connect(self, deadline: Deadline) -> socket.socket:
        host, port = self._origin.hostname or "", self._origin.port or (443 if self._context else 80)
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure = OSError(f"{host!r} has no address")
        for number, (family, kind, protocol, _, address) in enumerate(places):
            plain = socket.socket(family, kind, protocol)
            try:
                left_s = deadline.left_s()
                plain.settimeout(None if left_s is None else left_s / (len(places) - number))
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.settimeout(deadline.left_s())
                return plain if self._context is None else self._context.wrap_socket(plain, server_hostname=host)
            except OSError as exc:
                plain.close()
                failure = exc
        deadline.left_s()
        raise failure


class _BoundedSocket:
    """What http.client uses of a socket, each step within the deadline. It closes nothing but by `end`."""

    def __init__(self, plain: socket.socket, deadline: Deadline) -> None:
        self._plain = plain
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK_BYTES):
            self._plain.settimeout(self.deadline.left_s())
            self._plain.sendall(view[start : start + _CHUNK_BYTES])

    def receive_into(self, buffer: memoryview) -> int:
        self._plain.settimeout(self.deadline.left_s())
        return self._plain.recv_into(buffer)

    def makefile(self, mode: str) -> IO[bytes]:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """http.client closes it while the answer is still being read."""

    def is_quiet(self) -> bool:
        """Whether nothing came since the last answer, not even the end of the connection."""
        poll = select.poll()
        poll.register(self._plain, select.POLLIN)
        return not poll.poll(0)

    def abort(self) -> None:
        try:
            self._plain.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it ended by itself

    def end(self) -> None:
        self._plain.close()


class _Reader(io.RawIOBase):
    """The answer as a file."""

    def __init__(self, bounded: _BoundedSocket) -> None:
        self._bounded = bounded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed has the union of all buffers
        return self._bounded.receive_into(buffer)


def _client(origin: SplitResult) -> http.client.HTTPConnection:
    """Writes requests and reads answers; it never connects, since it gets our socket."""
    kind = http.client.HTTPSConnection if origin.scheme == "https" else http.client.HTTPConnection
    return kind(origin.hostname or "", origin.port)
