"""logs/pqdesk.log of a workspace: what long-running commands and the app did, and tracebacks of bugs. No payloads."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path

from pqdesk.errors import WorkspaceError
from pqdesk.opening import open_plain
from pqdesk.paths import WorkspacePaths

_LARGEST_BYTES = 1_000_000
_FORMAT = "%(asctime)sZ %(process)d %(levelname)s %(name)s: %(message)s"


@contextmanager
def logging_to(paths: WorkspacePaths) -> Iterator[None]:
    """While inside, send what `pqdesk`'s loggers say, from info on, to the workspace's log.

    A log that cannot be written is no reason not to work: warnings go to stderr then.
    """
    logger = logging.getLogger("pqdesk")
    try:
        handler = _open_log(paths)
    except (WorkspaceError, OSError) as exc:
        logger.warning("cannot write %s: %s", paths.app_log, exc)
        yield
        return
    level_before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level_before)
        handler.close()


def log_traceback(paths: WorkspacePaths, error: BaseException) -> Path:
    """Write the traceback of a bug to the workspace's log. Returns the file.

    Raises:
        WorkspaceError: There is no workspace, so nothing is made for its log either.
        OSError: The log cannot be written.
    """
    handler = _open_log(paths)
    try:
        text = f"unexpected {type(error).__name__}"
        trace = (type(error), error, error.__traceback__)
        handler.handle(logging.LogRecord("pqdesk.cli", logging.ERROR, __file__, 0, text, None, trace))
    finally:
        handler.close()
    return paths.app_log


def _open_log(paths: WorkspacePaths) -> logging.Handler:
    """Several processes write to the file at once, a record in one piece each.

    A file that has grown large is put aside first; the others notice and go on in the new one.
    """
    if not paths.root.is_dir():
        raise WorkspaceError(f"no workspace at {str(paths.root)!r}", path=paths.root)
    paths.logs.mkdir(mode=0o700, exist_ok=True)
    _put_aside_when_large(paths.app_log)
    handler = _SharedFile(paths.app_log, encoding="utf-8", errors="backslashreplace")
    formatter = logging.Formatter(_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler


class _SharedFile(WatchedFileHandler):
    """Made 0600, and nothing but a file; a record that cannot be written is lost, whoever logs it goes on."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=open_plain)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # put aside meanwhile, and something else is in its place
            self.handleError(record)


def _put_aside_when_large(path: Path) -> None:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            os.replace(path, path.with_name(f"{path.name}.1"))
    except FileNotFoundError:
        pass
