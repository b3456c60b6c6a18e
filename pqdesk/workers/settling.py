"""Ending a delivery: exactly one of handler, timeout and a hurried exit does it, however long the disk is full."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pqdesk.clock import Clock
from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.messages.durations import duration_us
from pqdesk.messages.states import AttemptOutcome
from pqdesk.queues.handling import Handling
from pqdesk.queues.message import Message, completed, error_text, released
from pqdesk.storage.values import Settlement
from pqdesk.workers.patience import Patience
from pqdesk.workers.report import Report, describe_exception, shown
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed, Ending, GivenUp, Nacked, PutOff, promise_within

WORKSPACE_TROUBLE = "workspace"  # the condition of Report.begin, shared by all loops of a worker
_RELEASED = Settlement(AttemptOutcome.RELEASED)
_COMPLETED = Settlement(AttemptOutcome.COMPLETED)


@dataclass(slots=True)
class Ended:
    """A delivery that has ended and waits to be settled; `settlement` is None where its handler did that itself."""

    message: Message
    word: str
    settlement: Settlement | None
    ran_s: float


class Settler:
    """Settles deliveries and says so. Thread-safe."""

    def __init__(self, report: Report, clock: Clock) -> None:
        self._report = report
        self._clock = clock
        self._hurry = threading.Event()

    def hurry(self) -> None:
        """Try once from now on, since somebody waits for the process to end."""
        self._hurry.set()

    def conclude(self, delivery: Delivery, ending: Ending) -> Ended:
        """What becomes of a delivery whose end the caller took; an error is told on stderr at once."""
        message, ran_s = delivery.message, (self._clock.awake_ms() - delivery.started_ms) / 1000
        if message.is_settled:
            if isinstance(ending, Nacked | GivenUp):
                self._tell(message, ending)
            return Ended(message, "settled", None, ran_s)
        delivery.handling.end(message)
        if isinstance(ending, Completed):
            settlement = self._completed(message, ending.result)
            if not isinstance(settlement, Nacked):
                return Ended(message, "completed", settlement, ran_s)
            ending = settlement
        if isinstance(ending, Nacked):
            self._tell(message, ending)
            return Ended(message, self._word(message), _nacked(ending), ran_s)
        if isinstance(ending, GivenUp):
            self._tell(message, ending)
            return Ended(message, "failed", Settlement(AttemptOutcome.FAILED, error=error_text(ending.error)), ran_s)
        return Ended(message, "released", released(ending.delay if isinstance(ending, PutOff) else None), ran_s)

    def settle(self, delivery: Delivery, ending: Ending) -> None:
        """Settle one delivery now, unless somebody else ends it. Raises what makes the workspace unusable."""
        if delivery.take_end():
            self.settle_all(delivery.handling, [self.conclude(delivery, ending)])

    def settle_all(
        self, handling: Handling, ended: Sequence[Ended], given_back: Sequence[Message] = (), claim_next: int = 0
    ) -> list[Message]:
        """Settle what has ended in one transaction, say so, and claim up to `claim_next` more messages.

        Of those `given_back`, which were claimed ahead only, nobody is told. Raises WorkspaceError: the workspace
        cannot be used any more, and no waiting helps.
        """
        if not ended and not given_back:  # as most often when a message has come to a worker that waited for it
            return handling.take(claim_next) if claim_next else []
        settled = [(one.message, one.settlement) for one in ended if one.settlement is not None]
        settled += [(message, _RELEASED) for message in given_back]
        lost: list[Message] = []
        claimed: list[Message] = []
        if settled:
            done = self._settle_patiently(handling, settled, claim_next)
            if done is None:
                return []
            lost, claimed = done
        elif claim_next:
            claimed = handling.take(claim_next)
        self._tell_of(ended, lost, given_back)
        return claimed

    def _settle_patiently(
        self, handling: Handling, settled: Sequence[tuple[Message, Settlement]], claim_next: int
    ) -> tuple[list[Message], list[Message]] | None:
        """None when there was no time to try again."""
        patience: Patience | None = None
        while True:
            try:
                done = handling.settle(settled, claim_next)
            except PQDeskError as exc:
                self._report.begin(WORKSPACE_TROUBLE, f"{exc}; trying again, messages in hand are kept")
                patience = patience or Patience(self._hurry.wait, self._clock)
                if not patience.bear(exc):
                    return None
            else:
                self._report.end(WORKSPACE_TROUBLE)
                return done

    def _tell_of(self, ended: Sequence[Ended], lost: Sequence[Message], given_back: Sequence[Message]) -> None:
        """One line per message that was settled, written together."""
        gone = {message.id for message in lost}
        self._report.settled_all(
            [
                (one.word, one.message.id, one.message.queue, one.message.attempt, one.ran_s)
                for one in ended
                if not gone or one.message.id not in gone
            ]
        )
        if gone:
            waiting = {message.id for message in given_back}
            for message in lost:
                if message.id not in waiting:
                    text = "its lease was lost, so this attempt counts for nothing: somebody settled it, or it ran out"
                    self._report.warn(f"{_named(message)}: {text}")

    def _completed(self, message: Message, result: object) -> Settlement | Nacked:
        if result is None:
            return _COMPLETED
        try:
            return completed(result)
        except InvalidInput as exc:
            if not_run := promise_within(result):
                return Nacked(f"its handler has not run: {not_run}")
            reason = str(exc)
        except Exception as exc:  # noqa: BLE001 - a class of the handler's own may raise anything when it is read
            reason = f"it cannot be read: {describe_exception(exc)}"
        self._report.warn(f"{_named(message)}: completed without its result: {reason}")
        return _COMPLETED

    def _word(self, message: Message) -> str:
        """What a failed attempt makes of the message."""
        try:
            if message.cancel_requested:
                return "cancelled"
        except PQDeskError:
            pass  # it is one word in the log
        return "failed" if message.attempt >= message.max_attempts else "retrying"

    def _tell(self, message: Message, ending: Nacked | GivenUp) -> None:
        self._report.warn(f"{_named(message)}: {ending.error.splitlines()[0] if ending.is_told else ending.error}")


def _nacked(ending: Nacked) -> Settlement:
    outcome = AttemptOutcome.TIMED_OUT if ending.is_timeout else AttemptOutcome.NACKED
    delay_us = None if ending.delay is None else duration_us(ending.delay, "delay")
    return Settlement(outcome, error=error_text(ending.error), delay_us=delay_us)


def _named(message: Message) -> str:
    return f"id={message.id} queue={shown(message.queue)} attempt={message.attempt}"
