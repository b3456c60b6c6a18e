"""Queue files that are damaged or made by somebody hostile, and every public call on each of them.

    python -m tests.contract.sqlite.garbling --files 5000 [--seed N] [--first NUMBER]

Whatever is in a file, a call answers, or raises an error of ours in one sentence; nothing hangs; a file that is refused
stays as it is, byte by byte. Where one value of one message is wrong, every other message is given out all the same.
Each file is tried in a forked process of its own. Exit status 1 when something else happened.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from pqdesk import Message, Outgoing, PQDeskError, Workspace
from pqdesk.messages.selection import Selection
from pqdesk.paths import WorkspacePaths
from pqdesk.services.transfer import Exported
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import PageRequest
from tests.contract.loose import BAD_TEXT, opened, opened_loosely

LIMIT_S = 240  # of one file, which takes a second; far more than it takes on a machine that does much else
_READY = "waits"  # a queue of which every message that was left alone has to come
_TABLES = (
    "message", "queue", "type", "payload", "result", "attempt", "owner", "mark", "error", "metric", "activity", "undo",
    "version", "schedule", "put", "meta",
)  # fmt: skip
_MESSAGES = ("message", "payload", "result", "attempt")  # where a value belongs to one message
_VALUES: tuple[Any, ...] = (
    None, -1, 0, 3, 99, 2**31, 2**63 - 1, -(2**63), 1.5, 1e300, "", "abc", "a\nb\x1b[2J", "../../../../etc/passwd",
    "/etc/passwd", "{", "[1]", '{"a": 1}', '{"a": "b"}', "[" * 5000, "9" * 12_000, "NaN", b"", b"\xff\xfe",
    "x" * 300, '{"configured": {"queue": "waits", "before": {"name = 1; --": 1}, "after": {}}}', "\u202e",
    '{"schedule_removed": [1]}', '{"before": [1, 2], "after": [3]}', '{"before": null, "after": null}',
)  # fmt: skip
_CHANGES = (
    "CREATE TRIGGER planted AFTER INSERT ON PQDESK_MESSAGE BEGIN DELETE FROM pqdesk_message; END",
    'CREATE TRIGGER planted AFTER UPDATE ON "pqdesk_Queue" BEGIN DELETE FROM pqdesk_message; END',
    "CREATE VIEW Pqdesk_extra AS SELECT 1",
    "CREATE INDEX planted ON Pqdesk_Message (priority)",
    "CREATE TABLE pqdesk_extra (x)",
    "UPDATE pqdesk_meta SET value = 'two' WHERE name = 'schema'",
    "UPDATE pqdesk_meta SET value = -1 WHERE name = 'schema'",
    "DELETE FROM pqdesk_meta",
    "PRAGMA user_version = -5",
    "PRAGMA application_id = 0",
)
_SORTS = ("due", "finished", "priority", "state", "queue", "type", "attempts", "group", "key", "worker", "size", "ran")
_FILTERS = (
    "state:failed", "attempts:>0 age:<2h", "payload.n:>3", "payload.n:007", "error:value", "group:g", "key:k",
    "worker:pid", "ran:>1s", "finished:<1h", "enqueued:<1h", "priority:0..9", "type:t",
)  # fmt: skip
_ATTRIBUTES = (
    "id", "queue", "type", "payload", "headers", "priority", "group", "key", "attempt", "max_attempts", "enqueued_at",
    "due_at", "lease_remaining", "receipt", "cancel_requested", "timeout",
)  # fmt: skip
_ACTIONS = ("retry", "run_now", "cancel", "duplicate", "delete", "restore")


class Case(NamedTuple):
    """What was done to a file. `others`: messages that must be given out and listed; None: nobody can tell."""

    what: str
    others: frozenset[int] | None = None


class Sample:
    """A workspace with something of everything in it, to be garbled again and again."""

    def __init__(self, folder: Path) -> None:
        self.ready = frozenset(_fill(folder / "sample"))
        self.bytes = (folder / "sample" / "queue.db").read_bytes()
        self._columns: dict[str, list[tuple[str, bool]]] = {}  # of the tables that have rows: name, is part of the key
        with opened(folder / "sample" / "queue.db") as db:
            for table in _TABLES:
                if db.execute(f"SELECT 1 FROM pqdesk_{table}").fetchone():
                    rows = db.execute(f"PRAGMA table_info(pqdesk_{table})").fetchall()
                    self._columns[table] = [(row[1], bool(row[5])) for row in rows]

    def garble(self, path: Path, rng: random.Random) -> Case:
        """Write a garbled file to `path`."""
        way = rng.choice((self._flip, self._cut, self._replace_page, self._change, *[self._set_value] * 6))
        return way(path, rng)

    def _flip(self, path: Path, rng: random.Random) -> Case:
        data, places = bytearray(self.bytes), []
        for _ in range(rng.choice((1, 1, 3, 30))):
            place = rng.randrange(100) if rng.random() < 0.1 else rng.randrange(len(data))
            data[place] ^= 1 << rng.randrange(8)
            places.append(place)
        path.write_bytes(data)
        return Case(f"bits flipped at {places}")

    def _cut(self, path: Path, rng: random.Random) -> Case:
        length = rng.randrange(len(self.bytes))
        path.write_bytes(self.bytes[:length])
        return Case(f"cut at {length}")

    def _replace_page(self, path: Path, rng: random.Random) -> Case:
        data = bytearray(self.bytes)
        size = int.from_bytes(data[16:18], "big")
        pages = len(data) // size
        to, source = rng.randrange(pages), rng.randrange(pages)
        new = rng.choice((bytes(size), rng.randbytes(size), bytes(data[source * size : (source + 1) * size])))
        data[to * size : (to + 1) * size] = new
        path.write_bytes(data)
        return Case(f"page {to + 1} replaced")

    def _change(self, path: Path, rng: random.Random) -> Case:
        path.write_bytes(self.bytes)
        sql = rng.choice(_CHANGES)
        with opened(path) as db:
            db.execute(sql)
        return Case(sql)

    def _set_value(self, path: Path, rng: random.Random) -> Case:
        table = rng.choice(("message",) * 8 + tuple(self._columns))
        columns = self._columns[table]
        column, is_key = rng.choice(columns)
        value, is_text = rng.choice(_VALUES), rng.random() < 0.1
        keys = [name for name, in_key in columns if in_key]
        path.write_bytes(self.bytes)
        with opened_loosely(path) as db:
            row = rng.choice(db.execute(f"SELECT {', '.join(keys)} FROM pqdesk_{table}").fetchall())
            new, values = (BAD_TEXT, ()) if is_text else ("?", (value,))
            sql = f'UPDATE pqdesk_{table} SET "{column}" = {new} WHERE {" AND ".join(f"{key} IS ?" for key in keys)}'
            what = f"{table} {row}: {column} = {BAD_TEXT if is_text else repr(value):.60}"
            try:
                db.execute(sql, (*values, *row))
            except apsw.Error as exc:  # a key that is there already, or an id that is no number
                what = f"nothing, since {exc}: {what}"
        return Case(what, self.ready - {row[0]} if table in _MESSAGES and not is_key else None)


def _fill(folder: Path) -> list[int]:
    """Returns the ids of what is ready and waits for nothing."""
    with Workspace(folder) as workspace:
        queue = workspace.queue(_READY)
        ready = [queue.put({"n": n}, type="t", headers={"a": "b"}, priority=n % 2) for n in range(8)]
        ready += [queue.put("x" * 5000), queue.put(b"\x00\xff"), queue.put("text", key="k")]
        queue.put_many(["grouped"] * 3, group="g")
        work = workspace.queue("work")
        ids = work.put_many([{"n": number} for number in range(12)])
        work.put("later", delay=3600)
        work.put("soon over", expires=86_400 * 365, group="line")
        work.configure(rate=(5, 60), max_size=1000, backoff="linear:10:600", keep_failed=3600)
        work.configure(rate=None, max_size=None)
        work.get().ack({"is": "done"})
        work.get().nack(ValueError("one"), delay=3600)
        work.get().fail("given up")
        work.get().nack("text", delay=0)
        work.get().release()
        work.edit(ids[-1], "edited")
        work.delete(ids[-2])
        work.cancel(ids[-3])
        work.duplicate(ids[-4])
        work.move(ids[-5], to="elsewhere")
        work.pause()
        work.resume()
        work.put_once([("mark", "marked")])
        work.get(detached=True)
        workspace.add_schedule("nightly", "work", {"is": "report"}, cron="0 3 * * *", headers={"a": "b"})
        workspace.add_schedule("often", "work", "tick", every=3600, enabled=False)
        workspace.add_schedule("gone", "work", "tick", every=3600)
        workspace.remove_schedule("gone")
        with queue.transaction() as tx:
            tx.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('sql', '{')")
        workspace.metrics(datetime.now(UTC) - timedelta(hours=1))
    return ready


class Trial:
    """Tries everything with the workspace in `folder`, and says what went wrong."""

    def __init__(self, folder: Path, case: Case, say: Callable[[str], object]) -> None:
        self._folder, self._others, self._say = folder, case.others, say

    def run(self) -> None:
        before = _written(self._folder)
        inspection = self._try("looking", lambda: open_inspection(WorkspacePaths(self._folder)))
        if inspection is not None:
            self._look(inspection)
            self._try("close", inspection.close)
        if inspection is None and _written(self._folder) != before:
            self._say("it was refused and written, by looking at it")
        workspace = self._try("opening", lambda: Workspace(self._folder))
        if workspace is not None:
            self._list(workspace)
            self._work(workspace)
            self._operate(workspace)
            self._try("close", workspace.close)
        elif _written(self._folder) != before:
            self._say("it was refused and written")

    def _try(self, what: str, call: Callable[[], Any]) -> Any:
        """What `call` returns; None when it raises an error of ours, as it may."""
        try:
            return call()
        except PQDeskError as exc:
            if "\n" in str(exc) or not 0 < len(str(exc)) <= 1000:
                self._say(f"{what}: an error that is not one sentence: {str(exc)!r:.300}")
        except Exception:  # noqa: BLE001 - that is what is looked for
            self._say(f"{what}: {traceback.format_exc(limit=-5)}")
        return None

    def _look(self, inspection: Any) -> None:
        for sort in _SORTS:
            request = PageRequest(selection=Selection(), limit=5, sort=sort)
            self._try(f"sort {sort}", functools.partial(inspection.page, request))
        for name in ("queues", "names", "schedules", "refused_puts", "running_by_worker", "waiting_since", "errors"):
            self._try(name, getattr(inspection, name))
        self._try("activity", lambda: inspection.activity(limit=100))
        self._try("look only", inspection.is_look_only)

    def _list(self, workspace: Workspace) -> None:
        listed = []
        for queue in (None, _READY, "work"):
            listed += self._try("messages", functools.partial(workspace.messages, queue, limit=1000)) or []
        if self._others is not None and not self._others <= {record.id for record in listed}:
            self._say("a page hides messages that are sound")
        for where in _FILTERS:
            self._try(where, functools.partial(workspace.messages, where=where))
        self._try("search", lambda: workspace.messages(search="done"))
        for message_id in range(1, 40):
            self._show(workspace, message_id)
        for name in ("queues", "counts", "errors", "schedules", "activity"):
            self._try(name, getattr(workspace, name))
        self._try("metrics", lambda: workspace.metrics(datetime.now(UTC) - timedelta(days=2)))
        self._try("look only", lambda: workspace.look_only)

    def _show(self, workspace: Workspace, message_id: int) -> None:
        detail = self._try("message", lambda: workspace.message(message_id))
        if detail is not None:
            self._try("repr", lambda: repr(detail))
            exported = Exported(detail, (), False)
            self._try("export", lambda: (exported.as_json(), exported.as_cells()))
        self._try("why", lambda: workspace.why(message_id))
        self._try("versions", lambda: workspace.queue("work").versions(message_id))

    def _work(self, workspace: Workspace) -> None:
        background = workspace.store.background  # type: ignore[attr-defined] # what goes on in the background, here and now
        self._try("run_schedule", lambda: workspace.run_schedule("nightly"))
        self._try("enable_schedule", lambda: workspace.enable_schedule("often"))
        self._try("tend", background.run_chores)
        for name in (_READY, "work", "elsewhere"):
            self._take_all(workspace, name)
        self._try("tend", background.run_chores)
        self._try("prune", lambda: background.chores.prune())

    def _take_all(self, workspace: Workspace, name: str) -> None:
        queue, seen = workspace.queue(name), set()
        for number in range(60):
            message: Message | None = self._try("get", lambda: queue.get(block=False))
            if message is None:
                break
            seen.add(message.id)
            for attribute in _ATTRIBUTES:
                self._try(attribute, functools.partial(getattr, message, attribute))
            self._try("end", functools.partial(_END[number % len(_END)], message))
        if name == _READY and self._others is not None and not self._others <= seen:
            self._say(f"messages {sorted(self._others - seen)} are sound and did not come")

    def _operate(self, workspace: Workspace) -> None:
        work = workspace.queue("work")
        for record in self._try("activity", workspace.activity) or ():
            if record.can_be_undone:
                self._try("undo", functools.partial(workspace.undo, record.id))
        for action in _ACTIONS:
            self._try(action, functools.partial(getattr(workspace, action), where="id:>0"))
        self._try("move", lambda: workspace.move(where="id:>0", to="there"))
        self._try("edit", lambda: work.edit(3, "new"))
        self._try("purge", work.purge)
        self._try("configure", lambda: work.configure(group_concurrency=3, rate=(3, 1)))
        self._try("configuration", lambda: work.configuration)
        self._try("remove_schedule", lambda: workspace.remove_schedule("nightly"))
        self._try("backup", lambda: workspace.backup(workspace.path / "copy.db"))
        self._try("compact", workspace.compact)


_END: tuple[Callable[[Message], object], ...] = (
    lambda message: message.ack(),
    lambda message: message.nack("no", delay=3600),
    lambda message: message.fail("no"),
    lambda message: message.ack({"a": 1}, put=[Outgoing("more", queue="more")]),
)


def _written(folder: Path) -> dict[str, str]:
    """What is in the file and its log; SQLite makes an empty log to look, too."""
    paths = [path for path in folder.iterdir() if path.name in ("queue.db", "queue.db-wal") and path.stat().st_size]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def try_file(sample: Sample, folder: Path, seed: str) -> tuple[Case, str]:
    """Garble a file as `seed` has it and try everything with it; what was wrong, nothing if nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700)
    case = sample.garble(folder / "queue.db", random.Random(seed))
    (folder / "queue.db").chmod(0o600)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_child(folder, case, writing)
    os.close(writing)
    with open(reading, encoding="utf-8", errors="replace") as pipe:
        told = pipe.read()
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        told += "it hung" if number == signal.SIGALRM else f"it ended by signal {number}"
    return case, told


def _be_child(folder: Path, case: Case, writing: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LIMIT_S)
    said: set[str] = set()
    with open(writing, "w", encoding="utf-8", errors="replace") as pipe:

        def say(text: str) -> None:
            if text not in said and len(said) < 20:
                said.add(text)
                print(text, file=pipe, flush=True)

        try:
            Trial(folder, case, say).run()
        except BaseException:  # noqa: BLE001 - whatever it is, it is told
            say(traceback.format_exc())
    os._exit(0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contract.sqlite.garbling", description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--first", type=int, default=0, help="the number of the first file, to try one again")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pqgarbled"))
    sample, wrong = Sample(folder), 0
    for number in range(options.first, options.first + options.files):
        case, told = try_file(sample, folder / "w", f"{options.seed}-{number}")
        if told:
            wrong += 1
            print(f"--- file {number}: {case.what}\n{told}", flush=True)
    print(f"{options.files} garbled files, seed {options.seed}: {wrong} with something wrong")
    shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
