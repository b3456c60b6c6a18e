"""A program in a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from types import TracebackType
from typing import Self

from tests.programs import environment_with_programs

_END_S = 30.0


class Terminal:
    """Runs a command in a pseudo-terminal, 30 lines of 110 columns; a context manager that ends it.

    Attributes:
        output: All that it has written so far, escape sequences and all.
    """

    def __init__(self, *command: object, environment: dict[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
        self.output = ""
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment_with_programs(), "TERM": "xterm-256color", **(environment or {})},
            preexec_fn=_own_terminal,
        )
        os.close(slave)

    def read_until(self, text: str) -> str:
        """What came until `text` did."""
        ends_at = time.monotonic() + _END_S
        while text not in self.output:
            if time.monotonic() > ends_at or not self._read():
                raise AssertionError(f"{text!r} did not come: {self.output[-2000:]!r}")
        return self.output

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Its exit code, once it has ended; output is read meanwhile."""
        ends_at = time.monotonic() + _END_S
        while self._read() and time.monotonic() < ends_at:
            pass
        return self._process.wait(_END_S)

    def _read(self) -> bool:
        """False once nobody can write any more."""
        if not select.select([self._master], [], [], 1.0)[0]:
            return self._process.poll() is None
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.output += data.decode("utf-8", "replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._master)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
