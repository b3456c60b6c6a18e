"""On a disk that is nearly full: what would take space is refused, what people do to make room is not."""

from __future__ import annotations

import os

import pytest

from pqdesk import DiskFull, Queue


@pytest.fixture
def full_disk(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.put_many(range(3))
    full = os.statvfs_result((4096, 4096, 1_000_000, 10_000, 10_000, 1, 1, 1, 0, 255))  # 39 MiB of 4 GiB
    monkeypatch.setattr(os, "statvfs", lambda _folder: full)


@pytest.mark.usefixtures("full_disk")
def test_nothing_is_edited_or_copied(queue: Queue) -> None:
    with pytest.raises(DiskFull, match="nothing was edited"):
        queue.edit(1, "y")
    with pytest.raises(DiskFull, match="nothing was duplicated"):
        queue.duplicate(1)

    assert queue.message(1).version == 1
    assert queue.counts().ready == 3


@pytest.mark.usefixtures("full_disk")
def test_room_can_be_made(queue: Queue) -> None:
    assert queue.cancel(1).done == 1
    assert queue.purge().done == 3
    assert queue.empty_trash().done == 3
