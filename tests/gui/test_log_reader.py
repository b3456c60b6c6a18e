"""The log reader: each page gets the tail of what it begins to show, then what is new."""

from __future__ import annotations

import pytest

from pqdesk.gui.threads.log_reader import LogReader


@pytest.fixture
def reader(qapp):
    reader = LogReader()
    reader.begin()
    yield reader
    reader.finish()


@pytest.fixture
def heard(reader):
    heard = []
    reader.tail_read.connect(lambda who, path, lines: heard.append((who, path.name, list(lines))))
    reader.lines_read.connect(lambda path, lines: heard.append(("new", path.name, list(lines))))
    return heard


def test_the_tail_comes_first_then_what_is_new(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    log.write_text("1\n2\n")

    reader.follow("page", (log,))
    with log.open("a") as file:
        file.write("3\n")
    reader.poll()

    assert heard == [("page", "a.out.log", ["1", "2"]), ("new", "a.out.log", ["3"])]


def test_a_second_page_gets_the_tail_too_and_the_first_misses_nothing(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    log.write_text("1\n")
    reader.follow("one", (log,))
    with log.open("a") as file:
        file.write("2\n")

    reader.follow("two", (log,))
    reader.follow("one", ())
    with log.open("a") as file:
        file.write("3\n")
    reader.poll()

    assert heard[1:] == [("new", "a.out.log", ["2"]), ("two", "a.out.log", ["1", "2"]), ("new", "a.out.log", ["3"])]


def test_a_file_nobody_wants_is_left_alone(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    reader.follow("page", (log,))
    reader.follow("page", ())
    log.write_text("1\n")

    reader.poll()

    assert heard == [("page", "a.out.log", [])]


def test_what_cannot_be_read_is_told_once(qtbot, reader, tmp_path):
    told = []
    reader.failed.connect(lambda path, why: told.append(why))

    reader.follow("page", (tmp_path,))  # a folder
    reader.poll()

    assert len(told) == 1
