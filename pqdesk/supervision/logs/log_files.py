"""Reading the log files of workers: their last lines, and what is new.

supervisord writes and rotates them (NAME.out.log, then .1, .2 …, RotatingFileHandler of supervisor/loggers.py); its
own tail calls answer with a fault as soon as a worker prints a control character or half a UTF-8 sequence, so the
files are read directly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count as count_from
from pathlib import Path

from pqdesk.log_records import escaped
from pqdesk.opening import open_plain

LONGEST_LINE = 4096  # characters; one line of 1 MB freezes a window for half a minute

_TAIL_BYTES = 1024 * 1024
_AT_ONCE_BYTES = 1024 * 1024
_PARTIAL_BYTES = 4 * LONGEST_LINE

_COLOURS = re.compile("\x1b\\[[0-9;:]*m")


def tail_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log, oldest first; from the rotated files too when the newest holds fewer.

    At most 1 MiB of each file is looked at. A file that does not exist holds none.

    Raises:
        OSError: A file is there and cannot be read.
    """
    lines: list[str] = []
    for one in (path, *_rotated(path)):
        if len(lines) >= count:
            break
        lines = _last_lines(one, count - len(lines)) + lines
    return lines


class LogFollower:
    """The lines that are added to a log, through its rotation; like `tail -F`.

    Invalid UTF-8 is replaced, lines are wrapped at LONGEST_LINE characters, control characters other than tabs and
    colours shown as escapes. A line without its end is held back until it ends, however often it is looked at, unless
    it is far too long. Belongs to one thread; keeps the file open until close() or until it is dropped.
    """

    def __init__(self, path: Path, *, from_end_lines: int = 200, skip_beyond_bytes: int | None = None) -> None:
        """`from_end_lines`: how many of the lines that are there by the first read() it answers with.

        `skip_beyond_bytes`: when more than that is new, a line says how much was left out, and the newest MiB
        follows; for a reader that would lag behind ever more. None leaves nothing out.
        """
        self._path = path
        self._skip_beyond_bytes = skip_beyond_bytes
        self._from_end_lines = from_end_lines
        self._has_begun = False
        self._file: int | None = None
        self._inode = 0
        self._offset = 0
        self._partial = b""
        self._line_goes_on = False  # its beginning was handed out already

    def read(self) -> list[str]:
        """New lines since the last call, oldest first; about 1 MiB of text at most, the next call goes on there.

        Raises:
            OSError: The file is there and cannot be read.
        """
        if self._file is None and not self._open():
            self._has_begun = True  # whatever will be in it is new
            return []
        if not self._has_begun:
            return self._begin()
        is_replaced = self._is_replaced()  # asked first: what is written until then is in the old file
        if self._skip_beyond_bytes is not None and self._bytes_behind(is_replaced) > self._skip_beyond_bytes:
            return self._skip(is_replaced)
        lines = self._read_new()
        if is_replaced and self._is_at_end():
            lines += self._end_partial()
            lines += self._lines_between()
            self.close()
            if self._open():
                lines += self._read_new()
        return lines

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self.close()

    def _begin(self) -> list[str]:
        self._has_begun = True
        self._offset = _end_of_lines(self._opened())
        lines = _lines_before(self._opened(), self._offset, self._from_end_lines)
        for rotated in _rotated(self._path):  # right after a rotation the newest file holds next to nothing
            if len(lines) >= self._from_end_lines:
                break
            lines = _last_lines(rotated, self._from_end_lines - len(lines)) + lines
        return lines

    def _open(self) -> bool:
        try:
            self._file = open_plain(self._path)
        except FileNotFoundError:
            return False
        self._inode = os.fstat(self._file).st_ino
        self._offset = 0
        return True

    def _opened(self) -> int:
        assert self._file is not None
        return self._file

    def _is_replaced(self) -> bool:
        try:
            return os.stat(self._path).st_ino != self._inode
        except FileNotFoundError:
            return False  # between two steps of a rotation, or gone: the open file still has its end

    def _bytes_behind(self, is_replaced: bool) -> int:
        behind = os.fstat(self._opened()).st_size - self._offset
        if is_replaced:
            behind += sum(_size(one) for one in [self._path, *self._newer_than_open()])
        return behind

    def _skip(self, is_replaced: bool) -> list[str]:
        """Go on with the newest MiB, at the beginning of a line; says how much is left out."""
        behind = self._bytes_behind(is_replaced) + len(self._partial)
        self._partial, self._line_goes_on = b"", False
        if is_replaced:
            self.close()
            if not self._open():
                return []
        size = os.fstat(self._opened()).st_size
        self._offset = max(self._offset if not is_replaced else 0, size - _AT_ONCE_BYTES)
        if self._offset:
            data = os.pread(self._opened(), _AT_ONCE_BYTES, self._offset - 1)
            self._offset += max(0, data.find(b"\n"))
        skipped = behind - (size - self._offset)
        return [f"… {skipped // 1024:,} KiB skipped, they are in the file …", *self._read_new()]

    def _is_at_end(self) -> bool:
        return self._offset >= os.fstat(self._opened()).st_size

    def _read_new(self) -> list[str]:
        lines: list[str] = []
        if os.fstat(self._opened()).st_size < self._offset:  # emptied in place
            self._offset = 0
            lines += self._end_partial()
        data = os.pread(self._opened(), _AT_ONCE_BYTES, self._offset)
        if not data:
            return lines
        self._offset += len(data)
        if self._line_goes_on and data.startswith(b"\n"):
            data = data[1:]  # the end of a line that was handed out without it
        self._line_goes_on = False
        *whole, self._partial = (self._partial + data).split(b"\n")
        for line in whole:
            lines += readable(line)
        if len(self._partial) > _PARTIAL_BYTES:
            lines += self._end_partial(goes_on=True)
        return lines

    def _end_partial(self, *, goes_on: bool = False) -> list[str]:
        cut = _end_of_characters(self._partial) if goes_on else len(self._partial)
        lines = readable(self._partial[:cut]) if cut else []
        self._partial, self._line_goes_on = self._partial[cut:], goes_on and cut > 0
        return lines

    def _newer_than_open(self) -> list[Path]:
        """Rotated files that are newer than the one that is open, newest first."""
        newer: list[Path] = []
        for rotated in _rotated(self._path):
            try:
                if os.stat(rotated).st_ino == self._inode:
                    break
            except FileNotFoundError:
                continue
            newer.append(rotated)
        return newer

    def _lines_between(self) -> list[str]:
        """Lines of files that came and were rotated away between two reads."""
        return [line for one in reversed(self._newer_than_open()) for line in _last_lines(one, None)]


def all_lines(path: Path) -> Iterator[str]:
    """Every line of a log, those of its rotated files first.

    Raises:
        OSError: A file is there and cannot be read.
    """
    for one in reversed(log_files(path)):
        try:
            with open(one, "rb", opener=open_plain) as file:
                while line := file.readline(_AT_ONCE_BYTES):
                    yield from readable(line.removesuffix(b"\n"))
        except FileNotFoundError:  # rotated away meanwhile
            continue


def clear_log(path: Path) -> None:
    """Empty a log and delete its rotated files. Whoever writes it goes on: supervisord appends.

    Raises:
        OSError: It cannot be.
    """
    for rotated in list(_rotated(path)):
        rotated.unlink(missing_ok=True)
    try:
        os.close(open_plain(path, os.O_WRONLY | os.O_TRUNC))
    except FileNotFoundError:
        pass


def log_files(path: Path) -> list[Path]:
    """The log and its rotated files that are there, newest first."""
    return [one for one in (path, *_rotated(path)) if one.exists()]


def without_colours(line: str) -> str:
    """The line without its escapes of colours."""
    return _COLOURS.sub("", line)


def readable(line: bytes) -> list[str]:
    """One line of a log as text that is safe to show, wrapped at LONGEST_LINE characters."""
    text = line.decode("utf-8", "replace").removesuffix("\r")
    return [escaped(text[at : at + LONGEST_LINE]) for at in range(0, len(text), LONGEST_LINE)] or [""]


def _rotated(path: Path) -> Iterator[Path]:
    """PATH.1, PATH.2 … as far as they go, newest first."""
    for number in count_from(1):
        rotated = path.with_name(f"{path.name}.{number}")
        if not rotated.exists():
            return
        yield rotated


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _last_lines(path: Path, count: int | None) -> list[str]:
    try:
        with open(path, "rb", buffering=0, opener=open_plain) as file:
            return _lines_before(file.fileno(), os.fstat(file.fileno()).st_size, count)
    except FileNotFoundError:
        return []


def _end_of_lines(file: int) -> int:
    """Where the line begins that is not ended yet; one that is far too long is no line any more."""
    size = os.fstat(file).st_size
    start = max(0, size - _PARTIAL_BYTES)
    last = os.pread(file, size - start, start).rfind(b"\n")
    return start + last + 1 if last >= 0 else 0 if start == 0 else size


def _lines_before(file: int, end: int, count: int | None) -> list[str]:
    """The last `count` lines, None for all, of the first `end` bytes."""
    limit = end if count is None else min(end, _TAIL_BYTES)
    raw = os.pread(file, limit, end - limit)
    parts = raw.removesuffix(b"\n").split(b"\n") if raw else []
    if limit < end and len(parts) > 1:
        del parts[0]  # its beginning was not read
    if count is not None:
        parts = parts[max(0, len(parts) - count) :]
    lines = [text for part in parts for text in readable(part)]
    return lines if count is None else lines[max(0, len(lines) - count) :]  # long ones became several


def _end_of_characters(data: bytes) -> int:
    """How much of `data` can be decoded without cutting a character that is still being written."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:  # begins a character of 2, 3 or 4 bytes (RFC 3629)
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if needed > back else len(data)
        if byte < 0x80:
            break
    return len(data)
