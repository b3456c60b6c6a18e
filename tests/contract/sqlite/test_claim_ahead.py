"""What a worker's loop claims ahead."""

from __future__ import annotations

import pytest

from pqdesk import Queue
from pqdesk.queues.handling import Handling


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [
        ([10] * 50, [50]),
        ([2_000_000, 2_000_000, 2_000_000, 10], [2, 2]),
        ([9_000_000, 10, 10, 9_000_000, 9_000_000], [3, 1, 1]),
        ([10, 9_000_000, 10], [1, 2]),
        ([50_000] * 100, [83, 17]),
    ],
)
def test_large_payloads_are_not_all_in_memory_at_once(queue: Queue, sizes: list[int], taken: list[int]) -> None:
    ids = queue.put_many([b"x" * size for size in sizes])
    handling = Handling(queue)

    groups = [handling.take(100) for _ in taken]

    assert [len(group) for group in groups] == taken
    messages = [message for group in groups for message in group]
    assert [message.id for message in messages] == ids
    assert [len(message.payload) for message in messages] == sizes
