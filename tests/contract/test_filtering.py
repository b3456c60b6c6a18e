"""Every term of the filter grammar, held to what it means in plain Python, over messages of every kind."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from pqdesk import Empty, Message, Queue
from pqdesk.clock import from_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.filters import parse_filter, quote
from pqdesk.messages.looking import CappedCounts
from pqdesk.messages.records import Counts, MessageDetail
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_store
from pqdesk.storage.contract import Store
from pqdesk.storage.looking import PageRequest
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.contract.naive import matches

_PAYLOADS: list[Any] = [
    {"n": 5, "to": "Ada"},
    {"n": "5", "a": {"b": [1, {"c": "x"}, None]}},
    {"n": 5.0, "deep": {"0": "zero"}},
    {"n": True, "a.b": {'c "d"': "quoted"}},
    {"n": None, "": "empty", "big": 12345678901234567890123},
    {"n": [5], "list": ["five", 5, "line\nbreak", "ümlaut", "back\\slash", 'a "quote"']},
    {"n": -2.5, "list": {"1": "one"}},
    [1, 2, {"n": 5}],
    "plain text with 5 and Ümlaut",
    "before\0after 100%",
    b"\x00\xff binary ada",
    5,
    None,
    "x" * 3000 + " far away",
]
_ERRORS = ["ConnectionError: cannot reach 10.0.0.1", "ValueError: n is 7", "timed out after 30 s", "ada_lovelace 100%"]


class _Frozen(MovableClock):
    """Stands still but for `advance`, so that ages are the same in the engine and in Python."""

    def __init__(self) -> None:
        super().__init__()
        self._us = 1_780_000_000_000_000
        self._ms = super().awake_ms()

    def wall_us(self) -> int:
        return self._us

    def awake_ms(self) -> int:
        return self._ms

    def advance(self, seconds: float) -> None:
        self._us += round(seconds * 1e6)
        self._ms += round(seconds * 1e3)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, _Frozen]]:
    """A store with some 130 messages of every state, kind and age."""
    clock = _Frozen()
    store = open_store(WorkspacePaths(tmp_path_factory.mktemp("w") / "w"), clock=clock, rng=Random(1))
    _fill(store, clock)
    yield store, clock
    store.close()


def _fill(store: Store, clock: _Frozen) -> None:
    rng, names = Random(7), itertools.cycle(["mail", "b,c", "two words"])
    for number in range(130):
        queue = Queue.over(store, next(names), clock)
        clock.advance(rng.choice([0, 0.5, 61, 4000]))
        queue.put(
            _PAYLOADS[number % len(_PAYLOADS)],
            type=rng.choice([None, "t.one", "T.two", "x:y"]),
            priority=rng.choice([-3, 0, 0, 7]),
            key=f"Key-{number}" if number % 4 == 0 else None,
            group=rng.choice([None, None, "g1", "g 2"]),
            delay=rng.choice([None, None, None, 50_000_000]),
            max_attempts=3,
        )
        _live(queue, clock, rng)


def _live(queue: Queue, clock: _Frozen, rng: Random) -> None:
    """Something happens to a message or two."""
    what = rng.randrange(9)
    if what > 1:
        with contextlib.suppress(Empty):
            _work(queue.get(timeout=0, lease=9e6), what, clock, rng)
    if what == 7:
        queue.cancel(state="ready", search="5")
    if what == 8 and rng.random() < 0.5:
        queue.delete([one.id for one in queue.messages(state=["completed", "failed"], limit=1)])
    if what == 0:
        queue.retry([one.id for one in queue.messages(state=["failed", "completed"], limit=1)])


def _work(message: Message, what: int, clock: _Frozen, rng: Random) -> None:
    clock.advance(rng.choice([0.001, 0.5, 3, 200]))
    if what in (2, 3):
        message.ack()
    elif what in (4, 5):
        message.nack(rng.choice(_ERRORS), delay=rng.choice([0, 70_000_000]))
    elif what == 6:
        message.fail(rng.choice(_ERRORS))


def _all(store: Store) -> list[MessageDetail]:
    newest = store.looking.page(PageRequest(limit=1))[0].id
    return [store.looking.message(message_id) for message_id in range(newest, 0, -1)]


_NAMES = {
    "state": ["ready", "scheduled", "running", "retrying", "completed", "failed", "cancelled"],
    "queue": ["mail", "b,c", "two words", "none"],
    "type": ["t.one", "T.two", "x:y", "t.two"],
    "worker": ["pid 1", "detached"],
    "group": ["g1", "g 2", "g3"],
    "key": ["Key-0", "key-0", "Key-4", "Key-40"],
    "error": ["reach", "CANNOT", "100%", "_", "#1", "#2", "7", "expired"],
    "payload": [
        "ada",
        "Ümlaut",
        "ümlaut",
        "line\nbreak",
        "back\\slash",
        'a "quote"',
        "after",
        "100%",
        "1_0",
        "far",
        '"n":5',
    ],
}
_PATHS = ["n", "a.b", "a.b.0", "a.b.1.c", '"a.b"."c \\"d\\""', '""', "list.1", "list.0", "deep.0", "2.n", "big", "to"]
_VALUES = ["5", "5.0", "05", "true", "null", "-2.5", "Ada", "ada", "x", "five", "one", "zero", "[5]", ">4", "<=5",
           "1..9", "quoted", "empty", "12345678901234567890123", "1e0", "line\nbreak", ""]  # fmt: skip
_RANGES = {
    "id": ["1", "7,9", "5..40", ">100", "<=3"],
    "attempts": ["0", "1", ">1", "<=1", "1..2", "0,3"],
    "priority": ["0", "<0", "-3..0", ">=7", "-3,7"],
    "age": [">1h", "<2h", ">=10m", "1m..300h", "..90d"],
    "ran": [">1s", "<=500ms", "0..1h", ">2m", "500ms..500ms"],
    "enqueued": [">100h", "<2h", "2026-05-28", ">2026-05-29", "<=2026-05-29T12:00", "2026-05-28..2026-05-30"],
    "finished": [">1h", "<200h", ">=2026-05-29", "2026-05-28T20:26"],
}


def _term(draw: Any) -> str:
    name = draw(st.sampled_from(["word", "path", *_NAMES, *_RANGES]))
    sign = draw(st.sampled_from(["", "", "-"]))
    if name == "word":
        return sign + quote(draw(st.sampled_from([*_NAMES["payload"], "t.", "key-1", "refused", "timed"])))
    if name == "path":
        value = draw(st.sampled_from(_VALUES))
        is_plain = value and value.isprintable() and " " not in value and '"' not in value and "," not in value
        return f"{sign}payload.{draw(st.sampled_from(_PATHS))}:{value if is_plain else quote(value)}"
    if name in _RANGES:
        return f"{sign}{name}:{draw(st.sampled_from(_RANGES[name]))}"
    some = draw(st.lists(st.sampled_from(_NAMES[name]), min_size=1, max_size=3))
    written = [one if one.startswith("#") or one.isalnum() else quote(one) for one in some]
    return f"{sign}{name}:{','.join(written)}"


@st.composite
def _filters(draw: Any) -> str:
    terms: list[str] = [_term(draw) for _ in range(draw(st.integers(1, 3)))]
    return " ".join(terms)


# How many messages count as few, ids that are walked first, and ids in a slice: each makes another way be taken.
_WAYS = [(10_000, 20_000, 100_000), (5, 20_000, 100_000), (5, 3, 7)]


@contextlib.contextmanager
def _way(few: int, first: int, size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        engines.count_as_few(monkeypatch, few, first_ids=first, slice_ids=size)
        yield


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=_filters(), is_trashed=st.booleans(), way=st.sampled_from(_WAYS))
def test_a_filter_selects_what_it_says(
    world: tuple[Store, _Frozen], text: str, is_trashed: bool, way: tuple[int, int, int]
) -> None:
    store, clock = world
    try:
        selection = parse_filter(text)
    except InvalidInput:  # a term given twice
        reject()
    fields = {name: getattr(selection, name) for name in selection.__slots__}
    selection = Selection(**{**fields, "is_trashed": is_trashed})
    errors = _error_ids(store)

    with _way(*way):
        found = [record.id for record in store.looking.page(PageRequest(selection=selection, limit=1000))]
        page = [record.id for record in store.looking.page(PageRequest(selection=selection, before=60, limit=7))]
        back = [record.id for record in store.looking.page(PageRequest(selection=selection, after=60, limit=7))]
        count = store.looking.count(selection)

    now_us = clock.wall_us()
    details = _details(store)
    matching = [one for one in details if matches(one, selection, now_us, errors.get(one.id))]
    wanted = [one.id for one in matching]
    assert found == wanted
    assert page == [one for one in wanted if one < 60][:7]
    assert back == [one for one in wanted if one > 60][-7:]
    by_state = Counts(**Counter(one.state.word for one in matching))
    assert count == CappedCounts(by_state, up_to=max(one.id for one in details))


_cache: dict[int, Any] = {}


def _details(store: Store) -> list[MessageDetail]:
    if id(store) not in _cache:
        _cache[id(store)] = _all(store)
    details: list[MessageDetail] = _cache[id(store)]
    return details


def _error_ids(store: Store) -> dict[int, int]:
    """Which kind of error each message has, found one kind at a time."""
    found: dict[int, int] = {}
    for error in store.looking.errors():
        for is_trashed in (False, True):
            terms = parse_filter(f"error:#{error.id}").terms
            selection = Selection(terms=terms, is_trashed=is_trashed)
            found |= {one.id: error.id for one in store.looking.page(PageRequest(selection=selection, limit=1000))}
    return found


def test_the_world_has_every_state(world: tuple[Store, _Frozen]) -> None:
    counts = world[0].looking.counts()

    assert all(counts.of(state) for state in State)
    assert any(one.is_trashed for one in _details(world[0]))
    assert from_datetime(_details(world[0])[0].enqueued_at) <= world[1].wall_us()
