"""The plain values that travel to and from an engine.

Their annotations are no strings, from which typing would compile each at every start of a program.
"""

from collections.abc import Sequence
from typing import NamedTuple, overload

from pqdesk.messages.aliases import OnConflict
from pqdesk.messages.states import AttemptOutcome


# Tuples, as all plain values that a put or a get needs: a frozen dataclass takes three times as long to make, and its
# class ten times, which every start of a program pays.
class EncodedPayload(NamedTuple):
    """A payload as stored: `kind` says how to read `data` (messages/payloads.py)."""

    kind: int
    data: bytes


class NewMessage(NamedTuple):
    """A checked message on its way in. Times in microseconds; None where nothing was given."""

    queue: str
    payload: EncodedPayload
    type: str | None = None
    priority: int = 0
    delay_us: int | None = None
    at_us: int | None = None
    key: str | None = None
    on_conflict: OnConflict = "raise"
    unique_us: int | None = None
    group: str | None = None
    expires_us: int | None = None
    max_attempts: int | None = None
    headers: str | None = None


class Alike(Sequence[NewMessage]):
    """Many messages that differ in nothing but their payloads; a NewMessage of each is made when somebody asks for it.

    Attributes:
        model: What they have in common; its payload means nothing.
        payloads: (kind, data) of each, as in EncodedPayload.
    """

    def __init__(self, model: NewMessage, payloads: list[tuple[int, bytes]]) -> None:
        self.model, self.payloads = model, payloads

    def __len__(self) -> int:
        return len(self.payloads)

    @overload
    def __getitem__(self, index: int) -> NewMessage: ...
    @overload
    def __getitem__(self, index: slice) -> "Alike": ...
    def __getitem__(self, index: int | slice) -> "NewMessage | Alike":
        if isinstance(index, slice):
            return Alike(self.model, self.payloads[index])
        return self.model._replace(payload=EncodedPayload(*self.payloads[index]))


class HandlerDefaults(NamedTuple):
    """What a handler asks for where neither put() nor configure() says anything; of one process."""

    max_attempts: int | None = None
    lease_us: int | None = None
    backoff: str | None = None
    timeout_us: int | None = None


NO_DEFAULTS = HandlerDefaults()


class Claim(NamedTuple):
    """One message under a lease. `receipt` proves the lease; `lease_ends_ms` is awake time.

    `timeout_us`: how long its handler may run; None is for ever. `is_ahead`: claimed ahead, not begun.
    `has_waiters`: its end may let something else go on, since its queue has limits. `is_limited`: only so many of
    its queue may be claimed at once or in a time, so what is claimed ahead keeps others from working. `defaults`: what
    its handler asked for.
    """

    id: int
    queue: str
    queue_id: int
    receipt: int
    lease_ends_ms: int
    lease_us: int
    timeout_us: int | None
    claimed_us: int
    is_ahead: bool
    has_waiters: bool
    is_limited: bool
    defaults: HandlerDefaults
    attempt: int
    max_attempts: int
    type: str | None
    priority: int
    group: str | None
    key: str | None
    headers: str | None
    enqueued_us: int
    due_us: int
    checksum: int
    payload_kind: int
    payload: EncodedPayload | None


class Look(NamedTuple):
    """What a claim found. When it is nothing, `wake_us` (wall time) tells when to look again, if ever.

    `more` is the number of messages that could still be claimed: whoever was woken wakes another one.
    """

    claims: tuple[Claim, ...]
    wake_us: int | None = None
    more: int = 0
    is_paused: bool = False


class Settlement(NamedTuple):
    """How a delivery ends. `error` for nack and fail; `delay_us` overrides the backoff of a nack, and puts off what is
    released.

    `is_other_boot`: the machine went down with the process, which says nothing against the message.
    """

    outcome: AttemptOutcome
    result: EncodedPayload | None = None
    error: str | None = None
    delay_us: int | None = None
    is_other_boot: bool = False
