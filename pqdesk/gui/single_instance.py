"""One window process per user: a second start hands its wish to the first and ends.

A lock decides who is first, and only the first removes a socket left behind and listens: removing it without
the lock would let two starts at once both win. What arrives on the socket is untrusted: known verbs only.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from pqdesk.gui.shell.routes import Route
from pqdesk.messages.json_text import load_json
from pqdesk.opening import check_private_folder, open_plain

_log = logging.getLogger(__name__)

_VERSION = b"\x01"
_ACKNOWLEDGED = b"ok"
_LARGEST_BYTES = 64 * 1024
_LONGEST_PATH_BYTES = 100  # sockaddr_un has 108, and Qt makes a temporary name beside it
_CONNECT_MS = 2_000
_ONE_TRY_MS = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What a start of the app asks for: show the window, on `workspace` if one was named, and in it `route`.

    `token` is the desktop's permission to come to the front (XDG_ACTIVATION_TOKEN), empty without one.
    """

    workspace: str | None = None
    token: str = ""
    is_background: bool = False
    route: Route | None = None


class SingleInstance(QObject):
    """Signals:
    wished: The Wish of another start.
    """

    wished = Signal(object)

    def __init__(self, folder: Path) -> None:
        """`folder` is this user's runtime folder; it is made, 0700.

        Raises:
            OSError: It cannot be made, belongs to another user, or others may write to it.
        """
        super().__init__()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private_folder(folder)
        self._folder = folder
        self._lock: int | None = None  # the descriptor of window.lock while this is the first
        self._reached = -1  # that of the folder, where the socket's path goes through it
        self._name = str(folder / "window.sock")
        if len(os.fsencode(self._name)) > _LONGEST_PATH_BYTES:
            self._reached = os.open(folder, os.O_DIRECTORY | os.O_RDONLY | os.O_CLOEXEC)
            self._name = f"/proc/self/fd/{self._reached}/window.sock"
        self._server: QLocalServer | None = None

    @property
    def socket_path(self) -> str:
        return self._name

    def become_first(self) -> bool:
        """Take the lock, which only the death of its owner frees. False when another process has it.

        Raises:
            OSError: The lock's file cannot be made, or something else is in its place.
        """
        descriptor = open_plain(self._folder / "window.lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())  # for whoever has to end it by hand
        self._lock = descriptor
        return True

    def listen(self) -> None:
        """Hear the others from now on; for the first alone, and not before Qt's application object is there."""
        QLocalServer.removeServer(self._name)
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(self._on_connection)
        if not server.listen(self._name):
            _log.warning("a second start cannot reach this one: %s", server.errorString())
        self._server = server

    def tell_first(self, wish: Wish) -> bool:
        """Hand `wish` to the first process; False when it does not answer within two seconds."""
        fields = {"workspace": wish.workspace, "token": wish.token, "background": wish.is_background}
        if wish.route is not None:
            fields |= {"page": wish.route.page, "filter": wish.route.filter}
        text = json.dumps(fields)
        deadline = QDeadlineTimer(_CONNECT_MS)
        while not deadline.hasExpired():
            socket = QLocalSocket()
            socket.connectToServer(self._name)
            if socket.waitForConnected(_ONE_TRY_MS):
                socket.write(_VERSION + text.encode() + b"\n")
                socket.flush()
                if socket.waitForReadyRead(_CONNECT_MS) and bytes(socket.readAll().data()).startswith(_ACKNOWLEDGED):
                    return True
            QThread.msleep(20)  # the first one may be just starting
        return False

    def close(self) -> None:
        """Stop listening and free the lock."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for descriptor in (self._lock, self._reached):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)
        self._lock, self._reached = None, -1

    def _on_connection(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            visitor = _Visitor(socket, self)
            visitor.wished.connect(self.wished)
            visitor.read()


class _Visitor(QObject):
    """One connection of another start; deletes itself when that hangs up."""

    wished = Signal(object)

    def __init__(self, socket: QLocalSocket, parent: QObject) -> None:
        super().__init__(parent)
        self._socket = socket
        socket.setParent(self)
        socket.readyRead.connect(self.read)
        socket.disconnected.connect(self.deleteLater)

    def read(self) -> None:
        """Take the line when it is whole."""
        socket = self._socket
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LARGEST_BYTES:
                socket.disconnectFromServer()
            return
        line = bytes(socket.readLine(_LARGEST_BYTES).data())
        wish = read_wish(line)
        if wish is None:
            _log.warning("a message of %d bytes on the window's socket is not understood", len(line))
            socket.disconnectFromServer()
            return
        socket.write(_ACKNOWLEDGED)
        socket.flush()
        self.wished.emit(wish)


def read_wish(line: bytes) -> Wish | None:
    """The Wish in `line`, or None when it is not one."""
    if not line.startswith(_VERSION):
        return None
    try:
        fields = load_json(line[1:])
        workspace, token = fields["workspace"], fields["token"]
        is_background, page, text = fields["background"], fields.get("page"), fields.get("filter")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(workspace, str | None) or not isinstance(token, str) or not isinstance(is_background, bool):
        return None
    if not isinstance(page, str | None) or not isinstance(text, str | None):
        return None
    return Wish(workspace, token, is_background, None if page is None else Route(page, filter=text))
