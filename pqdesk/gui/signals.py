"""SIGTERM and SIGINT end the app in order. Qt's loop sleeps in the kernel, so a socket has to wake it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SignalWatch(QObject):
    """Calls `quit_now` in the window's thread when one of the signals came."""

    def __init__(self, quit_now: Callable[[], None]) -> None:
        super().__init__()
        self._quit_now = quit_now
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        self._wakeup_before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._on_woken)

    def close(self) -> None:
        """Put the former handlers back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()

    @staticmethod
    def _on_signal(number: int, frame: object) -> None:
        """Nothing: the byte on the socket tells. Without a handler of ours the signal would kill at once."""

    def _on_woken(self) -> None:
        self._reading.recv(64)
        self._quit_now()
