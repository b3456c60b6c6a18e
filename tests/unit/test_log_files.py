"""A log that is rotated in the middle of a line: whoever reads it sees one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.supervision.logs.log_files import LogFollower, all_lines, tail_lines

TIME = "2026-11-30T18:22:20.123Z "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "w.out.log"


@pytest.fixture
def follower(log: Path) -> Iterator[LogFollower]:
    found = LogFollower(log)
    yield found
    found.close()


def rotate(log: Path, number: int = 1) -> None:
    """As supervisord does: what is there gets a number, those before a higher one."""
    following = log.with_name(f"{log.name}.{number}")
    if following.exists():
        rotate_from = log.with_name(f"{log.name}.{number + 1}")
        following.replace(rotate_from)
    log.replace(following)


def add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_a_follower_joins_both_halves(log: Path, follower: LogFollower) -> None:
    add(log, "first\nhalf of ")
    assert follower.read() == ["first"]
    rotate(log)
    add(log, "a line\nlast\n")

    assert follower.read() + follower.read() == ["half of a line", "last"]


def test_a_follower_joins_them_also_where_it_looks_while_the_new_file_is_empty(
    log: Path, follower: LogFollower
) -> None:
    add(log, "first\nhalf of ")
    follower.read()
    rotate(log)
    log.touch()
    assert follower.read() == []
    add(log, "a line\n")

    assert follower.read() == ["half of a line"]


def test_a_follower_joins_through_two_rotations(log: Path, follower: LogFollower) -> None:
    add(log, "first\none ")
    follower.read()
    rotate(log)
    add(log, "two ")
    rotate(log)
    add(log, "three\n")

    assert follower.read() + follower.read() == ["one two three"]


def test_a_line_whose_worker_ended_within_it_is_not_glued_to_the_next(log: Path, follower: LogFollower) -> None:
    add(log, f"{TIME}first\n{TIME}half of")
    follower.read()
    rotate(log)
    add(log, f"{TIME}started anew\n")

    assert follower.read() + follower.read() == [f"{TIME}half of", f"{TIME}started anew"]
    assert tail_lines(log, 2) == [f"{TIME}half of", f"{TIME}started anew"]
    assert [*all_lines(log)][1:] == [f"{TIME}half of", f"{TIME}started anew"]


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_the_last_lines_and_all_lines_are_joined_too(log: Path, count: int) -> None:
    add(log, "oldest\nfirst\nhalf of ")
    rotate(log)
    add(log, "a line\nlast\n")
    expected = ["oldest", "first", "half of a line", "last"]

    assert tail_lines(log, count) == expected[-count:]
    assert [*all_lines(log)] == expected
    assert LogFollower(log, from_end_lines=count).read() == expected[-count:]


def test_who_begins_right_after_a_rotation_sees_the_half_line_whole(log: Path) -> None:
    add(log, "first\nhalf of ")
    rotate(log)
    add(log, "a li")
    begun = LogFollower(log, from_end_lines=10)

    seen = begun.read()
    add(log, "ne\n")

    assert seen + begun.read() == ["first", "half of a line"]
    begun.close()
