"""Lines in batches, from a pipe."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from pqdesk.errors import InvalidInput
from pqdesk.services.line_batches import BATCH_LINES, Batch, line_batches

_LIMIT = 1_000_000

Piped = Callable[..., Iterator[Batch]]


@pytest.fixture
def piped() -> Iterator[Piped]:
    """Call with bytes: the batches of a pipe that they come through."""
    ends: list[int] = []
    writers: list[threading.Thread] = []

    def batches(data: bytes, *, from_line: int = 1, limit: int = _LIMIT) -> Iterator[Batch]:
        reading, writing = os.pipe()
        ends.append(reading)
        writer = threading.Thread(target=_write_all, args=(writing, data))
        writers.append(writer)
        writer.start()
        return line_batches(reading, from_line=from_line, line_limit_bytes=limit)

    yield batches
    for end in ends:
        os.close(end)
    for writer in writers:
        writer.join()


def _write_all(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        try:
            pipe.write(data)
        except BrokenPipeError:
            pass


def lines_of(batches: Iterator[Batch]) -> list[bytes]:
    return [line for batch in batches for line in batch.lines]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\n", [b""]),
        (b"a\rb\n", [b"a\rb"]),
    ],
)
def test_every_line_is_one_message(piped: Piped, data: bytes, lines: list[bytes]) -> None:
    assert lines_of(piped(data)) == lines


def test_batches_are_of_one_thousand_and_know_their_lines(piped: Piped) -> None:
    batches = list(piped(b"".join(b"%d\n" % number for number in range(1, 2 * BATCH_LINES + 6))))

    assert sum(len(one.lines) for one in batches) == 2 * BATCH_LINES + 5
    assert max(len(one.lines) for one in batches) == BATCH_LINES
    for one in batches:  # a pause of the writer may have cut a batch short
        assert one.lines[0] == b"%d" % one.first_line
        assert one.lines[-1] == b"%d" % one.last_line


def test_from_line_leaves_out_what_came_before(piped: Piped) -> None:
    (batch,) = piped(b"1\n2\n3\n4\n", from_line=3)

    assert batch.lines == (b"3", b"4")
    assert (batch.first_line, batch.last_line) == (3, 4)


def test_from_line_after_the_end_is_nothing(piped: Piped) -> None:
    assert list(piped(b"1\n2\n", from_line=9)) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_may_be_as_long_as_the_limit_and_not_longer(piped: Piped, end: bytes) -> None:
    assert lines_of(piped(b"x" * 10 + end, limit=10)) == [b"x" * 10]
    with pytest.raises(InvalidInput, match="line 2 has more than 10 bytes"):
        list(piped(b"a\n" + b"x" * 11 + end, limit=10))


def test_an_endless_line_is_refused_before_it_fills_the_memory(piped: Piped) -> None:
    with pytest.raises(InvalidInput, match="line 1 has more than"):
        list(piped(b"x" * 3_000_000))


def test_lines_of_a_silent_pipe_do_not_wait_for_a_full_batch() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"a\nb\npart")
        batches = line_batches(reading, from_line=1, line_limit_bytes=_LIMIT)

        assert next(batches).lines == (b"a", b"b")

        os.write(writing, b"ly\n")
        os.close(writing)
        assert [one.lines for one in batches] == [(b"partly",)]
    finally:
        os.close(reading)
