"""Reading the log files of workers: their last lines, and what is new.

supervisord writes and rotates them (NAME.out.log, then .1, .2 …, RotatingFileHandler of supervisor/loggers.py); its
own tail calls answer with a fault as soon as a worker prints a control character or half a UTF-8 sequence, so the
files are read directly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import count as count_from
from pathlib import Path

from pqdesk.log_records import escaped, time_of
from pqdesk.opening import open_plain

LONGEST_LINE = 4096  # characters; one line of 1 MB freezes a window for half a minute

_TAIL_BYTES = 1024 * 1024
_AT_ONCE_BYTES = 1024 * 1024
_PARTIAL_BYTES = 4 * LONGEST_LINE

_COLOURS = re.compile("\x1b\\[[0-9;:]*m")


def tail_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log, oldest first; from the rotated files too when the newest holds fewer.

    At most 1 MiB of each file is looked at. A file that does not exist holds none. Raises OSError: a file is there
    and cannot be read.
    """
    return _last_of(_with_older((path, *_rotated(path)), count), count)


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
        self._file = -1  # none
        self._inode = 0
        self._offset = 0
        self._partial = b""
        self._line_goes_on = False  # its beginning was handed out already
        self._was_rotated = False  # and nothing of the new file was read yet

    def read(self) -> list[str]:
        """New lines since the last call, oldest first; about 1 MiB of text at most, the next call goes on there.

        Raises OSError: the file is there and cannot be read.
        """
        if self._file < 0 and not self._open():
            self._has_begun = True  # whatever will be in it is new
            return []
        if not self._has_begun:
            return self._begin()
        is_replaced = self._is_replaced()  # asked first: what is written until then is in the old file
        if self._skip_beyond_bytes is not None and self._bytes_behind(is_replaced) > self._skip_beyond_bytes:
            return self._skip(is_replaced)
        lines = self._read_new()
        if is_replaced and self._is_at_end():
            between = b"".join(_whole(one) for one in reversed(self._newer_than_open()))
            self.close()
            is_there = self._open()
            self._was_rotated = True
            lines += self._take(between)
            if is_there:
                lines += self._read_new()
        return lines

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def _begin(self) -> list[str]:
        self._has_begun = True
        self._offset = _end_of_lines(self._file)
        newest, is_whole = _tail(self._file, self._offset)
        # right after a rotation the newest file holds next to nothing
        data = _with_older(_rotated(self._path) if is_whole else (), self._from_end_lines, newest)
        if not newest:  # what the last file ends with may go on in this one
            cut = data.rfind(b"\n") + 1
            data, self._partial, self._was_rotated = data[:cut], data[cut:], True
        return _last_of(data, self._from_end_lines)

    def _open(self) -> bool:
        try:
            self._file = open_plain(self._path)
        except FileNotFoundError:
            return False
        self._inode = os.fstat(self._file).st_ino
        self._offset = 0
        return True

    def _is_replaced(self) -> bool:
        try:
            return os.stat(self._path).st_ino != self._inode
        except FileNotFoundError:
            return False  # between two steps of a rotation, or gone: the open file still has its end

    def _bytes_behind(self, is_replaced: bool) -> int:
        behind = os.fstat(self._file).st_size - self._offset
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
        size = os.fstat(self._file).st_size
        self._offset = max(self._offset if not is_replaced else 0, size - _AT_ONCE_BYTES)
        if self._offset:
            data = os.pread(self._file, _AT_ONCE_BYTES, self._offset - 1)
            self._offset += max(0, data.find(b"\n"))
        skipped = behind - (size - self._offset)
        return [f"… {skipped // 1024:,} KiB skipped, they are in the file …", *self._read_new()]

    def _is_at_end(self) -> bool:
        return self._offset >= os.fstat(self._file).st_size

    def _read_new(self) -> list[str]:
        lines: list[str] = []
        if os.fstat(self._file).st_size < self._offset:  # emptied in place
            self._offset = 0
            lines += self._end_partial()
        data = os.pread(self._file, _AT_ONCE_BYTES, self._offset)
        if not data:
            return lines
        self._offset += len(data)
        return lines + self._take(data)

    def _take(self, data: bytes) -> list[str]:
        """The lines that are whole with this."""
        if not data:
            return []
        lines: list[str] = []
        if self._was_rotated and is_new_line(data):  # whoever wrote the half of a line before ended within it
            lines += self._end_partial()
        self._was_rotated = False
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


def all_lines(path: Path) -> Iterator[str]:
    """Every line of a log, those of its rotated files first. Raises OSError: a file is there and cannot be read."""
    half = b""
    for one in reversed(log_files(path)):
        try:
            with open(one, "rb", opener=open_plain) as file:
                while line := file.readline(_AT_ONCE_BYTES):
                    if half and is_new_line(line):
                        yield from readable(half)
                        half = b""
                    line = half + line
                    half = b"" if line.endswith(b"\n") or len(line) > _AT_ONCE_BYTES else line
                    if not half:
                        yield from readable(line.removesuffix(b"\n"))
        except FileNotFoundError:  # rotated away meanwhile
            continue
    if half:
        yield from readable(half)


def clear_log(path: Path) -> None:
    """Empty a log and delete its rotated files. Whoever writes it goes on: supervisord appends.

    Raises OSError: it cannot be.
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


def _with_older(files: Iterable[Path], count: int, newest: bytes = b"") -> bytes:
    """The end of `files`, newest first, and then `newest`: `count` lines at least where there are so many.

    At most 1 MiB of each is read.
    """
    data = newest
    for one in files:
        if data.count(b"\n") > count:
            break
        older, is_whole = _tail_of(one)
        data = joined(older, data)
        if not is_whole:
            break
    return data


def _last_of(data: bytes, count: int) -> list[str]:
    parts = data.removesuffix(b"\n").split(b"\n") if data else []
    lines = [text for part in parts[max(0, len(parts) - count) :] for text in readable(part)]
    return lines[max(0, len(lines) - count) :]  # long ones became several


def joined(older: bytes, newer: bytes) -> bytes:
    """Two files of a log that was rotated, in the middle of a line perhaps, which is one then."""
    is_cut = older and newer and not older.endswith(b"\n")
    return older + b"\n" + newer if is_cut and is_new_line(newer) else older + newer


def is_new_line(data: bytes) -> bool:
    """Whether this begins with what our workers begin a line with: it goes on from no other."""
    return time_of(data[:64].decode("ascii", "replace")) is not None


def _tail_of(path: Path) -> tuple[bytes, bool]:
    try:
        with open(path, "rb", buffering=0, opener=open_plain) as file:
            return _tail(file.fileno(), os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        return b"", True


def _tail(file: int, end: int) -> tuple[bytes, bool]:
    """The last MiB of the first `end` bytes, from the beginning of a line on; whether that is all of them."""
    limit = min(end, _TAIL_BYTES)
    data = os.pread(file, limit, end - limit)
    return (data, True) if limit == end else (data[data.find(b"\n") + 1 :], False)


def _whole(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=open_plain) as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _end_of_lines(file: int) -> int:
    """Where the line begins that is not ended yet; one that is far too long is no line any more."""
    size = os.fstat(file).st_size
    start = max(0, size - _PARTIAL_BYTES)
    last = os.pread(file, size - start, start).rfind(b"\n")
    return start + last + 1 if last >= 0 else 0 if start == 0 else size


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
