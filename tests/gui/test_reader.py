"""The reader in its thread, over a real queue file: newer questions win, trouble is told and goes on being tried."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread

from pqdesk import Workspace
from pqdesk.errors import NotFound, WorkspaceError
from pqdesk.gui.threads.reader import POLL_MS, Answer, Question, Reader
from pqdesk.paths import choose_workspace
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import Inspection, PageRequest
from pqdesk.storage.sqlite.inspection import SqliteInspection
from tests.gui.shell_fakes import FakeClock

Open = Callable[[], Inspection]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w", durability="relaxed") as workspace:
        workspace.queue("code").put_many(range(9))
        yield workspace


@pytest.fixture
def open_file(workspace: Workspace) -> Open:
    return lambda: open_inspection(choose_workspace(workspace.path))


@pytest.fixture
def reader(open_file: Open, clock: FakeClock) -> Iterator[Reader]:
    """In the thread of the test; `poll` is called by hand."""
    reader = Reader(open_file, clock)
    yield reader
    reader.stop()


class Gate:
    """A question that looks, and waits until it is let through; `entered` tells that it has begun."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, look: Inspection) -> int:
        found = look.counts().total
        self.entered.set()
        assert self.opened.wait(20)
        return found


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def interrupts(monkeypatch: pytest.MonkeyPatch) -> list[Inspection]:
    """Those that were interrupted."""
    seen: list[Inspection] = []
    interrupt = SqliteInspection.interrupt

    def note(look: SqliteInspection) -> None:
        seen.append(look)
        interrupt(look)

    monkeypatch.setattr(SqliteInspection, "interrupt", note)
    return seen


@pytest.fixture
def threaded(qapp: object, open_file: Open, gate: Gate) -> Iterator[Reader]:
    reader, thread = Reader(open_file), QThread()
    reader.moveToThread(thread)
    thread.finished.connect(reader.stop)
    thread.start()
    yield reader
    gate.opened.set()
    thread.quit()
    assert thread.wait(5000)


def page(limit: int) -> Question:
    return lambda look: tuple(one.id for one in look.page(PageRequest(limit=limit)))


def collect(signal) -> list:
    """What was emitted. qtbot.waitSignal would touch its timer from the reader's thread."""
    seen: list = []
    signal.connect(lambda *values: seen.append(values))
    return seen


def test_an_answer_comes_back_with_its_ticket(qtbot, threaded: Reader) -> None:
    answers = collect(threaded.answered)

    ticket = threaded.ask("a", page(2))
    qtbot.waitUntil(lambda: bool(answers))

    assert answers == [(Answer(ticket, (9, 8)),)]


def test_a_newer_question_of_the_same_asker_interrupts_the_older_which_is_never_answered(
    qtbot, threaded: Reader, gate: Gate, interrupts: list[Inspection]
) -> None:
    answers = collect(threaded.answered)
    threaded.ask("a", gate)
    assert gate.entered.wait(5)

    newest = threaded.ask("a", page(1))
    assert len(interrupts) == 1
    gate.opened.set()
    qtbot.waitUntil(lambda: bool(answers))

    assert answers == [(Answer(newest, (9,)),)]


def test_a_question_that_takes_for_ever_is_ended_by_the_next(qtbot, threaded: Reader, workspace: Workspace) -> None:
    begun, answers = threading.Event(), collect(threaded.answered)

    def for_ever(look: Inspection) -> None:
        begun.set()
        while True:
            look.page(PageRequest(limit=9))

    threaded.ask("a", for_ever)
    assert begun.wait(5)
    ticket = threaded.ask("a", page(1))

    def is_answered() -> bool:
        if not answers:
            threaded.interrupt()  # between two statements there is nothing to interrupt
        return bool(answers)

    qtbot.waitUntil(is_answered, timeout=20_000)
    assert answers == [(Answer(ticket, (9,)),)]


def test_questions_nobody_asks_any_more_are_not_put_to_storage(qtbot, threaded: Reader, gate: Gate) -> None:
    asked: list[int] = []
    threaded.ask("a", gate)
    assert gate.entered.wait(5)
    for number in range(2, 30):
        threaded.ask("a", lambda look, number=number: asked.append(number))

    answers = collect(threaded.answered)
    gate.opened.set()
    qtbot.waitUntil(lambda: bool(answers))

    assert asked == [29]


def test_somebody_elses_question_interrupts_nothing(
    qtbot, threaded: Reader, gate: Gate, interrupts: list[Inspection]
) -> None:
    answers = collect(threaded.answered)
    first = threaded.ask("a", gate)
    assert gate.entered.wait(5)

    second = threaded.ask("b", page(1))
    assert interrupts == []
    gate.opened.set()
    qtbot.waitUntil(lambda: len(answers) == 2)

    assert answers == [(Answer(first, 9),), (Answer(second, (9,)),)]


@pytest.mark.parametrize("error", [NotFound("message 7"), ZeroDivisionError("a bug"), RecursionError("deep")])
def test_an_error_is_an_answer_whatever_it_is_and_the_next_question_is_answered(
    qtbot, threaded: Reader, error: Exception
) -> None:
    answers = collect(threaded.answered)

    def fail(_look: Inspection) -> None:
        raise error

    failed, good = threaded.ask("a", fail), threaded.ask("b", page(1))
    qtbot.waitUntil(lambda: len(answers) == 2)

    assert answers == [(Answer(failed, error=error),), (Answer(good, (9,)),)]
    assert error.__traceback__ is None  # its frames would hold the connection


def test_where_there_is_no_file_yet_that_is_the_answer(qtbot) -> None:
    reader = Reader(lambda: None)
    answers = collect(reader.answered)

    reader.ask("a", page(1))
    assert answers == []  # not before the ticket is known
    qtbot.waitUntil(lambda: bool(answers))

    assert isinstance(answers[0][0].error, NotFound)


def test_changed_is_told_only_when_somebody_wrote(reader: Reader, workspace: Workspace) -> None:
    changes = collect(reader.changed)
    reader.poll()
    reader.poll()
    assert len(changes) == 1

    workspace.queue("code").put("x")
    reader.poll()

    assert len(changes) == 2


def test_counts_come_at_most_once_a_second(reader: Reader, workspace: Workspace, clock: FakeClock) -> None:
    counts = collect(reader.counts_loaded)
    for _ in range(8):
        workspace.queue("code").put("x")
        reader.poll()
        clock.advance(0.25)

    assert len(counts) == 2


def test_counts_are_not_read_while_nothing_changes(reader: Reader, clock: FakeClock) -> None:
    counts = collect(reader.counts_loaded)
    for _ in range(20):
        reader.poll()
        clock.advance(5)

    assert len(counts) == 1


def test_what_becomes_due_is_looked_for_although_nobody_wrote(
    reader: Reader, workspace: Workspace, clock: FakeClock
) -> None:
    workspace.queue("code").put("x", delay=3600)
    counts, changes = collect(reader.counts_loaded), collect(reader.changed)
    reader.poll()

    clock.advance(5)
    reader.poll()

    assert len(counts) == len(changes) == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WorkspaceError("locked by another program"), "locked by another program"),
        (ValueError("a bug"), "ValueError: a bug"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_tried_again_with_a_new_connection(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    troubles, mended = collect(reader.unreadable), collect(reader.readable)
    reader.poll()
    first = reader._inspection

    with monkeypatch.context() as patch:
        patch.setattr(SqliteInspection, "version", _raise(error))
        reader.poll()
    assert troubles == [(text,)]

    reader.poll()
    assert mended == [()]
    assert reader._inspection is not first  # a file put in its place is only seen by a new one


def test_waits_grow_while_it_cannot_be_read(
    qtbot, open_file: Open, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(open_file, clock)
    reader.start()
    paces = collect(reader.pace_changed)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteInspection, "version", _raise(WorkspaceError("gone")))
        for _ in range(5):
            reader.poll()
    assert [pace for (pace,) in paces] == [1, 2, 5, 10]

    reader.poll()
    assert paces[-1] == (POLL_MS / 1000,)
    reader.stop()


def test_slow_reading_makes_it_look_less_often(
    qtbot, open_file: Open, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(open_file, clock)
    reader.start()
    paces = collect(reader.pace_changed)
    read = SqliteInspection.version

    with monkeypatch.context() as patch:
        patch.setattr(SqliteInspection, "version", lambda look: (clock.advance(0.2), read(look))[1])
        for _ in range(7):
            reader.poll()
    assert [pace for (pace,) in paces] == [0.5, 1, 2, 4, 5]

    for _ in range(6):
        reader.poll()
    assert paces[-1] == (POLL_MS / 1000,)
    reader.stop()


def test_nothing_there_yet_is_no_trouble_and_is_found_when_it_comes(open_file: Open, clock: FakeClock) -> None:
    is_there = False
    reader = Reader(lambda: open_file() if is_there else None, clock)
    troubles, counts = collect(reader.unreadable), collect(reader.counts_loaded)
    reader.poll()
    reader.poll()
    assert (troubles, counts) == ([], [((),)])

    is_there = True
    reader.poll()

    assert counts[-1][0][0].counts.ready == 9
    reader.stop()


def _raise(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail
