"""Where the window's own log goes, and what becomes of an exception that nobody caught."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import queue
import sys
import threading
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from pqdesk.opening import open_plain

_log = logging.getLogger("pqdesk.gui")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LARGEST_BYTES = 1_000_000


class AppLog:
    """Writes records in a thread of its own, so that a slow disk never stops the window."""

    def __init__(self) -> None:
        self._records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._root = logging.getLogger("pqdesk")
        self._handler = logging.handlers.QueueHandler(self._records)
        self._listener: logging.handlers.QueueListener | None = None

    def open(self, file: Path, fallback: Path) -> None:
        """Write to `file` from now on; to `fallback` while its folder is missing: looking makes no workspace."""
        self._end_listener()
        self._root.setLevel(logging.INFO)
        if self._handler not in self._root.handlers:
            self._root.addHandler(self._handler)
        writer = _LateFile(file, fallback)
        writer.setFormatter(logging.Formatter(_FORMAT))
        self._listener = logging.handlers.QueueListener(self._records, writer)
        self._listener.start()

    def close(self) -> None:
        self._root.removeHandler(self._handler)
        self._end_listener()

    def _end_listener(self) -> None:
        if self._listener is not None:
            self._listener.stop()
            for handler in self._listener.handlers:
                handler.close()
            self._listener = None


class _LateFile(logging.Handler):
    """Opens its file at the first record, in the thread that writes; the fallback until the folder is there."""

    def __init__(self, file: Path, fallback: Path) -> None:
        super().__init__()
        self._file, self._fallback, self._is_there = file, fallback, False
        self._target: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._opened().emit(record)
        except OSError:  # a full or read-only disk must not end the window
            pass

    def close(self) -> None:
        if self._target is not None:
            self._target.close()
        super().close()

    def _opened(self) -> logging.Handler:
        is_there = self._file.parent.is_dir()
        if self._target is None or is_there != self._is_there:
            if self._target is not None:
                self._target.close()
            self._is_there = is_there
            file = self._file if is_there else self._fallback
            if not is_there:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._target = _RotatedFile(file, maxBytes=_LARGEST_BYTES, backupCount=1, encoding="utf-8")
            self._target.setFormatter(self.formatter)
        return self._target


class _RotatedFile(logging.handlers.RotatingFileHandler):
    """Made 0600, and nothing but a file."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=open_plain)


def install_hooks() -> None:
    """Log what nobody caught, and go on; write stacks when the process dies of a signal."""
    if sys.stderr is not None:
        faulthandler.enable()
    sys.excepthook = _on_uncaught
    threading.excepthook = lambda args: _on_uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("unexpected %s; the window goes on", kind.__name__, exc_info=(kind, error, trace))
