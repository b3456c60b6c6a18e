"""How a worker process is asked to end, and how it notices that nobody supervises it any more.

TERM, INT and HUP ask a worker to finish what it has in hand and end. A Python signal handler runs between any two
instructions of the main thread, also while that thread holds a lock; so it takes none: it notes the signal and writes
a byte into a pipe, and the main thread acts when it next looks.

supervisord killed by `kill -9` leaves its children alive, and the next one starts a second set of them. So a worker of
supervisord asks the kernel for a TERM when its parent dies (prctl(2), PR_SET_PDEATHSIG), and where that cannot help
(started through a shell, not Linux) looks now and then whether the process named in supervisord.pid is still there.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_HUNG = 70  # EX_SOFTWARE of sysexits.h: a handler overran its timeout, start the worker again
EXIT_INTERRUPTED = 130

_PR_SET_PDEATHSIG = 1
_PARENT_LOOK_S = 2.0
_DAY_S = 86_400.0  # poll() takes 24 of them at most
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(BaseException):
    """Raised inside a producer's handler when the worker is to end, so that its `finally` blocks run."""


class Wakeup:
    """Wakes one thread that waits in `wait`, from any thread and from a signal handler."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        self._poll = select.poll()
        self._poll.register(self._read_end, select.POLLIN)
        self._is_closed = False

    def set(self) -> None:
        if self._is_closed:  # the descriptor may be somebody else's by now
            return
        try:
            os.write(self._write_end, b"\0")
        except BlockingIOError:
            pass  # the pipe is full of bytes that say the same

    def wait(self, timeout_s: float | None) -> None:
        """Return when `set` was called since the last time, or after `timeout_s`, at most a day."""
        self._poll.poll(None if timeout_s is None else max(0, math.ceil(min(timeout_s, _DAY_S) * 1000)))
        try:
            while os.read(self._read_end, 4096):
                pass
        except BlockingIOError:
            pass

    def fileno(self) -> int:
        """Readable when `set` was called; for a selector."""
        return self._read_end

    def close(self) -> None:
        """Only when no other thread can still be about to call `set`."""
        self._is_closed = True
        os.close(self._read_end)
        os.close(self._write_end)


class ParentWatch:
    """Whether the supervisord that started this worker is still there; asks for a TERM when it dies.

    `look_s` is how often to ask `is_gone`; None when the kernel tells, or nobody supervises this process.
    """

    def __init__(self, paths: WorkspacePaths | None) -> None:
        pid_file = None if paths is None else paths.pid_file
        self._supervisord: int | None = None
        self.look_s: float | None = None
        if "SUPERVISOR_PROCESS_NAME" not in os.environ:
            return
        parent = os.getppid()
        is_own = os.environ.get("SUPERVISOR_SERVER_URL") == _server_url(pid_file)
        named = _read_pid(pid_file) if is_own else None
        is_child = parent == named or _is_supervisord(parent)
        self._supervisord = parent if is_child else named
        if self._supervisord is not None and not (is_child and _ask_for_death_signal()):
            self.look_s = _PARENT_LOOK_S

    def is_gone(self) -> bool:
        """True once supervisord has died without taking this worker along."""
        if self._supervisord is None or os.getppid() == self._supervisord:
            return False
        return not _is_alive(self._supervisord)


class StopSignals:
    """Notes the signals that ask this process to end, and the death of its parent; a context manager of the main
    thread.

    In another thread it installs nothing, and only `request` asks. HUP and INT are left alone where the process was
    started with them ignored (nohup; a script's background jobs). `wakeup` is set by each signal and each `request`.
    """

    def __init__(self, parent: ParentWatch | None = None) -> None:
        self.wakeup = Wakeup()
        self._parent = parent
        self._interrupts = 0
        self._is_stopping = False
        self._is_ordered = False
        self._is_inside = False
        self._was_raised = False
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    @property
    def is_ordered(self) -> bool:
        """Whether somebody outside asked, by a signal or by letting its supervisord die."""
        return self._is_ordered

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return self._interrupts > 0

    @property
    def exit_code(self) -> int:
        """For a worker that has ended in good order: 130 when Ctrl-C asked for it, as of any command, else 0."""
        return EXIT_INTERRUPTED if self._interrupts else EXIT_DONE

    @property
    def is_impatient(self) -> bool:
        """Whether somebody pressed Ctrl-C a second time."""
        return self._interrupts > 1

    def request(self) -> None:
        """Ask to end, from any thread."""
        self._is_stopping = True
        self.wakeup.set()

    def wait(self, timeout_s: float | None) -> bool:
        """Sleep until asked to end, woken by `wakeup`, or `timeout_s`; tells whether to end."""
        look_s = None if self._parent is None else self._parent.look_s
        if not self._is_stopping:
            self.wakeup.wait(look_s if timeout_s is None else min(timeout_s, look_s or timeout_s))
        self._look_for_parent()
        return self._is_stopping

    def close(self) -> None:
        """Let go of the pipe; only when no other thread can still call `request`. A signal is still noted."""
        self.wakeup.close()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """For code of others that may block for ever: a signal raises StopRequested in it.

        Once, so that its `finally` blocks run; who presses Ctrl-C again gets the KeyboardInterrupt.
        """
        self._is_inside = True
        try:
            if self._is_stopping:
                raise StopRequested
            yield
        finally:
            self._is_inside = False

    @contextmanager
    def tidying(self) -> Iterator[None]:
        """For the `finally` blocks of others: only a second Ctrl-C breaks into them, by KeyboardInterrupt."""
        was_raised, self._was_raised = self._was_raised, True
        self._is_inside = True
        try:
            if self.is_impatient:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_inside, self._was_raised = False, was_raised

    def _look_for_parent(self) -> None:
        if self._parent is not None and self._parent.is_gone():
            self._is_stopping = self._is_ordered = True

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in _STOP_SIGNALS:
                if number is not signal.SIGTERM and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._previous[number] = signal.signal(number, self._on_signal)
        self._look_for_parent()  # it may have died before it could be watched
        return self

    def __exit__(self, *exc: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += number == signal.SIGINT
        self._is_stopping = self._is_ordered = True
        self.wakeup.set()
        if self._is_inside and not self._was_raised:
            self._was_raised = True
            raise StopRequested
        if self._is_inside and self.is_impatient:
            raise KeyboardInterrupt


def _server_url(pid_file: Path | None) -> str | None:
    return None if pid_file is None else f"unix://{pid_file.with_suffix('.sock')}"


def _read_pid(pid_file: Path | None) -> int | None:
    try:
        pid = 0 if pid_file is None else int(read_plain(pid_file, 64, may_be_shared=True))
        return pid if 0 < pid < 1 << 31 else None  # pid_t
    except (OSError, ValueError):
        return None


def _is_supervisord(pid: int) -> bool:
    """By its command line: a shell started by supervisord, or one of a container's, must not pass for it."""
    try:
        return b"supervisord" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ask_for_death_signal() -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) == 0)
