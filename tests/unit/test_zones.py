"""Time zones: the machine's as the C library has it, rules of POSIX, and times that the clocks pass over."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pqdesk.errors import InvalidInput
from pqdesk.zones import find_zone, instant_of, local_zone_name

ZONES = Path("/usr/share/zoneinfo")
INSTANTS = [datetime(year, month, 1, 12, tzinfo=UTC) for year in (2026, 2040) for month in (1, 4, 7, 11)]


@pytest.fixture(autouse=True)
def _zone_is_put_back() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


def set_zone(value: str) -> None:
    os.environ["TZ"] = value
    time.tzset()


@pytest.mark.parametrize(
    "value",
    [
        "Europe/Berlin", ":Europe/Berlin", str(ZONES / "Asia/Kolkata"), f":{ZONES}/America/St_Johns",
        "posix/Asia/Tokyo",
        "CET-1CEST,M3.5.0,M10.5.0/3", ":CET-1CEST,M3.5.0,M10.5.0/3", "<+0545>-5:45", "AAA3", "UTC0", "EST5EDT", "",
        "NZST-12NZDT,M9.5.0,M4.1.0/3", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "XXX-1YYY,J60/2,300/3",
    ],
)  # fmt: skip
def test_the_machines_zone_is_what_the_c_library_makes_of_the_variable(value: str) -> None:
    set_zone(value)

    zone, named = find_zone(None), find_zone(local_zone_name())

    offsets = [at.astimezone().utcoffset() for at in INSTANTS]
    assert [at.astimezone(zone).utcoffset() for at in INSTANTS] == offsets
    assert [at.astimezone(named).utcoffset() for at in INSTANTS] == offsets


@pytest.mark.parametrize(
    "value", ["Mars/Olympus", "/tmp", "/dev/zero", "CET-1CEST,M13.5.0,M10.5.0", "Berlin", "+3", ":nope"]
)
def test_a_variable_that_is_no_zone_is_said_and_never_utc_in_silence(value: str) -> None:
    set_zone(value)

    with pytest.raises(InvalidInput, match=r"\$TZ is .*no time zone of this machine"):
        find_zone(None)


def test_a_copy_of_a_zones_file_is_called_by_its_rule(tmp_path: Path) -> None:
    shutil.copy(ZONES / "Europe/Berlin", tmp_path / "here")
    set_zone(str(tmp_path / "here"))

    assert local_zone_name() == "CET-1CEST,M3.5.0,M10.5.0/3"
    at = datetime(1980, 7, 1, tzinfo=UTC)
    assert at.astimezone(find_zone(None)).utcoffset() == at.astimezone().utcoffset()  # and its history is known


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.environ["TZ"] = str(tmp_path / "pipe")

    with pytest.raises(InvalidInput, match="no time zone"):
        find_zone(None)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5000, "CET-1CEST,M3"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        find_zone(name)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Berlin", "2030-03-31 02:30:00", "2030-03-31 01:00"),
        ("Europe/Berlin", "2030-03-31 02:00:00", "2030-03-31 01:00"),
        ("Europe/Berlin", "2030-03-31 01:59:00", "2030-03-31 00:59"),
        ("Europe/Berlin", "2030-03-31 03:00:00", "2030-03-31 01:00"),
        ("Europe/Berlin", "2030-10-27 02:30:00", "2030-10-27 00:30"),
        ("America/New_York", "2030-03-10 02:59:59", "2030-03-10 07:00"),
        ("Australia/Lord_Howe", "2030-10-06 02:15:00", "2030-10-05 15:30"),
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 10:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31 02:30:00", "2030-03-31 01:00"),
    ],
)
def test_a_time_that_the_clocks_pass_over_is_the_moment_when_they_do(zone: str, local: str, instant: str) -> None:
    assert f"{instant_of(datetime.fromisoformat(local), find_zone(zone)):%Y-%m-%d %H:%M}" == instant


@pytest.mark.parametrize("name", ["right/Europe/Berlin", "localtime", "posixrules", "Factory"])
def test_what_is_no_zone_of_a_place_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not the time zone of a place"):
        find_zone(name)
