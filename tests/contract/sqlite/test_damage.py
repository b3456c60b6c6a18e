from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk import Empty, Queue
from pqdesk.messages.states import State
from tests.contract.sqlite.outside import edit


def test_a_damaged_payload_is_never_delivered(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        small, large, good = queue.put("abc"), queue.put("x" * 5000), queue.put("good")
    edit(tmp_path / "w" / "queue.db", f"UPDATE pqdesk_message SET payload = x'616264' WHERE id = {small}")
    edit(tmp_path / "w" / "queue.db", f"UPDATE pqdesk_payload SET payload = x'00' WHERE id = {large}")

    with Queue("q", workspace=tmp_path / "w") as queue:
        assert queue.get(block=False).id == good
        with pytest.raises(Empty):
            queue.get(block=False)
        for damaged in (small, large):
            assert queue.message(damaged).state == State.FAILED
            assert (queue.message(damaged).error or "").startswith("damaged")
