"""Time zones: by name, by a rule of POSIX, and the machine's own, in every form that the C library takes.

The machine's zone is what $TZ says, else /etc/localtime, as tzset(3) has it: a name (`Europe/Berlin`), a path, either
after a colon, or a rule (`CET-1CEST,M3.5.0,M10.5.0/3`). A $TZ that is none of these is UTC to the C library; here it is
an error, since work would be done at the wrong hour, unseen.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from datetime import UTC, datetime, timedelta, tzinfo
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pqdesk.errors import InvalidInput

_LOCAL_ZONE = Path("/etc/localtime")
_LARGEST_BYTES = 1024 * 1024  # of a zone's file; they have some 3 kB
_USUAL_RULE = ",M3.2.0,M11.1.0"  # of a name with summer time and without a rule: tzset(3)
_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_OFFSET = r"[+-]?\d{1,3}(?::\d\d(?::\d\d)?)?"
_POSIX = re.compile(rf"{_NAME}{_OFFSET}(?P<summer>{_NAME}(?:{_OFFSET})?(?P<rule>,[^,]+,[^,]+)?)?")
_FOLDER = "zoneinfo/"
_NO_NAMES = ("localtime", "posixrules", "Factory")  # another zone on each machine, and none
_HOW = "name one like Europe/Berlin, or a rule like CET-1CEST,M3.5.0,M10.5.0/3"


class _Ruled(ZoneInfo):
    """A zone that has no name; its key is its rule."""

    def __reduce__(self) -> tuple[Any, ...]:
        return find_zone, (self.key,)


def find_zone(name: str | None) -> tzinfo:
    """The zone called `name`, such as Europe/Berlin, or of that rule; None is the machine's. Raises InvalidInput."""
    if name is None:
        return _local()[1]
    if name.startswith("right/") or name in _NO_NAMES:  # for clocks that count leap seconds
        raise InvalidInput(f"{name!r} is not the time zone of a place; {_HOW}")
    found = _named(name)
    if found is None:
        raise InvalidInput(f"there is no time zone {name!r} on this machine (package tzdata); {_HOW}")
    return found


def local_zone_name() -> str:
    """What `find_zone` takes for the zone that is the machine's now. Raises InvalidInput."""
    return _local()[0]


def name_of_variable(value: str | None) -> str:
    """What `find_zone` takes for the zone of a process with this $TZ; None is /etc/localtime. Raises InvalidInput."""
    return _of_variable(value)[0]


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """The moment, in UTC, of a time of day without a zone.

    One that comes twice is the first; one that the clocks pass over is the moment when they do: as for schedules.
    """
    at = local.replace(tzinfo=zone)
    found = at.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0):
        return found
    return first_change(at.replace(fold=1).astimezone(UTC), found, zone)


def first_change(after: datetime, until: datetime, zone: tzinfo) -> datetime:
    """When, to the second, the clocks of `zone` change between two moments in UTC, between which they do once."""
    before = after.astimezone(zone).utcoffset()
    while until - after > timedelta(seconds=1):
        middle = (after + (until - after) / 2).replace(microsecond=0)
        middle = middle if middle > after else middle + timedelta(seconds=1)
        if middle.astimezone(zone).utcoffset() == before:
            after = middle
        else:
            until = middle
    return until.replace(microsecond=0)


def _local() -> tuple[str, tzinfo]:
    return _of_variable(os.environ.get("TZ"))


def _of_variable(value: str | None) -> tuple[str, tzinfo]:
    """A name for the zone and the zone. Raises InvalidInput."""
    if value is None:
        return _of_file(_LOCAL_ZONE) or ("UTC", UTC)  # a machine without the file is at UTC: localtime(5)
    name = value.removeprefix(":")
    if not name:
        return "UTC", UTC
    found = _of_file(Path(name)) if name.startswith("/") else _in_folder(name)
    if found is None:
        raise InvalidInput(f"$TZ is {value!r}, which is no time zone of this machine (package tzdata); {_HOW}")
    return found


def _in_folder(name: str) -> tuple[str, tzinfo] | None:
    if name == "localtime":  # Debian has a link there to the machine's
        return _of_file(_LOCAL_ZONE)
    folder = os.environ.get("TZDIR")
    if folder and (found := _of_file(Path(folder, name))) is not None:
        return found
    zone = _named(name)
    return None if zone is None else (name, zone)


def _of_file(path: Path) -> tuple[str, tzinfo] | None:
    """The zone in a file of tzfile(5), called by its name where it tells of one, else by its last rule."""
    target = os.path.realpath(path)
    name = target.partition(_FOLDER)[2].removeprefix("posix/").removeprefix("right/")
    if name and (found := _named(name)) is not None:
        return name, found
    try:
        data = _read(target)
        rule = data.rstrip(b"\n").rpartition(b"\n")[2].decode("ascii", "replace")
        if _of_rule(rule) is None:
            rule = _as_rule(ZoneInfo.from_file(BytesIO(data)))
        return rule, _Ruled.from_file(BytesIO(data), key=rule)
    except (OSError, ValueError):
        return None


def _read(path: str) -> bytes:
    """A file of the system's. Raises OSError for what is none, without waiting for a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_BYTES:
            raise OSError(f"{path!r} is no file of a time zone")
        return os.read(descriptor, _LARGEST_BYTES)
    finally:
        os.close(descriptor)


def _as_rule(zone: tzinfo) -> str:
    """Of a zone whose clocks do not change any more: by its offset."""
    minutes = (datetime.now(zone).utcoffset() or timedelta()) // timedelta(minutes=1)
    digits = f"{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return f"<{'-' if minutes < 0 else '+'}{digits.replace(':', '')}>{'' if minutes < 0 else '-'}{digits}"


def _named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):  # a path, a folder, characters that no file has
        return _of_rule(name)


def _of_rule(text: str) -> tzinfo | None:
    """By the rule of POSIX alone (TZ in POSIX.1-2024, XBD 8.3): a file of tzfile(5) that has nothing but its footer."""
    match = _POSIX.fullmatch(text)
    if match is None:
        return None
    if match["summer"] is not None and match["rule"] is None:
        text += _USUAL_RULE
    header = struct.pack(">4sc15x6I", b"TZif", b"3", 0, 0, 0, 0, 1, 4)
    block = struct.pack(">iBB4s", 0, 0, 0, b"UTC\0")
    try:
        return _Ruled.from_file(BytesIO((header + block) * 2 + f"\n{text}\n".encode("ascii")), key=text)
    except ValueError:
        return None
