"""Closing where Python calls it: in `__del__`, from a garbage collection anywhere, at the end of the interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pqdesk import Queue, Workspace
from tests.programs import run

_PROGRAM = """
import gc, sys, threading
from pqdesk import Queue

class Owner:
    def __init__(self):
        self.queue = Queue("q", workspace=sys.argv[1])
        self.queue.put("x")
        self.message = self.queue.get()
    def __del__(self):
        self.queue.close()
        print("closed")

owner = Owner()
"""
_ENDS = {
    "the end of the program": "",
    "the end of the program, in a circle": "owner.itself = owner; del owner",
    "the end of the program, beside a busy thread": "threading.Thread(target=lambda: owner.queue.join(1)).start()",
    "a collection": "owner.itself = owner; del owner; gc.collect()",
    "a collection inside a transaction": """
queue = owner.queue
with queue.transaction() as tx:
    owner.itself = owner; del owner; gc.collect()
    queue.put("y", tx=tx)
""",
}


@pytest.mark.parametrize("end", _ENDS)
def test_closing_in_del_raises_nothing_waits_for_nobody_and_loses_no_message(tmp_path: Path, end: str) -> None:
    done = run(sys.executable, "-c", _PROGRAM + _ENDS[end], str(tmp_path / "w"))

    assert (done.stdout, done.stderr) == ("closed\n", "")
    with Workspace(tmp_path / "w") as workspace:
        assert workspace.queue("q").get(timeout=30).payload == "x"


def test_closing_inside_a_transaction_is_refused_where_a_person_wrote_it(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        with queue.transaction(), pytest.raises(ValueError, match="after its end"):
            queue.close()
        queue.put("still open")


def test_closing_gives_back_more_than_a_batch(queue: Queue, other: Queue) -> None:
    other.put_many(range(2500))
    other.get_many(2500)

    other.store.close()

    assert queue.counts().ready == 2500
