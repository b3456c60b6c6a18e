"""Asking supervisord: XML-RPC over its Unix socket, with a deadline.

Not supervisor's own transport: that one has no timeout, never recovers after a restart of supervisord, and brings the
whole package along. Each call has a connection of its own (0.2 ms more than keeping it): nothing is left open, nothing
has to recover, and threads do not get each other's answers.
"""

from __future__ import annotations

import errno
import http.client
import socket
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from pqdesk.errors import SupervisorError
from pqdesk.opening import read_plain

# supervisor.xmlrpc.Faults of supervisor 4.3
SHUTDOWN_STATE = 6
BAD_NAME = 10
CANT_REREAD = 92
SPAWN_ERROR = 50
ALREADY_STARTED = 60
NOT_RUNNING = 70
STILL_RUNNING = 91

STOPPING = "supervisord is stopping its workers; messages are unaffected; try again when it is gone"

Call = tuple[str, tuple[Any, ...]]

_DOWN = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)


class DaemonDown(SupervisorError):
    """Nobody listens on the socket."""


class DaemonHangs(SupervisorError):
    """Somebody listens, and did not answer in time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """supervisord's refusal of one call: its number and its words, without the number's name."""

    code: int
    reason: str


class SupervisorClient:
    """Calls one supervisord. Holds nothing between calls, so threads may share it."""

    def __init__(self, socket_path: Path, *, timeout_s: float = 2.0) -> None:
        self._socket_path = socket_path
        self._timeout_s = timeout_s

    def call(self, method: str, *arguments: Any) -> Any:
        """The answer to one call.

        Raises:
            DaemonDown: Nobody listens.
            DaemonHangs: No answer in time; whether the call was carried out is unknown.
            SupervisorError: It refused, or its answer could not be read.
        """
        answer = self.try_call(method, *arguments)
        if isinstance(answer, Fault):
            if answer.code == SHUTDOWN_STATE:
                raise SupervisorError(STOPPING)
            raise SupervisorError(f"supervisord refused {method}: {answer.reason}; workers and messages are unaffected")
        return answer

    def try_call(self, method: str, *arguments: Any) -> Any:
        """The same, but a refusal is returned as a Fault."""
        transport = _UnixTransport(self._socket_path, self._timeout_s)
        try:
            return getattr(xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport), method)(*arguments)
        except xmlrpc.client.Fault as exc:
            return _fault(exc.faultCode, exc.faultString)
        except (OSError, xmlrpc.client.Error, http.client.HTTPException, ExpatError, ValueError) as exc:
            raise self._translated(exc) from exc
        finally:
            transport.close()

    def multicall(self, calls: Sequence[Call]) -> list[Any]:
        """The answers to several calls in one request, in order; a refused one is a Fault.

        xmlrpc.client.MultiCall is not used: supervisord does not wrap each answer in a list, and it would silently
        take the first item of every list.
        """
        if not calls:
            return []
        answers = self.call("system.multicall", [{"methodName": name, "params": list(args)} for name, args in calls])
        return [
            _fault(one["faultCode"], one["faultString"]) if isinstance(one, dict) and "faultCode" in one else one
            for one in answers
        ]

    def _who(self) -> str:
        """Its pid, where it is written beside the socket, as in the configuration that PQDesk writes."""
        try:
            return f" (pid {int(read_plain(self._socket_path.with_name('supervisord.pid'), 64, may_be_shared=True))})"
        except (OSError, ValueError):
            return ""

    def _translated(self, exc: Exception) -> SupervisorError:
        if isinstance(exc, OSError) and exc.errno in _DOWN:
            return DaemonDown("supervisord is not running; messages are unaffected; start it with `pqdesk start all`")
        if isinstance(exc, TimeoutError | BlockingIOError):
            return DaemonHangs(
                f"supervisord{self._who()} did not answer within {self._timeout_s:g} s; its workers and messages are "
                "unaffected; try again, and if that does not help, end it and start it anew"
            )
        if isinstance(exc, OSError) and not isinstance(exc, ConnectionError):
            return SupervisorError(
                f"cannot talk to supervisord on '{self._socket_path}': {exc.strerror or exc}; its workers and messages "
                "are unaffected"
            )
        return SupervisorError(
            f"what listens on '{self._socket_path}' does not answer as supervisord does ({_one_line(exc)}); workers "
            "and messages are unaffected; see logs/supervisord.log"
        )


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path, self._timeout_s = path, timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._extra_headers = []  # set by the method that this one replaces
        connection = _UnixConnection(self._path, self._timeout_s)
        self._connection = (host, connection)
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self.timeout)
        try:
            connected.connect(str(self._path))
        except BaseException:
            connected.close()
            raise
        self.sock = connected


def _fault(code: int, text: str) -> Fault:
    name, separator, reason = text.partition(": ")  # "NO_FILE: can't find command 'x'"
    return Fault(code, " ".join((reason if separator and name.isupper() else text).split()))


def _one_line(exc: Exception) -> str:
    return " ".join(f"{type(exc).__name__}: {exc}".split())
