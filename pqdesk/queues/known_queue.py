"""What can be asked of a queue and set for it, and what an operator does to its messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from pqdesk.clock import Clock
from pqdesk.errors import Empty
from pqdesk.later import Later
from pqdesk.messages.aliases import Duration, Ids, QueueSettings, States
from pqdesk.messages.durations import duration_us
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.operator import Operator

if TYPE_CHECKING:
    from pqdesk.messages import looking, records
    from pqdesk.queues import acting, explaining, operations
else:
    looking, records = Later("pqdesk.messages.looking"), Later("pqdesk.messages.records")
    acting, explaining = Later("pqdesk.queues.acting"), Later("pqdesk.queues.explaining")
    operations = Later("pqdesk.queues.operations")

SHORTEST_LOOK_S, LONGEST_LOOK_S = 0.02, 0.25


class KnownQueue(Operator):
    """A queue as whoever watches over it sees it; Queue adds putting and taking.

    Attributes:
        name: As given.
        paths: The workspace's files; None for a database file of an application.
    """

    name: str
    paths: WorkspacePaths | None
    _clock: Clock
    # pqdesk/__init__.py has another
    _ask_workers: ClassVar[explaining.AskWorkers] = staticmethod(lambda _paths, _queue: None)

    def _instead(self) -> str:
        return f"open it there, with Queue({self.name!r}, workspace=…)"

    def counts(self) -> records.Counts:
        """Messages per state by now, from counters that the queue keeps: the cost does not grow."""
        return self.store.looking.counts(self.name)

    def qsize(self) -> int:
        """How many are ready."""
        return self.counts().ready

    def empty(self) -> bool:
        """Whether none is ready."""
        return not self.qsize()

    def full(self) -> bool:
        """Whether it has max_size unfinished messages, so that a put would wait; False without a max_size."""
        size = self.configuration.max_size
        return size is not None and self.counts().unfinished >= size

    def join(self, timeout: Duration | None = None) -> bool:
        """Wait until nothing is ready, running or retrying; False when `timeout` (seconds, timedelta) passed first.

        Raises InvalidInput.
        """
        deadline_ms = self._deadline_ms(timeout)
        while True:
            counts = self.counts()
            if not counts.ready + counts.running + counts.retrying:
                return True
            if self.store.is_interrupted or (deadline_ms is not None and self._clock.awake_ms() >= deadline_ms):
                return False
            self.store.sleep(SHORTEST_LOOK_S)

    def pause(self) -> None:
        """Stop get, in every process, until resume; puts go on. Raises LookOnly."""
        self.store.operating.pause(self.name, True)

    def resume(self) -> None:
        """Give out messages again. Raises LookOnly."""
        self.store.operating.pause(self.name, False)

    @property
    def paused(self) -> bool:
        """Whether get is stopped."""
        return any(one.is_paused for one in self.store.looking.queues() if one.name == self.name)

    def configure(self, **values: Unpack[QueueSettings]) -> None:
        """Store settings, shared by all processes; None brings a default back.

            queue.configure(concurrency=8, rate=(100, 60), max_size=10_000, backoff="linear:10:600")
            queue.configure(rate=None)

        Args:
            max_attempts: Deliveries before a message is failed; 5.
            lease: Seconds or timedelta of awake time; 60 s.
            backoff: "exponential" (the default: 2^attempt s, at most 3600), "linear" or "fixed", as KIND:BASE:CAP in
                seconds, each ± 25 %.
            timeout: Seconds or timedelta that a handler may run; for ever.
            concurrency, group_concurrency: How many run at once, of the queue (no limit) and of one group (1), in all
                processes.
            rate: (n, seconds): at most n deliveries begin within any so many seconds; no limit.
            max_size: Unfinished messages before put waits; no limit.
            max_deaths: Deaths of its process before a message is failed; 3.
            failed_to: The queue that messages go to when they have failed, ready to be worked on there; they stay.
            keep_completed, keep_failed: Seconds or timedelta that final messages are kept; 7 days, for ever.

        Raises:
            InvalidInput: There is no such setting, or its value cannot be used; nothing was changed.
            LookOnly: The workspace is set to look only.
        """
        self.store.operating.configure(self.name, values)

    @property
    def configuration(self) -> records.QueueConfiguration:
        """What `configure` has stored; None where the default holds. Times in seconds."""
        return self.store.configuration(self.name)

    def messages(
        self,
        *,
        state: States | None = None,
        type: str | None = None,
        search: str | None = None,
        where: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        sort: looking.SortName = "id",
        descending: bool = True,
    ) -> list[records.MessageRecord]:
        """Messages of this queue by id, newest first: below id `before`, or next above `after`; not the trashed.

            queue.messages(state="failed", where="attempts:>2 age:<2h", limit=20)

        Args:
            state: A State, its word, or several.
            type: Exactly this one.
            search: Text that payload, error or name contain.
            where: The filter grammar of the window; all that is given has to hold.
            limit: At most 10,000.
            sort, descending: Another order, such as "due", "priority", "finished" or "ran"; those that no index has
                need a filter that leaves at most 10,000. Then `before` and `after` are not for paging.

        Raises:
            InvalidInput: The filter, the order or a number cannot be used; the text says where.
        """
        return operations.list_messages(
            self.store, queue=self.name, before=before, after=after, limit=limit,
            sort=sort, descending=descending, state=state, type=type, search=search, where=where,
        )  # fmt: skip

    def message(self, id: int) -> records.MessageDetail:
        """One message with its payload, result and attempts, also from the trash. Raises NotFound, InvalidInput."""
        return operations.find_message(self.store, id, queue=self.name)

    def result(self, id: int, timeout: Duration | None = 0) -> Any:
        """What its ack was given; with `timeout` (seconds, timedelta, None is for ever) waits until it is done.

        Raises NotFound; InvalidInput when it is not completed; Empty when it is unfinished after a timeout.
        """
        deadline_ms, pause_s = self._deadline_ms(timeout), SHORTEST_LOOK_S
        while True:
            detail = self.message(id)
            is_over = deadline_ms is not None and self._clock.awake_ms() >= deadline_ms
            if detail.state.is_final or detail.is_trashed or timeout == 0:
                return operations.result_of(detail)
            if is_over or self.store.is_interrupted:
                raise Empty(f"message {id} is {detail.state.word}: it has no result so far")
            self.store.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_LOOK_S)

    def why(self, id: int) -> str:
        """Why a message is not running now, in words: paused, due later, no worker for it, … Raises NotFound."""
        return explaining.why(
            self.store.looking, id, queue=self.name, paths=self.paths, ask_workers=KnownQueue._ask_workers
        )

    def errors(self) -> tuple[looking.ErrorRecord, ...]:
        """Errors of this queue that are the same but for numbers, ids and paths, the newest first; at most 1,000."""
        return self.store.looking.errors(self.name)

    def metrics(
        self, since: datetime, until: datetime | None = None, *, step: Duration = 60
    ) -> list[looking.MetricRecord]:
        """What happened per `step` (whole minutes) from `since` on, also to messages that are gone by now.

            for minute in queue.metrics(datetime.now(UTC) - timedelta(hours=1)):
                print(minute.at, minute.put, minute.completed, minute.ran.p95_s)

        Kept by the minute for two days and by the hour for 400. A process that is killed takes its last second along.
        Raises InvalidInput.
        """
        return operations.metrics(self.store, self._clock, since, until, step, queue=self.name)

    def _deadline_ms(self, timeout: Duration | None) -> int | None:
        return None if timeout is None else self._clock.awake_ms() + duration_us(timeout, "timeout") // 1000

    def _act(self, action: str, ids: Ids, **options: Any) -> records.Outcome:
        return acting.act(self.store, action, ids, queue=self.name, **options)
