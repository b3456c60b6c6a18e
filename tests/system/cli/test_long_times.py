"""Every length of time and every moment that is accepted works: 100 years in each place, and the year 9999."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pqdesk import AsyncQueue, InvalidInput, Queue, Workspace, next_runs
from pqdesk.clock import local_time
from pqdesk.workers.lifecycle import Wakeup
from tests.programs import PQDESK, run
from tests.system.cli.conftest import Cli

LONGEST_S = 100 * 366 * 86_400.0
LONGEST = "36600d"
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue("work", workspace=tmp_path / "library") as opened:
        yield opened


def _soon(act: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(0.3, act)
    timer.start()
    return timer


def _get(queue: Queue) -> Any:
    timer = _soon(lambda: queue.put("x"))
    message = queue.get(timeout=LONGEST_S, lease=LONGEST_S)
    timer.join()
    message.extend(LONGEST_S)
    message.ack()
    return message.payload


def _put(queue: Queue) -> Any:
    queue.configure(max_size=1)
    queue.put("first")
    timer = _soon(lambda: queue.get().ack())
    queue.put("x", timeout=LONGEST_S)
    timer.join()
    return queue.get().payload


def _join(queue: Queue) -> Any:
    queue.put("x")
    timer = _soon(lambda: queue.get().ack())
    is_empty = queue.join(LONGEST_S)
    timer.join()
    return "x" if is_empty else None


def _asyncio(queue: Queue) -> Any:
    async def main() -> Any:
        async with AsyncQueue("other", workspace=queue.paths.root if queue.paths else None) as other:
            getting = asyncio.create_task(other.get(timeout=LONGEST_S, lease=LONGEST_S))
            await asyncio.sleep(0.2)
            await other.put("x")
            message = await getting
            await message.ack()
            return message.payload

    return asyncio.run(main())


@pytest.mark.parametrize("act", [_get, _put, _join, _asyncio])
def test_who_waits_for_a_hundred_years_gets_what_comes(queue: Queue, act: Callable[[Queue], Any]) -> None:
    assert act(queue) == "x"


@pytest.mark.parametrize("name", ["timeout", "lease", "keep_completed", "keep_failed"])
def test_a_queue_can_be_configured_to_the_limit(queue: Queue, name: str) -> None:
    queue.configure(**{name: LONGEST_S}, rate=(5, LONGEST_S))  # type: ignore[misc]
    queue.put("x")

    with queue.get(timeout=5) as message:
        queue.store.background.run_chores()  # type: ignore[attr-defined]
        assert message.payload == "x"


@pytest.mark.parametrize(
    "options", [{"delay": LONGEST_S}, {"expires": LONGEST_S}, {"at": LAST}, {"at": datetime.min.replace(tzinfo=UTC)}]
)
def test_a_message_may_be_due_and_expire_whenever_there_is_a_date(queue: Queue, options: dict[str, Any]) -> None:
    message_id = queue.put("x", **options)

    detail = queue.message(message_id)
    assert queue.why(message_id)
    assert queue.messages(where="due:<9999-12-31T23:59:59") is not None
    assert detail.due_at == LAST or detail.due_at < LAST - timedelta(days=1)


def test_a_retry_may_wait_to_the_limit_and_no_longer(queue: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get()
    with pytest.raises(InvalidInput, match="at most 100 years"):
        message.nack("no", delay=LONGEST_S + 1)
    message.nack("no", delay=LONGEST_S)

    assert queue.message(message_id).due_at - datetime.now(UTC) > timedelta(days=36_599)


def test_next_runs_end_with_the_dates() -> None:
    assert len(next_runs(LONGEST_S, None, 1000)) == 80
    last = next_runs(3600, "Asia/Tokyo", 9, after=datetime(9999, 12, 31, 12, tzinfo=UTC))
    assert [run.at.hour for run in last] == [21, 22, 23]
    assert next_runs("0 0 1 1 *", "UTC", 3, after=datetime(9999, 6, 1, tzinfo=UTC)) == ()


@pytest.fixture
def _tokyo() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("_tokyo")
def test_the_last_moment_is_shown_east_of_utc_too(cli: Cli, workspace: Path) -> None:
    cli("put", "q", "x", "--at", LAST.isoformat(), "--expires", LONGEST)

    for words in (["messages", "q"], ["show", "1"], ["queues"], ["why", "1"]):
        assert cli(*words).code == 0
    assert "9999-12-31 23:59:59" in cli("show", "1").out
    assert local_time(LAST) == LAST


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", ["function", "coroutine", "command", "post"])
def test_each_kind_of_worker_takes_a_time_limit_of_a_hundred_years(
    workspace: Path, tmp_path: Path, address: str, kind: str
) -> None:
    (tmp_path / "h.py").write_text("def work(message): return 1\nasync def later(message): return 1\n")
    with Queue("q", workspace=workspace) as queue:
        queue.put("x")
    what = {
        "function": ["--handler", f"{tmp_path / 'h.py'}:work"],
        "coroutine": ["--handler", f"{tmp_path / 'h.py'}:later"],
        "command": ["--", "cat"],
        "post": ["--post", address],
    }[kind]

    done = run(PQDESK, "consume", "q", "--timeout", LONGEST, "--lease", LONGEST, "--drain", *what)

    assert done.stdout.startswith("completed id=1")
    with Workspace(workspace) as opened:
        assert opened.message(1).state == "completed"


def test_who_sleeps_for_a_hundred_years_is_woken() -> None:
    wakeup = Wakeup()
    timer = _soon(wakeup.set)

    wakeup.wait(LONGEST_S)

    timer.join()
    wakeup.close()
