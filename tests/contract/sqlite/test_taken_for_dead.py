"""A process that was taken for dead, and lives."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pqdesk.errors import LeaseLost
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage.sqlite import owners
from tests.contract import engines


class _OfAnother:
    """The locks of this process, which the thread that made it takes for another's; its upkeep's thread does not."""

    def __init__(self, locks: dict[str, int]) -> None:
        self._locks, self._thread = locks, threading.get_ident()

    def __contains__(self, token: str) -> bool:
        return token in self._locks and threading.get_ident() != self._thread

    def __getitem__(self, token: str) -> int:
        return self._locks[token]

    def __setitem__(self, token: str, descriptor: int) -> None:
        self._locks[token] = descriptor

    def pop(self, token: str) -> int:
        return self._locks.pop(token)


@pytest.fixture
def look_from_outside(other: Queue, paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What the upkeep of another process does."""

    def look() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owners, "_own_locks", _OfAnother(owners._own_locks))  # else it knows that these live in here
            engines.run_chores(other)

    return look


def test_a_process_that_was_taken_for_dead_keeps_what_it_has_from_then_on(
    queue: Queue, other: Queue, paths: WorkspacePaths, look_from_outside: Callable[[], None]
) -> None:
    queue.put_many(["lost", "kept"])
    lost = queue.get(timeout=0)
    for lock in (paths.run / "owners").iterdir():  # as a program that tidies up does
        lock.unlink()
    look_from_outside()
    kept = queue.get_many(2, timeout=0)

    engines.run_chores(queue)
    engines.run_chores(other)

    for message in kept:
        message.ack()
    with pytest.raises(LeaseLost):
        lost.ack()
    assert len(list((paths.run / "owners").iterdir())) == 1


def test_what_a_process_claimed_after_it_was_taken_for_dead_is_not_in_hand_for_ever(
    queue: Queue, paths: WorkspacePaths, look_from_outside: Callable[[], None]
) -> None:
    queue.put("one")
    queue.get(timeout=0).release()
    for lock in (paths.run / "owners").iterdir():
        lock.unlink()
    look_from_outside()
    queue.get(timeout=0)  # and then it really dies, before its upkeep

    look_from_outside()

    assert queue.counts().ready == 1
