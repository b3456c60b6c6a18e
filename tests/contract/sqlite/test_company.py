"""Another SQLite library in this process: refused while a queue has the file open, and never a change that is lost.

What is told here by `sqlite3` is a connection of the standard library; `rows` looks from another process.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from pqdesk import AsyncQueue, Queue, Workspace, WorkspaceError
from pqdesk.clock import SystemClock
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection
from pqdesk.storage.sqlite import descriptors
from tests.contract.outside import Looker
from tests.programs import run_python

_PUT = "INSERT INTO pqdesk_put (queue, payload) VALUES ('emails', '1')"


_lookers: list[Looker] = []


@pytest.fixture(scope="module", autouse=True)
def _another_program() -> Iterator[None]:
    with contextlib.closing(Looker()) as looker:
        _lookers.append(looker)
        yield
        _lookers.remove(looker)


def rows(database: Path, sql: str) -> list[list[Any]]:
    """As another process sees the file."""
    return _lookers[0].rows(database, sql)


def payloads(database: Path) -> list[int]:
    return [int(one) for (one,) in rows(database, "SELECT CAST(payload AS TEXT) FROM pqdesk_message ORDER BY id")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application's file with a table of its own and our tables, which nobody has open."""
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, number INT)")
        db.commit()
    Queue("emails", database=path).close()
    return path


@pytest.fixture
def emails(shop: Path) -> Iterator[Queue]:
    with Queue("emails", database=shop) as queue:
        yield queue


# --- they come while a queue is open ----------------------------------------------------------------


def _through_a_link(shop: Path) -> Path:
    link = shop.with_name("link.db")
    link.symlink_to(shop)
    return link


_WAYS_TO_CONNECT: dict[str, Callable[[Path], object]] = {
    "a path": lambda shop: sqlite3.connect(shop),
    "text": lambda shop: sqlite3.connect(str(shop)),
    "bytes": lambda shop: sqlite3.connect(os.fsencode(shop)),
    "the class": lambda shop: sqlite3.Connection(str(shop)),
    "a relative path": lambda shop: sqlite3.connect(os.path.relpath(shop)),
    "a path with ..": lambda shop: sqlite3.connect(shop.parent / "." / ".." / shop.parent.name / shop.name),
    "a link": lambda shop: sqlite3.connect(_through_a_link(shop)),
    "a descriptor's path": lambda shop: sqlite3.connect(f"/proc/{os.getpid()}/root{shop}"),
    "URI, read-only": lambda shop: sqlite3.connect(f"file:{shop}?mode=ro", uri=True),
    "URI, immutable": lambda shop: sqlite3.connect(f"file:{shop}?immutable=1#part", uri=True),
    "URI, with an authority": lambda shop: sqlite3.connect(f"file://localhost{shop}", uri=True),
    "URI, without one": lambda shop: sqlite3.connect(f"file://{shop}", uri=True),
    "URI, escaped": lambda shop: sqlite3.connect(f"file:{shop.parent}/%73hop.db", uri=True),
    "autocommit": lambda shop: sqlite3.connect(shop, isolation_level=None, check_same_thread=False),
}


@pytest.mark.parametrize("way", _WAYS_TO_CONNECT)
def test_connecting_while_a_queue_is_open_is_refused_and_the_queue_goes_on(
    emails: Queue, shop: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    emails.put(1)

    with pytest.raises(WorkspaceError, match=r"transaction\(\).*pqdesk_put.*process of its own"):
        _WAYS_TO_CONNECT[way](shop)

    emails.put(2)
    emails.get().ack()
    assert payloads(shop) == [1, 2]


def test_the_file_of_a_workspace_is_guarded_as_well(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put(1)
        with pytest.raises(WorkspaceError, match=r"queue\.db"):
            sqlite3.connect(tmp_path / "w" / "queue.db")
    look = open_inspection(tmp_path / "w" / "queue.db")
    try:
        with pytest.raises(WorkspaceError, match=r"queue\.db"):
            sqlite3.connect(tmp_path / "w" / "queue.db")
    finally:
        look.close()


async def _put_and_connect(shop: Path) -> None:
    async with AsyncQueue("emails", database=shop) as queue:
        await queue.put(1)
        with pytest.raises(WorkspaceError, match="process of its own"):
            sqlite3.connect(shop)


def test_an_async_queue_guards_its_file(shop: Path) -> None:
    import asyncio

    asyncio.run(_put_and_connect(shop))
    assert payloads(shop) == [1]


def test_the_last_queue_that_closes_lets_others_connect(shop: Path) -> None:
    first, second = Queue("emails", database=shop), Queue("other", database=shop)
    first.counts()
    first.close()
    with pytest.raises(WorkspaceError):
        sqlite3.connect(shop)
    second.close()

    with contextlib.closing(sqlite3.connect(shop)) as db:
        db.execute(_PUT)
        db.commit()
    with Queue("emails", database=shop) as queue:
        assert queue.get(timeout=5).payload == 1


def test_a_queue_that_is_dropped_lets_others_connect(shop: Path) -> None:
    Queue("emails", database=shop).put(1)

    sqlite3.connect(shop).close()


@pytest.mark.parametrize("name", [":memory:", "", "other.db", "no folder/x.db", "file:shop.db?mode=memory", "\ud800"])
def test_what_has_nothing_to_do_with_it_is_left_alone(
    emails: Queue, shop: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)

    with contextlib.suppress(sqlite3.OperationalError, UnicodeEncodeError):
        sqlite3.connect(name, uri=True).close()
    with pytest.raises(TypeError):
        sqlite3.connect(7)  # type: ignore[arg-type]

    assert emails.put(1)


def test_our_own_library_may_have_it_open_since_it_sees_the_locks(emails: Queue, shop: Path) -> None:
    for _ in range(3):
        with contextlib.closing(apsw.Connection(str(shop))) as db:
            emails.put(1)
            db.execute("INSERT INTO orders (number) VALUES (1)")
        emails.put(2)
        with contextlib.closing(apsw.Connection(":memory:")) as db:
            db.execute("ATTACH ? AS shop", (str(shop),))
            db.execute("INSERT INTO shop.orders (number) VALUES (2)")
            emails.put(3)

    assert payloads(shop) == [1, 2, 3] * 3
    assert rows(shop, "SELECT count(*) FROM orders") == [[6]]


# --- they are there when a queue is opened ------------------------------------------------------------


@contextlib.contextmanager
def _connected(shop: Path) -> Iterator[object]:
    with contextlib.closing(sqlite3.connect(shop)) as db:
        yield db.execute("SELECT 1").fetchall()


@contextlib.contextmanager
def _attached(shop: Path) -> Iterator[object]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        yield db.execute("ATTACH ? AS shop", (str(shop),))


@contextlib.contextmanager
def _of_another_build(shop: Path) -> Iterator[object]:
    dbapi = pytest.importorskip("pysqlite3.dbapi2")
    with contextlib.closing(dbapi.connect(str(shop))) as db:
        yield db.execute("SELECT count(*) FROM orders").fetchall()


@contextlib.contextmanager
def _opened(shop: Path) -> Iterator[object]:
    with open(shop, "rb") as file:
        yield file


_OTHERS = {"sqlite3": _connected, "ATTACH": _attached, "pysqlite3": _of_another_build, "open()": _opened}


@pytest.mark.parametrize("other", _OTHERS)
def test_a_file_that_is_open_elsewhere_in_the_process_is_refused_until_it_is_closed(shop: Path, other: str) -> None:
    with _OTHERS[other](shop):
        for _ in range(2):
            with pytest.raises(WorkspaceError, match=r"close it there first.*pqdesk_put"):
                Queue("emails", database=shop)
        with pytest.raises(WorkspaceError, match="close it there first"):
            open_inspection(shop)

    with Queue("emails", database=shop) as queue:
        queue.put(1)
    assert payloads(shop) == [1]


def test_an_open_transaction_of_another_library_loses_nothing(shop: Path) -> None:
    db = sqlite3.connect(shop)
    db.execute("INSERT INTO orders (number) VALUES (1)")

    with pytest.raises(WorkspaceError, match="close it there first"):
        Queue("emails", database=shop)
    db.execute(_PUT)
    db.commit()
    db.close()

    assert rows(shop, "SELECT number FROM orders") == [[1]]
    assert rows(shop, "SELECT count(*) FROM pqdesk_put") == [[1]]


# --- they come unheard --------------------------------------------------------------------------------

_UNHEARD = {name: other for name, other in _OTHERS.items() if name != "sqlite3"}


@pytest.mark.parametrize("other", _UNHEARD)
def test_who_comes_unheard_is_noticed_by_the_next_call_which_changes_nothing(shop: Path, other: str) -> None:
    queue = Queue("emails", database=shop)
    queue.put(1)
    message = queue.get()
    with _UNHEARD[other](shop):
        for call in (partial(queue.put, 2), message.ack, queue.counts, partial(queue.get, timeout=0), queue.pause):
            with pytest.raises(WorkspaceError, match="nothing changed"):
                call()
        queue.close()

    assert payloads(shop) == [1]
    with Queue("emails", database=shop) as anew:
        anew.put(3)
    assert payloads(shop) == [1, 3]


@pytest.mark.parametrize("other", _UNHEARD)
def test_who_came_and_went_between_two_calls_is_noticed(shop: Path, other: str) -> None:
    """It has dropped our locks, and perhaps removed the log."""
    with Queue("emails", database=shop) as queue:
        queue.put(1)
        with _UNHEARD[other](shop):
            pass
        with pytest.raises(WorkspaceError, match="had queue file"):
            queue.put(2)
        with pytest.raises(WorkspaceError, match="had queue file"):
            Queue("emails", database=shop)

    with Queue("emails", database=shop) as queue:
        queue.put(3)
    assert payloads(shop) == [1, 3]


class _Interrupting(SystemClock):
    """A clock that does something the next time it is asked by the thread that made it, in the middle of a call."""

    def __init__(self) -> None:
        self.do: Callable[[], object] | None = None
        self._thread = threading.get_ident()  # the background thread asks, too

    def wall_us(self) -> int:
        if self.do is not None and threading.get_ident() == self._thread:
            do, self.do = self.do, None
            do()
        return super().wall_us()


@pytest.mark.parametrize("call", ["put", "put_many", "ack", "nack"])
def test_who_comes_in_the_middle_of_a_call_makes_it_one_that_may_or_may_not_have_happened(
    shop: Path, call: str
) -> None:
    from pqdesk.storage import open_store

    clock = _Interrupting()
    store = open_store(shop, clock=clock)
    queue = Queue.over(store, "emails", clock)
    queue.put(1)
    message = queue.get()
    with contextlib.ExitStack() as stack:
        clock.do = lambda: stack.enter_context(_attached(shop))
        with pytest.raises(WorkspaceError, match="may or may not have happened"):
            {"put": lambda: queue.put(2), "put_many": lambda: queue.put_many([2]), "ack": message.ack,
             "nack": message.nack}[call]()  # fmt: skip
    store.close()

    assert payloads(shop) in ([1], [1, 2])


def test_who_comes_inside_a_transaction_rolls_it_back(emails: Queue, shop: Path) -> None:
    def insert_beside(stack: contextlib.ExitStack) -> None:
        with emails.transaction() as tx:
            tx.execute("INSERT INTO orders (number) VALUES (1)")
            stack.enter_context(_attached(shop))

    with contextlib.ExitStack() as stack, pytest.raises(WorkspaceError, match="nothing changed"):
        insert_beside(stack)
    emails.close()

    assert rows(shop, "SELECT count(*) FROM orders") == [[0]]


def test_our_own_connections_are_nobody_else_whichever_of_them_has_the_lock(
    emails: Queue, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the kernel the lock stands at one descriptor of the file, which need not be the oldest."""
    found = descriptors.leading_to
    with Queue("other", database=shop) as other:
        for order in (1, -1):
            monkeypatch.setattr(descriptors, "leading_to", lambda identity, order=order: found(identity)[::order])
            for queue in (emails, other):
                payloads(shop)  # somebody comes, so that it is looked who
                queue.put(order)

    assert payloads(shop) == [1, 1, -1, -1]


def test_another_process_that_comes_and_goes_is_nobodys_business(emails: Queue, shop: Path) -> None:
    for number in range(3):
        emails.put(number)
        assert rows(shop, "SELECT count(*) FROM pqdesk_message") == [[number + 1]]

    assert payloads(shop) == [0, 1, 2]


# --- forks and late arrivals --------------------------------------------------------------------------


def test_a_forks_child_may_connect_and_the_parent_goes_on(shop: Path) -> None:
    program = f"""
import os, sqlite3, sys
from pqdesk import Queue
queue = Queue("emails", database=sys.argv[1])
queue.put(1)
if os.fork() == 0:
    db = sqlite3.connect(sys.argv[1])
    db.execute({_PUT!r})
    db.commit()
    db.close()
    with Queue("emails", database=sys.argv[1]) as own:
        own.put(2)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
queue.put(3)
queue.close()
"""
    assert run_python(program, str(shop)).strip() == "0"
    assert sorted(payloads(shop)) in ([1, 2, 3], [1, 1, 2, 3])


def test_what_a_child_inherits_of_another_library_has_to_be_closed_first(shop: Path) -> None:
    program = """
import os, sqlite3, sys
from pqdesk import Queue, WorkspaceError
db = sqlite3.connect(sys.argv[1])
if os.fork() == 0:
    try:
        Queue("emails", database=sys.argv[1])
    except WorkspaceError as exc:
        assert "close it there first" in str(exc), exc
        db.close()
        with Queue("emails", database=sys.argv[1]) as queue:
            queue.put(1)
        os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert run_python(program, str(shop)).strip() == "7"
    assert payloads(shop) == [1]


def test_a_program_in_which_no_other_library_is_watches_nothing_until_one_is_loaded(shop: Path) -> None:
    program = """
import sys
from pqdesk import Queue, WorkspaceError
from pqdesk.storage.sqlite import company
queue = Queue("emails", database=sys.argv[1])
queue.put(1)
queue.counts()
queue.store.backup(__import__("pathlib").Path(sys.argv[1] + ".copy"))
print(company._is_alone, "ctypes" in sys.modules)
import sqlite3
print(company._is_alone)
queue.put(2)
db = sqlite3.connect(":memory:")
db.execute("ATTACH ? AS shop", sys.argv[1:])
try:
    queue.put(3)
except WorkspaceError as exc:
    print("nothing changed" in str(exc))
"""
    assert run_python(program, str(shop)).split() == ["True", "False", "False", "True"]
    assert payloads(shop) == [1, 2]


@pytest.mark.timeout(600)  # each waits for the other, and on a busy machine for its turn
def test_threads_that_connect_and_open_at_once_never_lose_what_was_told(shop: Path) -> None:
    told: list[int] = []
    inserted: list[int] = []
    ends = threading.Event()

    def connect() -> None:
        while not ends.is_set():
            with (
                contextlib.suppress(WorkspaceError, sqlite3.OperationalError),
                contextlib.closing(sqlite3.connect(shop, timeout=0.2)) as db,
            ):
                number = len(inserted)
                db.execute("INSERT INTO orders (number) VALUES (?)", (number,))
                db.commit()
                inserted.append(number)

    thread = threading.Thread(target=connect)
    thread.start()
    for number in range(60):
        with contextlib.suppress(WorkspaceError), Queue("emails", database=shop) as queue:
            queue.put(number)
            told.append(number)
    ends.set()
    thread.join()

    assert set(told) <= set(payloads(shop))
    assert {(one,) for one in inserted} <= {(one,) for (one,) in rows(shop, "SELECT number FROM orders")}


def test_threads_that_open_and_look_at_once_take_each_other_for_nobody_else(emails: Queue, shop: Path) -> None:
    ends = threading.Event()
    told: list[WorkspaceError] = []

    def open_again() -> None:
        try:
            while not ends.is_set():
                with contextlib.closing(apsw.Connection(str(shop))), Queue("emails", database=shop) as queue:
                    queue.counts()
        except WorkspaceError as exc:
            told.append(exc)

    threads = [threading.Thread(target=open_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        emails.put(number)
    ends.set()
    for thread in threads:
        thread.join()

    assert told == []
    assert payloads(shop) == list(range(300))


def test_who_only_looks_or_is_just_closing_has_no_lock_and_is_nobody_else(tmp_path: Path) -> None:
    paths = WorkspacePaths(tmp_path / "w")
    ends = threading.Event()
    told: list[WorkspaceError] = []

    def until_the_end(step: Callable[[], object]) -> None:
        try:
            while not ends.is_set():
                step()
        except WorkspaceError as exc:
            told.append(exc)

    def put() -> None:
        with Workspace(paths.root) as workspace:
            workspace.queue("mail").put("x")

    def look() -> None:
        with contextlib.closing(open_inspection(paths)) as inspection:
            inspection.queues()

    put()
    threads = [threading.Thread(target=until_the_end, args=(step,)) for step in (put, look, look)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        put()
    ends.set()
    for thread in threads:
        thread.join()

    assert told == []


def test_a_folder_that_is_removed_while_it_is_opened_is_told_in_words(tmp_path: Path) -> None:
    root = tmp_path / "w"
    ends = threading.Event()

    def remove() -> None:
        while not ends.is_set():
            shutil.rmtree(root, ignore_errors=True)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for _ in range(60):
            with contextlib.suppress(WorkspaceError), Workspace(root) as workspace:
                workspace.queue("mail").put("x")
    finally:
        ends.set()
        remover.join()


# --- interleavings -------------------------------------------------------------------------------------


class Library(NamedTuple):
    """How programs use another library: connecting gives insert(number), commit() and close()."""

    connect: Callable[[Path], Any]


class _Plain:
    """A connection of any DB-API module."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.commit, self.close = db.commit, db.close

    def insert(self, number: int) -> None:
        self._db.execute("INSERT INTO orders (number) VALUES (?)", (number,))

    @classmethod
    def attached(cls, shop: Path) -> _Plain:
        db = sqlite3.connect(":memory:", timeout=0.1)
        db.execute("ATTACH ? AS shop", (str(shop),))
        return cls(db)


class _SqlAlchemy:
    def __init__(self, shop: Path) -> None:
        sqlalchemy = pytest.importorskip("sqlalchemy")
        self._text = sqlalchemy.text
        self._engine = sqlalchemy.create_engine(f"sqlite:///{shop}", connect_args={"timeout": 0.1})
        self._connection = self._engine.connect()
        self.commit = self._connection.commit

    def insert(self, number: int) -> None:
        self._connection.execute(self._text("INSERT INTO orders (number) VALUES (:number)"), {"number": number})

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


class _Django:
    def __init__(self, shop: Path) -> None:
        django = pytest.importorskip("django")
        from django.conf import settings as django_settings
        from django.db.backends.sqlite3.base import DatabaseWrapper

        if not django_settings.configured:
            django_settings.configure()
            django.setup()

        settings = {
            "NAME": str(shop), "OPTIONS": {"timeout": 0.1}, "TIME_ZONE": None, "CONN_MAX_AGE": 0, "AUTOCOMMIT": False,
            "CONN_HEALTH_CHECKS": False, "ATOMIC_REQUESTS": False,
        }  # fmt: skip
        self._wrapper = DatabaseWrapper(settings, "default")
        self._wrapper.connect()
        self.commit, self.close = self._wrapper.commit, self._wrapper.close

    def insert(self, number: int) -> None:
        with self._wrapper.cursor() as cursor:
            cursor.execute("INSERT INTO orders (number) VALUES (%s)", (number,))


class _Peewee:
    def __init__(self, shop: Path) -> None:
        peewee = pytest.importorskip("peewee")
        self._db = peewee.SqliteDatabase(str(shop), timeout=0.1)
        self._db.connect()
        self._is_begun = False
        self.close = self._db.close

    def insert(self, number: int) -> None:
        if not self._is_begun:
            self._db.begin()
            self._is_begun = True
        self._db.execute_sql("INSERT INTO orders (number) VALUES (?)", (number,))

    def commit(self) -> None:
        if self._is_begun:
            self._db.commit()
            self._is_begun = False


def _another_build(shop: Path) -> _Plain:
    return _Plain(pytest.importorskip("pysqlite3.dbapi2").connect(str(shop), timeout=0.1))


_LIBRARIES = {
    "sqlite3": Library(lambda shop: _Plain(sqlite3.connect(shop, timeout=0.1))),
    "ATTACH": Library(_Plain.attached),
    "pysqlite3": Library(_another_build),
    "SQLAlchemy": Library(_SqlAlchemy),
    "Django": Library(_Django),
    "peewee": Library(_Peewee),
}
_STEPS = 1000


class _Interleaving:
    """Steps of a queue and of another library in one process, in any order, and what each was told is done."""

    def __init__(self, shop: Path, library: Library, seed: int) -> None:
        self._shop, self._library, self._random = shop, library, random.Random(seed)
        self._queue: Queue | None = None
        self._other: Any = None
        self._pending: list[int] = []
        self.put: set[int] = set()
        self.acked: set[int] = set()
        self.inserted: set[int] = set()
        self._number = 0

    def step(self) -> None:
        steps = (self.open, self.put_one, self.put_one, self.take_one, self.close,
                 self.connect, self.insert, self.insert, self.commit, self.leave)  # fmt: skip
        with contextlib.suppress(WorkspaceError):
            self._random.choice(steps)()

    def open(self) -> None:
        if self._queue is None:
            self._queue = Queue("emails", database=self._shop, durability="relaxed")

    def put_one(self) -> None:
        if self._queue is not None:
            self._number += 1
            self._queue.put(self._number)
            self.put.add(self._number)

    def take_one(self) -> None:
        if self._queue is not None and self._queue.qsize():
            message = self._queue.get(timeout=0)
            message.ack()
            self.acked.add(message.payload)

    def close(self) -> None:
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def connect(self) -> None:
        if self._other is None:
            self._other = self._library.connect(self._shop)
            self._pending = []

    def insert(self) -> None:
        if self._other is not None:
            self._number += 1
            self._other.insert(self._number)
            self._pending.append(self._number)

    def commit(self) -> None:
        if self._other is not None:
            self._other.commit()
            self.inserted.update(self._pending)
            self._pending = []

    def leave(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _LIBRARIES)
def test_a_thousand_steps_beside_another_library_lose_nothing_that_was_told(shop: Path, name: str) -> None:
    both = _Interleaving(shop, _LIBRARIES[name], seed=11)

    for count in range(_STEPS):
        both.step()
        if count % (_STEPS // 4) == _STEPS // 4 - 1:
            assert both.put <= set(payloads(shop))
            done = rows(shop, "SELECT CAST(payload AS TEXT) FROM pqdesk_message WHERE state = 5")
            assert both.acked <= {int(one) for (one,) in done}
            assert both.inserted <= {one for (one,) in rows(shop, "SELECT number FROM orders")}
    both.leave()
    both.close()
    Queue("emails", database=shop).close()  # what could not be closed beside the other is closed by now

    assert rows(shop, "PRAGMA integrity_check") == [["ok"]]
    assert both.put
    assert both.acked
    assert both.inserted


@pytest.mark.parametrize(
    ("library", "is_harmless"),
    [
        ("[vdso]", True),
        ("/lib/x86_64-linux-gnu/libc.so.6", True),
        ("/lib/x86_64-linux-gnu/libpthread-2.31.so", True),
        ("/lib64/ld-linux-x86-64.so.2", True),
        ("/usr/lib/libnss_files.so.2", True),
        ("/opt/lib/libpython3.11.so.1.0", True),
        ("/usr/bin/python3.11", True),
        ("/usr/lib/python3.11/lib-dynload/_json.so", True),
        ("/x/site-packages/apsw/__init__.so", True),
        ("/usr/lib/python3.11/lib-dynload/_sqlite3.so", False),
        ("/usr/lib/libsqlite3.so.0", False),
        ("/usr/lib/libcurl.so.4", False),
        ("/x/pysqlite3/_sqlite3.so", False),
        ("/x/pythonlike.so", False),
        ("libm.so.6", False),
    ],
)
def test_only_libraries_that_are_known_are_taken_for_free_of_sqlite(library: str, is_harmless: bool) -> None:
    assert descriptors.is_harmless(library) is is_harmless


_TRY_TO_WRITE = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
try:
    db.execute("BEGIN IMMEDIATE")
    print("written")
except apsw.BusyError:
    print("busy")
"""


def test_nothing_that_is_opened_and_closed_drops_the_locks(tmp_path: Path) -> None:
    """As in honker 80."""
    with Workspace(tmp_path) as workspace:
        queue = workspace.queue("work")
        queue.put("x")
        database = str(tmp_path / "queue.db")
        with queue.transaction() as tx:
            queue.put("y", tx=tx)

            open_inspection(workspace.paths).close()
            opener = threading.Thread(target=lambda: Queue("other", workspace=tmp_path).close())
            opener.start()
            opener.join()
            assert Workspace.exists(tmp_path)
            queue.store._space.check(1)  # type: ignore[attr-defined]

            answer = subprocess.run(
                [sys.executable, "-c", _TRY_TO_WRITE, database], capture_output=True, text=True, check=True
            )
            assert answer.stdout.strip() == "busy"
