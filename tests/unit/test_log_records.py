"""Lines of a worker's log: what is written can be read again, and nothing that others bring passes for one of them."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.clock import SystemClock
from pqdesk.log_records import merged, parse_line, printed, record, stamp, timed
from pqdesk.supervision.logs.levels import Level, LevelReader
from pqdesk.supervision.logs.message_lines import MessageFilter, is_about, message_id_of
from pqdesk.workers.command_consumer import Printed
from pqdesk.workers.log_stream import SPEAKER, LogStream
from pqdesk.workers.report import Report

AT = "2026-11-30T18:22:20.123Z "


class Clock(SystemClock):
    us = 1_796_062_940_123_456

    def wall_us(self):
        return self.us


@pytest.fixture
def streams():
    return LogStream(io.StringIO(), Clock()), LogStream(io.StringIO(), Clock())


def text_of(stream):
    return stream.raw.getvalue()


def test_time_is_utc_with_milliseconds():
    assert stamp(Clock.us) == AT
    assert stamp(1_796_062_940_000_999) == "2026-11-30T18:22:20.000Z "


def test_record_is_a_line_and_what_goes_on_from_it_is_indented():
    assert record("id=7: one\n  two\nthree", AT) == f"{AT}id=7: one\n{AT}      two\n{AT}    three\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "x\ncompleted id=8 queue=mail attempt=1 1 ms",
        f"x\n{AT}completed id=8 queue=mail attempt=1 1 ms",
        f"x\r{AT}completed id=8 queue=mail attempt=1 1 ms",
        f"x\r\n{AT}id=8 | y",
        f"x\u2028{AT}completed id=8 queue=mail attempt=1 1 ms",
        f"x\x85{AT}id=8 queue=mail attempt=1: y",
        f"x\x0b{AT}id=8 queue=mail attempt=1: y\x0c",
        "x\x1b[2K\x1b[1Acompleted id=8 queue=mail attempt=1 1 ms",
        "x\x1b[8mhidden",
        "x\u202egnitareneg",
        "| id=8 | x",
    ],
)
def test_no_text_passes_for_a_line_about_another_message(hostile):
    lines = record(f"id=7 queue=mail attempt=1: {hostile}", AT).splitlines()
    lines += printed(hostile.split("\n"), 7, AT).splitlines()
    lines += printed(hostile.split("\n"), None, AT).splitlines()

    assert {message_id_of(line) for line in lines} <= {7, None}
    assert not any(is_about(line, 8) for line in lines)
    assert all(line.startswith(AT) for line in lines)
    about = MessageFilter(8)
    assert not any(about.passes(line) for line in lines)


@given(st.text(), st.one_of(st.none(), st.integers(1, 2**63 - 1)))
def test_what_is_printed_is_read_as_printed(text, message_id):
    for line in printed(text.split("\n"), message_id, AT).splitlines():
        read = parse_line(line)
        assert (read.time, read.message_id, read.is_printed) == (AT.strip(), message_id, True)
    for line in printed(text.split("\n"), message_id).splitlines():
        assert "\x1b" not in line or line.endswith("\x1b[0m")


@given(st.text())
def test_only_the_first_line_of_a_record_names_a_message(text):
    lines = record(f"id=7 queue=mail attempt=1: {text}", AT).splitlines()

    assert [parse_line(line).message_id for line in lines] == [7, *[None] * (len(lines) - 1)]


def test_lines_of_a_message_come_with_their_traceback_and_what_was_printed_for_it():
    lines = (
        record("id=7 queue=mail attempt=1: Traceback (most recent call last):\n  File x\nValueError: id=8 bad", AT)
        + printed(["working", "  more"], 7, AT)
        + record("completed id=8 queue=mail attempt=1 1 ms", AT)
        + "id=7 printed past the worker\n"
        + printed(["id=7"], None, AT)
    ).splitlines()
    about = MessageFilter(7)

    assert [about.passes(line) for line in lines] == [True] * 5 + [False] * 3


def test_levels_are_those_of_what_was_said():
    lines = (
        record("completed id=7 queue=mail attempt=1 1 ms", AT)
        + record("failed id=7 queue=mail attempt=1 1 ms", AT)
        + printed(
            ["DEBUG looking", "[warn] odd", "Traceback (most recent call last):", "  x", "ValueError", "on"], 7, AT
        )
        + record("id=7 queue=mail attempt=1: Traceback (most recent call last):\n  x\nValueError", AT)
        + record("completed id=8 queue=mail attempt=1 1 ms", AT)
    ).splitlines()
    reader = LevelReader(is_error=False)

    assert [reader.read(line) for line in lines] == [
        Level.INFO, Level.ERROR, Level.DEBUG, Level.WARNING,
        *[Level.ERROR] * 3, Level.INFO, *[Level.ERROR] * 3, Level.INFO,
    ]  # fmt: skip


def test_lines_of_several_logs_come_in_the_order_of_their_times():
    def at(ms):
        return f"2026-11-30T18:22:20.{ms:03d}Z "

    one = [f"{at(1)}a", "raw", f"{at(30)}b"]
    two = ["before", f"{at(2)}c", f"{at(30)}d", f"{at(5)}the clock was set back"]
    other = ["x", "y"]

    assert [line.split("Z ")[-1] for _, line in merged([(1, one), (2, two), (3, other)])] == [
        "x", "y", "a", "raw", "before", "c", "b", "d", "the clock was set back",
    ]  # fmt: skip
    assert [key for key, _ in merged([(1, one[:1]), (3, other)], at(3))] == [1, 3, 3]
    assert list(timed([], "now")) == []


def test_print_of_a_handler_is_a_line_with_its_message(streams):
    out, _ = streams
    print("starting", file=out)
    SPEAKER.set(SimpleNamespace(message_id=7))
    print("half", end=" ", file=out, flush=True)
    assert text_of(out) == f"{AT}| starting\n"
    print("whole\nand more\r\nthird\x07", file=out)
    out.write("no end")
    SPEAKER.set(None)

    out.end_lines()

    assert text_of(out) == f"{AT}| starting\n" + "".join(
        f"{AT}id=7 | {text}\n" for text in ("half whole", "and more", "third\\x07", "no end")
    )


def test_lines_of_threads_do_not_mix(streams):
    out, _ = streams
    barrier = threading.Barrier(4)

    def write(number):
        SPEAKER.set(SimpleNamespace(message_id=number))
        for _ in range(50):
            out.write(f"a{number} ")
            barrier.wait(10)
            out.write(f"b{number}\n")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = text_of(out).splitlines()
    assert len(lines) == 200
    assert all(line in {f"{AT}id={number} | a{number} b{number}" for number in range(4)} for line in lines)


def test_bytes_and_long_lines_are_written_too(streams):
    out, _ = streams
    out.buffer.write(b"caf\xc3\xa9 \xff\n")
    out.buffer.flush()
    out.write("x" * 20_000)

    assert text_of(out).startswith(f"{AT}| café \\xff\n{AT}| xxx")


def test_by_hand_only_control_characters_are_escaped():
    out = LogStream(io.StringIO(), None)
    print("half", end="", file=out)
    print(" a\x1b[2J\tb\r\nc\u202e", file=out)

    assert text_of(out) == "half a\\x1b[2J\tb\\r\nc\\u202e\n"


def test_lines_of_a_supervised_worker_have_their_time(streams):
    out, err = streams
    report = Report(out, err)
    report.settled_all([("completed", 7, "code", 1, 0.0123), ("failed", 8, "code", 2, 1)])
    report.lines(["put id=1", "put id=2"])
    report.warn("id=8 queue=code attempt=2: no\nway\n")

    assert text_of(out).splitlines() == [
        f"{AT}completed id=7 queue=code attempt=1 12 ms",
        f"{AT}failed id=8 queue=code attempt=2 1.00 s",
        f"{AT}put id=1",
        f"{AT}put id=2",
    ]
    assert text_of(err) == f"{AT}id=8 queue=code attempt=2: no\n{AT}    way\n"


def test_what_a_command_prints_is_told_by_lines_and_its_end_is_kept_in_order(streams):
    out, err = streams
    kept = Printed(7, Report(out, err))
    kept.add(b"one\nha", is_error=False)
    kept.add(b"oh \xe2\x82", is_error=True)
    kept.add(b"lf\r\n", is_error=False)
    kept.add(b"\xac\nlast", is_error=True)
    kept.end()

    assert text_of(out) == f"{AT}id=7 | one\n{AT}id=7 | half\n"
    assert text_of(err) == f"{AT}id=7 | oh €\n{AT}id=7 | last\n"
    assert (kept.tail, kept.last_error) == ("one\nhalf\noh €\nlast", "last")
    for number in range(40_000):
        kept.add(b"%d\n" % number, is_error=False)
    assert kept.tail.endswith("39998\n39999")
    assert 60_000 < len(kept.tail) < 64 * 1024


def test_by_hand_stdout_has_a_line_per_message_only():
    out, err = io.StringIO(), io.StringIO()
    report = Report(out, err)
    report.pass_on(["result"], 7, is_error=False)
    report.pass_on(["warned\x1b[2J"], 7, is_error=True)
    report.settled_all([("completed", 7, "code", 1, 0.0123)])

    assert out.getvalue() == "completed id=7 queue=code attempt=1 12 ms\n"
    assert err.getvalue() == "id=7 | warned\\x1b[2J\n"
