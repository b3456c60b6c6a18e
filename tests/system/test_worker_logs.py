"""Reading logs as workers and supervisord really leave them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pqdesk.supervision.logs.log_files import LONGEST_LINE, LogFollower, clear_log, tail_lines
from pqdesk.supervision.logs.message_lines import MessageFilter, lines_of_message


def write(log: Path, data: bytes) -> None:
    with open(log, "ab", buffering=0) as file:
        file.write(data)


def rotate(log: Path, kept: int = 3) -> None:
    """As supervisor's RotatingFileHandler: .2 → .3, .1 → .2, the log → .1, and a new empty one."""
    for number in range(kept - 1, 0, -1):
        if (older := log.with_name(f"{log.name}.{number}")).exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    log.touch()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.out.log"


def test_the_tail_reaches_into_rotated_files(log: Path) -> None:
    write(log, b"one\ntwo\n")
    rotate(log)
    write(log, b"three\n")
    rotate(log)
    write(log, b"four\nfive")

    assert tail_lines(log, 4) == ["two", "three", "four", "five"]
    assert tail_lines(log, 1) == ["five"]
    assert tail_lines(log, 0) == []
    assert tail_lines(log, 99) == ["one", "two", "three", "four", "five"]


def test_a_log_that_is_not_there_is_empty(log: Path) -> None:
    follower = LogFollower(log)

    assert tail_lines(log, 10) == []
    assert follower.read() == []
    write(log, b"first\n")
    assert follower.read() == ["first"]


def test_all_of_a_log_that_comes_later_is_new(log: Path) -> None:
    follower = LogFollower(log, from_end_lines=1)
    follower.read()

    write(log, b"1\n2\n3\n")

    assert follower.read() == ["1", "2", "3"]


def test_following_begins_with_the_tail_and_goes_on_where_it_was(log: Path) -> None:
    write(log, b"old\nolder\n1\n2\n")
    follower = LogFollower(log, from_end_lines=2)

    assert follower.read() == ["1", "2"]
    assert follower.read() == []
    write(log, b"3\n4\n")
    assert follower.read() == ["3", "4"]


def test_several_rotations_between_two_reads_lose_nothing(log: Path) -> None:
    write(log, b"1\n")
    follower = LogFollower(log)
    assert follower.read() == ["1"]

    write(log, b"2\nhalf a line")
    rotate(log)
    write(log, b"3\n")
    rotate(log)
    write(log, b"4\n")
    rotate(log)
    write(log, b"5\n")

    assert follower.read() == ["2", "half a line3", "4", "5"]  # it was rotated within a line
    assert follower.read() == []


def test_the_moment_without_a_file_is_no_end(log: Path) -> None:
    write(log, b"1\n")
    follower = LogFollower(log)
    follower.read()
    log.rename(log.with_name(f"{log.name}.1"))

    assert follower.read() == []
    write(log, b"2\n")
    assert follower.read() == ["2"]


def test_a_log_that_was_emptied_is_read_from_its_beginning(log: Path) -> None:
    write(log, b"1\n2\n3\n")
    follower = LogFollower(log)
    follower.read()

    os.truncate(log, 0)
    write(log, b"new\n")

    assert follower.read() == ["new"]


def test_a_line_is_held_until_it_ends(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log)
    follower.read()

    write(log, b"Password")
    assert follower.read() == []
    write(log, b" for ada: ")
    assert follower.read() == []
    assert [follower.read() for _ in range(9)] == [[]] * 9
    write(log, b"\nnext\n")
    assert follower.read() == ["Password for ada: ", "next"]


def test_a_character_that_is_being_written_is_not_torn(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log)
    follower.read()
    euro = "€".encode()

    write(log, b"10 " + euro[:2])
    assert [follower.read(), follower.read()] == [[], []]
    write(log, euro[2:] + b" paid\n")

    assert follower.read() == ["10 € paid"]


@pytest.mark.parametrize("half", [b"2", b"2" * 5000, "2 €".encode()[:-1]])
def test_an_unfinished_line_at_the_end_of_the_tail_is_joined_with_its_rest(log: Path, half: bytes) -> None:
    write(log, b"1\n" + half)
    follower = LogFollower(log)

    assert [follower.read(), follower.read()] == [["1"], []]
    write(log, b"\n3\n")
    assert "".join(follower.read()) == half.decode(errors="replace") + "3"


def test_a_line_that_a_rotation_leaves_unfinished_is_told(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log)
    follower.read()

    write(log, b"last words")
    follower.read()
    log.rename(log.with_name(log.name + ".1"))
    write(log, b"2026-11-30T18:22:20.123Z next\n")  # which goes on from no other line

    assert follower.read() == ["last words", "2026-11-30T18:22:20.123Z next"]


def test_whatever_a_worker_prints_can_be_shown(log: Path) -> None:
    write(
        log, b"\xff\xfe\x00bin\x07\n\x1b[1;31mred\x1b[0m\t|\r\n\x1b]0;title\x07\nuser\xe2\x80\xaeexe.txt\n50%\r100%\n\n"
    )

    assert tail_lines(log, 9) == [
        "\ufffd\ufffd\\x00bin\\x07",
        "\x1b[1;31mred\x1b[0m\t|",
        "\\x1b]0;title\\x07",
        "user\\u202eexe.txt",
        "50%\\r100%",
        "",
    ]


def test_very_long_lines_are_wrapped(log: Path) -> None:
    write(log, b"x" * (LONGEST_LINE * 2 + 1) + b"\n")
    follower = LogFollower(log)

    assert [len(line) for line in tail_lines(log, 9)] == [LONGEST_LINE, LONGEST_LINE, 1]
    assert [len(line) for line in follower.read()] == [LONGEST_LINE, LONGEST_LINE, 1]
    write(log, "é".encode() * (LONGEST_LINE * 5))  # no end in sight
    assert "".join(follower.read() + follower.read()) == "é" * (LONGEST_LINE * 5)


def test_a_flood_is_read_in_pieces(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log)
    follower.read()
    write(log, b"".join(b"%07d\n" % number for number in range(400_000)))

    pieces = []
    while piece := follower.read():
        pieces.append(piece)

    assert len(pieces) > 2
    assert [line for piece in pieces for line in piece] == [f"{number:07d}" for number in range(400_000)]


def test_a_reader_that_lags_behind_skips_and_says_how_much(log: Path) -> None:
    write(log, b"1\nunfinished")
    follower = LogFollower(log, skip_beyond_bytes=2_000_000)
    follower.read()

    write(log, b"\n" + b"%07d\n" * 300_000 % tuple(range(300_000)))
    lines = follower.read()

    assert lines[0] == "… 1,319 KiB skipped, they are in the file …"
    assert lines[1:] == [f"{number:07d}" for number in range(300_000 - len(lines) + 1, 300_000)]
    assert follower.read() == []
    write(log, b"next\n")
    assert follower.read() == ["next"]


def test_it_skips_over_rotated_files_too(log: Path) -> None:
    write(log, b"1\n")
    follower = LogFollower(log, skip_beyond_bytes=2_000_000)
    follower.read()
    for _ in range(2):
        write(log, b"x" * 63 + b"\n" + b"y\n" * 1_000_000)
        rotate(log)
    write(log, b"new\n")

    assert follower.read() == ["… 3,906 KiB skipped, they are in the file …", "new"]
    write(log, b"next\n")
    assert follower.read() == ["next"]


def test_who_follows_without_skipping_gets_all(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log)
    follower.read()
    write(log, b"x\n" * 3_000_000)

    seen = 0
    while lines := follower.read():
        seen += len(lines)

    assert seen == 3_000_000


def test_a_line_of_a_megabyte_is_followed(log: Path) -> None:
    write(log, b"")
    follower = LogFollower(log, skip_beyond_bytes=4_000_000)
    follower.read()
    write(log, b"z" * 1_000_000 + b"\nnext\n")

    lines = follower.read() + follower.read()

    assert "".join(lines[:-1]) == "z" * 1_000_000
    assert lines[-1] == "next"


def test_a_cleared_log_goes_on_from_its_beginning(log: Path) -> None:
    with open(log, "ab", buffering=0) as writer:  # as supervisord has it open
        writer.write(b"1\n")
        rotated = log.with_name(f"{log.name}.1")
        rotated.write_bytes(b"0\n")
        follower = LogFollower(log)
        follower.read()

        clear_log(log)
        assert follower.read() == []
        writer.write(b"2\n")

    assert follower.read() == ["2"]
    assert tail_lines(log, 9) == ["2"]


def test_the_lines_of_a_message_are_found_through_rotation_and_across_pieces(log: Path) -> None:
    write(log, b"retrying id=7 queue=q attempt=1\n" + b"completed id=70 queue=q attempt=1\n" * 100_000)
    rotate(log)
    write(log, b"completed id=8 queue=q\ncompleted id=7 queue=q attempt=2\n")

    found = lines_of_message([log], 7)

    assert [one.text for one in found.lines] == ["retrying id=7 queue=q attempt=1", "completed id=7 queue=q attempt=2"]
    assert found.skipped_bytes == 0


def test_of_a_huge_log_the_newest_part_is_searched(log: Path) -> None:
    write(log, b"retrying id=7 queue=q\n" + (b"x" * 1023 + b"\n") * (33 * 1024) + b"completed id=7 queue=q\n")

    found = lines_of_message([log], 7)

    assert [one.text for one in found.lines] == ["completed id=7 queue=q"]
    assert found.skipped_bytes > 1024 * 1024


def test_a_traceback_belongs_to_the_message_before_it() -> None:
    lines = [
        "id=7 queue=q attempt=1: Traceback (most recent call last):",
        "  File",
        "KeyError: 1",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        "  File",
        "ValueError: no",
        "something else",
        "  of something else",
        "id=8 queue=q attempt=1: no",
        "put id=6 id=7",
    ]
    about = MessageFilter(7)

    assert [about.passes(line) for line in lines] == [True] * 9 + [False] * 3 + [True]
