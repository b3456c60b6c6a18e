"""What every contender can be asked to do. One object per process; its queue is called `work`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[[Any], None]  # is called with the payload


class Cannot(NotImplementedError):
    """The contender has no such operation."""


class Contender:
    """A queue. What it does not have raises Cannot, and becomes a "–".

    `take` and `finish` are get and ack; a contender whose get deletes has an empty `finish`.
    """

    has_ack = True
    poll_s = 0.001  # of the loop for contenders without a blocking get; real programs poll less often

    def prepare(self, payload: Any) -> Any:
        """What need not be counted: a reference that stores bytes gets bytes."""
        return payload

    def put(self, payload: Any) -> None:
        raise Cannot

    def put_many(self, payloads: list[Any]) -> None:
        raise Cannot

    def take(self) -> tuple[Any, Any] | None:
        """(payload, token) of the next message, or None when there is none."""
        raise Cannot

    def finish(self, token: Any) -> None:
        """Ack what `take` returned."""

    def iterate(self) -> Iterator[tuple[Any, Any]]:
        """(payload, token) of message after message, for ever, waiting in between; the caller finishes each.

        The quickest loop the contender offers; by default `take` again and again.
        """
        while True:
            taken = self.take()
            if taken is None:
                time.sleep(self.poll_s)
            else:
                yield taken

    def consume(self, handler: Handler, stop: threading.Event) -> None:
        """The contender's own consumer, with `handler`, until `stop` is set. Called in the main thread."""
        for payload, token in self.iterate():
            handler(payload)
            self.finish(token)
            if stop.is_set():
                return

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        """`consume` as it waits in an idle program: how it is told of new messages is the contender's own affair."""
        raise Cannot

    def synchronous(self) -> str:
        """The level read back from the contender's own connection."""
        raise NotImplementedError

    def flushes(self) -> int | None:
        """How often it has flushed so far; None when it cannot be counted from inside."""
        return None

    def close(self) -> None:
        """Let go of the files."""


def level_name(level: int) -> str:
    return {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[level]
