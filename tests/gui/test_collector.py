"""Qt's objects end in the window's thread, whichever thread makes the garbage."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from pqdesk.gui.collector import Collector


class Pane(QWidget):
    """A widget of Python's, which a collection ends wherever it is made."""


@pytest.fixture
def ended_in() -> list[int]:
    """The threads in which a forgotten cycle of a widget has ended."""
    threads: list[int] = []
    pane = Pane()
    pane.cycle = pane  # type: ignore[attr-defined]
    pane.destroyed.connect(lambda *_: threads.append(threading.get_ident()), Qt.ConnectionType.DirectConnection)
    return threads


@pytest.fixture
def collector(qapp: object) -> Iterator[Collector]:
    parent = QObject()
    yield Collector(parent)
    parent.deleteLater()


def test_a_thread_that_makes_garbage_ends_no_widget(qtbot, collector: Collector, ended_in: list[int]) -> None:
    def make_garbage() -> None:
        for _ in range(100_000):
            one: list[object] = []
            one.append(one)

    worker = threading.Thread(target=make_garbage)
    worker.start()
    worker.join()
    assert ended_in == []

    qtbot.waitUntil(lambda: ended_in == [threading.get_ident()])
