"""Time zones by name, and the machine's own with its rules for daylight saving."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from pqdesk.errors import InvalidInput

_LOCAL_ZONE = "/etc/localtime"


def find_zone(name: str | None) -> tzinfo:
    """The zone called `name`, such as Europe/Berlin; None is the machine's. Raises InvalidInput."""
    if name is None:
        return _local_zone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as exc:  # ZoneInfoNotFoundError is a KeyError
        raise InvalidInput(f"time zone {name!r} cannot be used: {exc}") from exc
    except KeyError as exc:
        raise InvalidInput(
            f"there is no time zone {name!r} on this machine; they are named like Europe/Berlin (package tzdata)"
        ) from exc


def _local_zone() -> tzinfo:
    """By $TZ, else /etc/localtime, else UTC: datetime.astimezone() knows only today's offset."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        with open(_LOCAL_ZONE, "rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, KeyError):
        return UTC
