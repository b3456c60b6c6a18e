"""Running out of file descriptors, told as what it is and with what to do."""

from __future__ import annotations

import errno
import os

USED_UP = (errno.EMFILE, errno.ENFILE)
_TAKEN_AT_ONCE = 4  # SQLite opens the file, its log, its index and their folder, and closes all when the last one fails


def reason(exc: OSError) -> str:
    """Why nothing could be opened, in words; where no descriptors are left, what to do."""
    if exc.errno == errno.EMFILE:
        import resource  # hardly ever needed

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"this process has as many files open as it may, {limit:,}; close some, or raise that (ulimit -n)"
    if exc.errno == errno.ENFILE:
        return "this machine has as many files open as it may; end some programs, or raise that (sysctl fs.file-max)"
    return exc.strerror or str(exc)


def shortage() -> str | None:
    """The same where SQLite could not open a file and does not say why; None when there are descriptors to be had."""
    taken: list[int] = []
    try:
        while len(taken) < _TAKEN_AT_ONCE:
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as exc:
        return reason(exc) if exc.errno in USED_UP else None
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return None


def shortage_behind(exc: BaseException) -> str | None:
    """The same for an error of Python's; None where it comes of something else."""
    if isinstance(exc, OSError) and exc.errno in USED_UP:
        return reason(exc)
    return shortage() if isinstance(exc, ImportError) else None  # dlopen() gives no number
