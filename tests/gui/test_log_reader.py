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


def test_new_lines_of_several_files_come_in_the_order_of_their_times(reader, heard, tmp_path):
    def at(ms):
        return f"2026-11-30T18:22:20.{ms:03d}Z line"

    logs = tmp_path / "a.out.log", tmp_path / "b.out.log", tmp_path / "untimed.out.log"
    for log in logs:
        log.touch()
    reader.follow("page", logs)
    heard.clear()
    logs[0].write_text(f"{at(1)}\n{at(4)}\n{at(5)}\n")
    logs[1].write_text(f"{at(2)}\nraw\n{at(6)}\n")
    logs[2].write_text("untimed\n")

    reader.poll()

    assert [(path, lines) for _, path, lines in heard] == [
        ("a.out.log", [at(1)]),
        ("b.out.log", [at(2), "raw"]),
        ("a.out.log", [at(4), at(5)]),
        ("b.out.log", [at(6)]),
        ("untimed.out.log", ["untimed"]),
    ]


def test_who_comes_back_gets_what_was_missed_and_no_line_twice(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    log.write_text("same\n")
    reader.follow("page", (log,))
    reader.follow("page", ())
    with log.open("a") as file:
        file.write("same\nsame\n")
    log.rename(tmp_path / "a.out.log.1")
    log.write_text("new\n")

    reader.follow("page", (log,))

    assert heard == [("page", "a.out.log", ["same"]), ("page", "a.out.log", ["same", "same", "new"])]


def test_each_page_has_a_tail_and_a_place_of_its_own(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    log.write_text("1\n")
    reader.follow("one", (log,))
    reader.follow("one", ())
    with log.open("a") as file:
        file.write("2\n")

    reader.follow("two", (log,))
    with log.open("a") as file:
        file.write("3\n")
    reader.poll()
    reader.follow("two", ())
    reader.follow("one", (log,))

    assert heard[1:] == [
        ("two", "a.out.log", ["1", "2"]),
        ("new", "a.out.log", ["3"]),
        ("one", "a.out.log", ["2", "3"]),
    ]


def test_what_is_too_much_is_skipped_and_told(reader, heard, tmp_path):
    log = tmp_path / "a.out.log"
    log.write_text("1\n")
    reader.follow("page", (log,))
    with log.open("a") as file:
        file.writelines(f"{number:015d}\n" for number in range(400_000))

    reader.poll()

    lines = heard[-1][2]
    assert lines[0] == "… 5,226 KiB skipped, they are in the file …"
    assert lines[-1] == f"{399_999:015d}"
    assert len(lines) == 65_537


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


def test_the_lines_of_a_message_are_found(qtbot, reader, tmp_path):
    out, err = tmp_path / "a.out.log", tmp_path / "a.err.log"
    out.write_text("completed id=7 queue=q\ncompleted id=70 queue=q\n")
    err.write_text("id=7 queue=q attempt=1: Traceback (most recent call last):\n  File\nValueError: no\nother\n")

    with qtbot.waitSignal(reader.message_searched) as answer:
        reader.find_message((out, err, tmp_path / "none.log"), 7, 5)

    token, found = answer.args
    assert token == 5
    assert [(one.path.name, one.text) for one in found.lines] == [
        ("a.out.log", "completed id=7 queue=q"),
        ("a.err.log", "id=7 queue=q attempt=1: Traceback (most recent call last):"),
        ("a.err.log", "  File"),
        ("a.err.log", "ValueError: no"),
    ]


def test_clearing_empties_the_file_and_what_was_rotated(qtbot, reader, heard, tmp_path):
    log, old = tmp_path / "a.out.log", tmp_path / "a.out.log.1"
    log.write_text("1\n")
    old.write_text("0\n")
    reader.follow("page", (log,))

    with qtbot.waitSignal(reader.files_cleared) as told:
        reader.clear_files((log,))
    reader.poll()
    with log.open("a") as file:
        file.write("2\n")
    reader.poll()

    assert told.args == [(log,), "Cleared a.out.log"]
    assert not old.exists()
    assert heard[1:] == [("new", "a.out.log", ["2"])]


def test_what_cannot_be_cleared_is_told(qtbot, reader, tmp_path):
    with qtbot.waitSignal(reader.files_cleared) as told:
        reader.clear_files((tmp_path,))

    assert told.args[1].startswith("The log was not cleared: it is a folder, not a regular file")


def test_what_stands_around_a_message_is_found(qtbot, reader, tmp_path):
    log = tmp_path / "a.out.log"
    lines = [f"completed id={number} queue=q attempt=1" for number in range(10_000)]
    log.write_text("\n".join(lines) + "\n")
    log.rename(tmp_path / "a.out.log.1")
    log.write_text("new\n")

    with qtbot.waitSignal(reader.around_found) as answer:
        reader.find_around((tmp_path / "none.log", log), 5000, 3)

    token, found = answer.args
    assert (token, found.path) == (3, log)
    assert found.lines[found.at] == "completed id=5000 queue=q attempt=1"
    assert list(found.lines) == lines[5000 - found.at :][: len(found.lines)]
    assert len(found.lines) > 3000


def test_a_message_that_no_log_names_has_nothing_around_it(qtbot, reader, tmp_path):
    (tmp_path / "a.out.log").write_text("completed id=70 queue=q\n")

    with qtbot.waitSignal(reader.around_found) as answer:
        reader.find_around((tmp_path / "a.out.log",), 7, 3)

    assert answer.args == [3, None]
