"""What one thread of a consumer holds beside the message in its hands: some claimed ahead, some ended but not settled.

Quick handlers are given many messages at once, so that one commit settles them all; slow ones are given one. Both are
kept so short that nobody waits for them: what is claimed ahead is about LONGEST_MS of work at most, and when a handler
takes longer than the ones before, a watch settles and gives back everything else after a few milliseconds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from pqdesk.clock import Clock
from pqdesk.errors import PQDeskError
from pqdesk.queues.handling import Handling
from pqdesk.queues.message import Message
from pqdesk.workers.settling import Ended, Settler

MOST = 128  # more make it little faster, and are all repeated when the process is killed
LONGEST_MS = 20
_STUCK_MS = 10  # a handler that runs for so long keeps nobody else waiting
_LOOK_S = 0.005
_GROWTH = 4


class Batch:
    """Its thread takes, adds and refills; `tend` is called by the watch.

    Args:
        on_given_back: Called with how many messages went back that were only claimed ahead.
    """

    def __init__(
        self, handling: Handling, settler: Settler, clock: Clock, on_given_back: Callable[[int], None]
    ) -> None:
        self.handling = handling
        self._on_given_back = on_given_back
        self.limit = 1
        self._settler = settler
        self._clock = clock
        self._lock = threading.Lock()
        self._ahead: deque[Message] = deque()
        self._ended: list[Ended] = []
        self._current: Message | None = None
        self._seen: Message | None = None  # what was current when the watch looked first
        self._seen_ms = 0
        self._claimed_ms = 0
        self._count = 0  # how many the last refill claimed
        self._most = MOST
        self._longest_ms = LONGEST_MS

    def next(self) -> Message | None:
        """The next message that was claimed ahead; it is in hand until `add` or `skip`."""
        with self._lock:
            self._current = message = self._ahead.popleft() if self._ahead else None
        return message

    def add(self, ended: Ended) -> None:
        """The message in hand has ended, and is to be settled with the next refill."""
        with self._lock:
            self._ended.append(ended)
            self._current = None

    def skip(self) -> None:
        """The message in hand was settled by somebody else."""
        with self._lock:
            self._current = None

    def put_back(self, message: Message) -> None:
        """The message in hand could not be begun; it is the next one again."""
        with self._lock:
            self._ahead.appendleft(message)
            self._current = None

    def pass_over(self, message: Message) -> None:
        """The message in hand is not to be begun; it goes back."""
        self.skip()
        self._release([], [message])

    @property
    def is_shared(self) -> bool:
        """Whether anything beside the message in hand waits for its handler to end."""
        return bool(self._ahead or self._ended)

    def wanted(self) -> int:
        """How many messages to claim next."""
        self._adapt()
        return self.limit

    def refill(self, room: int) -> int:
        """Settle what has ended, and claim up to `room` messages; returns how many."""
        ended = self._take_ended()
        claimed = self._settler.settle_all(self.handling, ended, claim_next=room)
        if claimed:
            self._note_claimed(claimed)
        return len(claimed)

    def tend(self, now_ms: int) -> bool:
        """Let nothing wait for a handler that takes long. Whether that has to be looked at again."""
        with self._lock:
            current = self._current
            if not self._ahead and not self._ended:
                return False
            if current is None or current is not self._seen:
                self._seen, self._seen_ms = current, now_ms
                return True
            if now_ms - self._seen_ms < _STUCK_MS:
                return True
            self.handling.keep_extending(current)
            ended, ahead = self._take_all()
        self.limit = 1
        self._release(ended, ahead)
        return False

    def give_back(self) -> None:
        """Settle what has ended and give back what was claimed ahead."""
        with self._lock:
            ended, ahead = self._take_all()
        if ended or ahead:
            self._release(ended, ahead)

    def _release(self, ended: list[Ended], ahead: list[Message]) -> None:
        self._settler.settle_all(self.handling, ended, ahead)
        if ahead:
            self._on_given_back(len(ahead))

    def _take_ended(self) -> list[Ended]:
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def _take_all(self) -> tuple[list[Ended], list[Message]]:
        ended, ahead = self._ended, list(self._ahead)
        self._count = max(0, self._count - len(ahead))  # they say nothing about how long handlers take
        self._ended = []
        self._ahead.clear()
        return ended, ahead

    def _note_claimed(self, claimed: Sequence[Message]) -> None:
        self._claimed_ms, self._count = self._clock.awake_ms(), len(claimed)
        # In a limited queue others may go on only when these are settled; and no lease may end before its turn comes.
        self._most = 1 if self.handling.is_limited(claimed[0]) else MOST
        self._longest_ms = max(1, min(LONGEST_MS, self.handling.lease_ms(claimed[0]) // 10))
        with self._lock:
            self._ahead.extend(claimed)

    def _adapt(self) -> None:
        """Claim as many next as will not take too long, going by the last ones; growing step by step."""
        if not self._count:
            return
        elapsed_ms = max(1, self._clock.awake_ms() - self._claimed_ms)
        fitting = max(1, min(self._count * self._longest_ms // elapsed_ms, self._most))
        if elapsed_ms > self._longest_ms:
            self.limit = fitting
        elif self._count >= self.limit:
            self.limit = min(self.limit * _GROWTH, fitting)
        self._count = 0


class BatchWatch:
    """A thread that looks at batches every few milliseconds, as long as one of them holds more than what is in hand."""

    def __init__(self, clock: Clock, on_failure: Callable[[PQDeskError], None]) -> None:
        self._clock = clock
        self._on_failure = on_failure
        self._batches: list[Batch] = []
        self._wanted = threading.Event()
        self._ending = threading.Event()
        self._is_looking = False
        self._thread = threading.Thread(target=self._run, name="consumer-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, batch: Batch) -> None:
        self._batches.append(batch)

    def look(self) -> None:
        """Begin to look, if it does not. Called for each message that others wait behind: cheap."""
        if not self._is_looking:
            self._is_looking = True
            self._wanted.set()

    def end(self) -> None:
        """Return when the thread has ended and no batch holds anything."""
        self._ending.set()
        self._wanted.set()
        self._thread.join()
        for batch in self._batches:
            self._guarded(batch.give_back)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wanted.wait()
            self._wanted.clear()
            while self._tend():
                if self._ending.wait(_LOOK_S):
                    return
            self._is_looking = False
            if self._tend():  # it came between the two
                self.look()

    def _tend(self) -> bool:
        now_ms = self._clock.awake_ms()
        answers = [self._guarded(lambda batch=batch: batch.tend(now_ms)) for batch in self._batches]  # type: ignore[misc]
        return any(answers)

    def _guarded(self, act: Callable[[], bool | None]) -> bool | None:
        try:
            return act()
        except PQDeskError as exc:
            self._on_failure(exc)
            return False
