"""A real queue file for the pages to look into and to change: reader and actor stand in the test's own thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pqdesk import Workspace
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Done, Order
from pqdesk.gui.threads.reader import Reader
from pqdesk.messages.states import State
from pqdesk.paths import choose_workspace
from pqdesk.storage import open_inspection


def make_messages(root: Path, count: int) -> None:
    """A workspace with so many completed messages of the queue `code`."""
    with Workspace(root, durability="relaxed") as workspace:
        queue = workspace.queue("code")
        queue.put_many([{"path": f"/usr/lib/file{one}.py"} for one in range(count)], type="files.count")
        for message in queue.get_many(count) if count else ():
            message.ack({"lines": 188})


class MessageFile:
    """What somebody else does to the messages of a workspace, and the threads of a window over it.

    Attributes:
        orders: Every Order that the actor began.
        done: What came of them.
    """

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root, durability="relaxed")
        self.queue = self.workspace.queue("code")
        self.reader = Reader(lambda: open_inspection(choose_workspace(root)))
        self.actor = Actor(lambda: Workspace(root, program="window"), attends=False)
        self.orders: list[Order] = []
        self.done: list[Done] = []
        self.actor.began.connect(self.orders.append)
        self.actor.done.connect(self.done.append)

    def close(self) -> None:
        self.actor.stop()
        self.reader.stop()
        self.workspace.close()

    def tell(self) -> None:
        """Let the reader see now what was written."""
        self.reader.poll()

    def put(self, count: int = 1, **options: Any) -> list[int]:
        ids = self.queue.put_many([{"n": one} for one in range(count)], **options)
        self.tell()
        return ids

    def turn(self, state: State, *ids: int, error: str = "x") -> None:
        """Bring final messages, or ready ones, of `code` to this state."""
        self.workspace.retry([one for one in ids if self.workspace.message(one).state != State.READY])
        if state != State.READY:
            for one in ids:
                message = self.queue.get(id=one, timeout=5)
                if state == State.FAILED:
                    message.fail(error)
                elif state == State.COMPLETED:
                    message.ack()
        self.tell()
