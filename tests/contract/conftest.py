"""Each engine in turn: `queue` and `store` are real, only the clock can be moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_store
from pqdesk.storage.contract import Store
from tests.contract.clocks import MovableClock


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path / "workspace")


@pytest.fixture
def open_another(paths: WorkspacePaths, clock: MovableClock) -> Iterator[Callable[[], Store]]:
    """Opens one more client of the same workspace, with a connection of its own; closed at the end."""
    opened: list[Store] = []

    def open_one() -> Store:
        store = open_store(paths, clock=clock, rng=Random(len(opened)))
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_another: Callable[[], Store]) -> Store:
    return open_another()


@pytest.fixture
def queue(store: Store, clock: MovableClock, paths: WorkspacePaths) -> Queue:
    return Queue.over(store, "work", clock, paths)


@pytest.fixture
def other(open_another: Callable[[], Store], clock: MovableClock, queue: Queue) -> Queue:
    """The same queue over another connection, as another process has it."""
    return Queue.over(open_another(), "work", clock)
