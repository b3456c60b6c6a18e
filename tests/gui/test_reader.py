"""The reader in its thread: newer questions win, trouble is told and goes on being tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread

from pqdesk.errors import WorkspaceError
from pqdesk.gui.threads.reader import POLL_MS, Reader
from pqdesk.storage.looking import PageRequest
from tests.gui.shell_fakes import FakeClock, FakeInspection, make_queue


@pytest.fixture
def inspection() -> FakeInspection:
    return FakeInspection()


@pytest.fixture
def reader(inspection: FakeInspection, clock: FakeClock) -> Reader:
    """In the thread of the test; `poll` is called by hand."""
    return Reader(lambda: inspection, clock)


@pytest.fixture
def threaded(qapp: object, inspection: FakeInspection) -> Iterator[Reader]:
    reader, thread = Reader(lambda: inspection), QThread()
    reader.moveToThread(thread)
    thread.finished.connect(reader.stop)
    thread.start()
    yield reader
    inspection.gate.set()
    thread.quit()
    assert thread.wait(5000)


def collect(signal) -> list:
    """What was emitted. qtbot.waitSignal would touch its timer from the reader's thread."""
    seen: list = []
    signal.connect(lambda *values: seen.append(values))
    return seen


def test_a_page_comes_back_with_its_generation(qtbot, threaded: Reader) -> None:
    pages = collect(threaded.page_loaded)

    generation = threaded.ask_page(PageRequest(limit=7))
    qtbot.waitUntil(lambda: bool(pages))

    assert [(page[0].id, answered) for page, answered in pages] == [(7, generation)]


def test_a_newer_question_interrupts_the_older_whose_answer_never_comes(
    qtbot, threaded: Reader, inspection: FakeInspection
) -> None:
    pages = collect(threaded.page_loaded)
    failures = collect(threaded.failed)
    inspection.gate.clear()
    threaded.ask_page(PageRequest(limit=1))
    assert inspection.entered.wait(5)

    newest = threaded.ask_page(PageRequest(limit=2))
    assert inspection.interrupts == 1
    inspection.gate.set()
    qtbot.waitUntil(lambda: bool(pages))

    assert [(page[0].id, generation) for page, generation in pages] == [(2, newest)]
    assert failures == []


def test_questions_nobody_asks_any_more_are_not_put_to_storage(
    qtbot, threaded: Reader, inspection: FakeInspection
) -> None:
    inspection.gate.clear()
    threaded.ask_page(PageRequest(limit=1))
    assert inspection.entered.wait(5)
    for limit in range(2, 30):
        threaded.ask_page(PageRequest(limit=limit))

    pages = collect(threaded.page_loaded)
    inspection.gate.set()
    qtbot.waitUntil(lambda: bool(pages))

    assert [request.limit for request in inspection.asked] == [1, 29]


def test_a_message_does_not_interrupt_a_page(qtbot, threaded: Reader, inspection: FakeInspection) -> None:
    inspection.gate.clear()
    threaded.ask_page(PageRequest(limit=1))
    assert inspection.entered.wait(5)

    messages = collect(threaded.message_loaded)

    threaded.ask_message(9)
    assert inspection.interrupts == 0
    inspection.gate.set()
    qtbot.waitUntil(lambda: bool(messages))

    assert messages[0][0].id == 9


def test_changed_is_told_only_when_the_version_moved(reader: Reader, inspection: FakeInspection) -> None:
    changes = collect(reader.changed)
    reader.poll()
    reader.poll()
    assert len(changes) == 1

    inspection.current_version = 2
    reader.poll()

    assert len(changes) == 2


def test_counts_come_at_most_once_a_second(reader: Reader, inspection: FakeInspection, clock: FakeClock) -> None:
    counts = collect(reader.counts_loaded)
    for version in range(1, 9):
        inspection.current_version = version
        reader.poll()
        clock.advance(0.25)

    assert len(counts) == 2


def test_counts_are_not_read_while_nothing_changes(reader: Reader, clock: FakeClock) -> None:
    counts = collect(reader.counts_loaded)
    for _ in range(20):
        reader.poll()
        clock.advance(5)

    assert len(counts) == 1


def test_what_becomes_due_is_seen_although_nobody_wrote(
    reader: Reader, inspection: FakeInspection, clock: FakeClock
) -> None:
    inspection.records = (make_queue(scheduled=1),)
    counts, changes = collect(reader.counts_loaded), collect(reader.changed)
    reader.poll()

    inspection.records = (make_queue(ready=1),)
    clock.advance(5)
    reader.poll()

    assert counts[-1][0][0].counts.ready == 1
    assert len(changes) == 2


def test_a_file_that_cannot_be_read_is_told_and_tried_again(
    reader: Reader, inspection: FakeInspection, clock: FakeClock
) -> None:
    troubles, mended = collect(reader.unreadable), collect(reader.readable)
    reader.poll()

    inspection.error = WorkspaceError("locked by another program")
    reader.poll()
    assert troubles == [("locked by another program",)]
    assert inspection.is_closed  # a file put in its place is only seen by a new connection

    inspection.error = None
    reader.poll()
    assert mended == [()]


def test_waits_grow_while_it_cannot_be_read(qtbot, inspection: FakeInspection, clock: FakeClock) -> None:
    reader = Reader(lambda: inspection, clock)
    reader.start()
    paces = collect(reader.pace_changed)
    inspection.error = WorkspaceError("gone")

    for _ in range(5):
        reader.poll()
    assert [pace for (pace,) in paces] == [1, 2, 5, 10]

    inspection.error = None
    reader.poll()
    assert paces[-1] == (POLL_MS / 1000,)
    reader.stop()


def test_slow_reading_makes_it_look_less_often(qtbot, inspection: FakeInspection, clock: FakeClock) -> None:
    reader = Reader(lambda: inspection, clock)
    reader.start()
    paces = collect(reader.pace_changed)
    read = inspection.version
    inspection.version = lambda: (clock.advance(0.2), read())[1]  # type: ignore[method-assign]

    for _ in range(7):
        reader.poll()
    assert [pace for (pace,) in paces] == [0.5, 1, 2, 4, 5]

    inspection.version = read  # type: ignore[method-assign]
    for _ in range(6):
        reader.poll()
    assert paces[-1] == (POLL_MS / 1000,)
    reader.stop()


def test_nothing_there_yet_is_no_trouble_and_is_found_when_it_comes(inspection: FakeInspection, clock) -> None:
    there: list[FakeInspection] = []
    reader = Reader(lambda: there[0] if there else None, clock)
    troubles, counts = collect(reader.unreadable), collect(reader.counts_loaded)
    reader.poll()
    reader.poll()
    assert (troubles, counts) == ([], [((),)])

    inspection.records = (make_queue(ready=1),)
    there.append(inspection)
    reader.poll()

    assert counts[-1][0] == inspection.records
