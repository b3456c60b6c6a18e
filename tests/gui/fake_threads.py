"""Stand-ins for the reader and the actor that answer from memory, each question in a later turn of the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.errors import NotFound, PQDeskError
from pqdesk.messages.records import Counts, MessageDetail, MessageRecord, Outcome, QueueRecord
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage.looking import PageRequest
from tests.gui.fakes import make_detail


class FakeReader(QObject):
    """The questions and answers of threads/reader.py over a dict of records, `messages`.

    Attributes:
        details: Messages whose detail is more than their record.
        asked: Every page asked for.
        error: What the next answers are instead.
    """

    changed = Signal()
    counts_loaded = Signal(object)
    page_loaded = Signal(object, int)
    message_loaded = Signal(object, int)
    failed = Signal(object, int)

    def __init__(self, records: Iterable[MessageRecord] = ()) -> None:
        super().__init__()
        self.messages = {record.id: record for record in records}
        self.details: dict[int, MessageDetail] = {}
        self.asked: list[PageRequest] = []
        self.error: PQDeskError | None = None
        self._newest = {"page": 0, "message": 0}

    def put(self, *records: MessageRecord) -> None:
        """Write, as another process would."""
        self.messages |= {record.id: record for record in records}
        self.changed.emit()

    def remove(self, *ids: int) -> None:
        for one in ids:
            del self.messages[one]
        self.changed.emit()

    def tell_counts(self) -> None:
        queues = sorted({record.queue for record in self.messages.values()})
        self.counts_loaded.emit(tuple(QueueRecord(name, False, self._counts(name)) for name in queues))

    def ask_page(self, request: PageRequest) -> int:
        self.asked.append(request)
        self._newest["page"] += 1
        generation = self._newest["page"]
        QTimer.singleShot(0, self, lambda: self._answer_page(request, generation))
        return generation

    def ask_message(self, message_id: int) -> int:
        self._newest["message"] += 1
        generation = self._newest["message"]
        QTimer.singleShot(0, self, lambda: self._answer_message(message_id, generation))
        return generation

    def _answer_page(self, request: PageRequest, generation: int) -> None:
        if generation < self._newest["page"]:
            return
        if self.error is not None:
            self.failed.emit(self.error, generation)
        else:
            self.page_loaded.emit(self._page(request), generation)

    def _answer_message(self, message_id: int, generation: int) -> None:
        record = self.messages.get(message_id)
        if record is None:
            self.failed.emit(NotFound(f"there is no message {message_id}"), generation)
        else:
            self.message_loaded.emit(self.details.get(message_id) or make_detail(record), generation)

    def _page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        before = request.before if request.before is not None else float("inf")
        found = [
            record
            for message_id, record in sorted(self.messages.items(), reverse=True)
            if (request.after or 0) < message_id < before and _matches(record, request.selection)
        ]
        return tuple(found[-request.limit :] if request.after is not None else found[: request.limit])

    def _counts(self, queue: str) -> Counts:
        states = [record.state.word for record in self.messages.values() if record.queue == queue]
        return Counts(**{state.word: states.count(state.word) for state in State})


class FakeActor(QObject):
    """Notes what it was asked; `answer` says that it was done."""

    performed = Signal(str, object, object, int)
    failed = Signal(str, object, object, int)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, tuple[int, ...]]] = []
        self.seen: list[Mapping[int, State]] = []

    @Slot(str, object, int)
    def perform(self, name: str, seen: Mapping[int, State], token: int) -> None:
        self.asked.append((name, tuple(seen)))
        self.seen.append(seen)

    def answer(self) -> None:
        name, ids = self.asked[-1]
        self.performed.emit(name, Outcome(done=len(ids)), ids, 0)


def _matches(record: MessageRecord, selection: Selection) -> bool:
    text = f"{record.payload_preview} {record.type} {record.error}"
    return (
        (selection.ids is None or record.id in selection.ids)
        and selection.queue in (None, record.queue)
        and (not selection.states or record.state in selection.states)
        and selection.type in (None, record.type)
        and (selection.search is None or selection.search in text)
    )
