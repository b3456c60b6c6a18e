"""Trying a worker: once on a sample or a copy; no message is taken or put, and the verdict is about the work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pqdesk.workspace import Workspace
from tests.programs import PQDESK, run
from tests.system.cli.conftest import Cli

_HANDLERS = """
import time
from pqdesk import Fail, Outgoing, Queue, Retry

def send(message):
    if message.payload == "refuse":
        raise Fail("no address")
    if message.payload == "fail":
        raise ValueError("server down")
    if message.payload == "later":
        raise Retry(5)
    Queue("follow").put("x")
    return {"sent": message.payload, "type": message.type, "header": message.headers.get("A")}

def letters():
    yield {"n": 1}
    yield Outgoing("other", queue="elsewhere")

def broken():
    yield 1
    raise ValueError("no letters")
"""


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mail.py").write_text(_HANDLERS)
    return f"{tmp_path}/mail.py"


@pytest.fixture
def real(workspace: Path) -> Iterator[int]:
    """A real message; whatever is tried, nothing in the workspace changes."""
    with Workspace(workspace) as opened:
        message_id = opened.queue("mail").put("ada", type="letter", headers={"A": "b"})
        before = opened.queues(), opened.queue("mail").messages()
    yield message_id
    with Workspace(workspace) as opened:
        assert (opened.queues(), opened.queue("mail").messages()) == before


@pytest.mark.parametrize(
    ("sample", "code", "verdict"),
    [
        ("bob", 0, "handled"),
        ("refuse", 1, "refused"),
        ("fail", 1, "failed"),
        ("later", 1, "failed"),
    ],
)
def test_a_function_is_tried_on_a_payload(real: int, mail: str, sample: str, code: int, verdict: str) -> None:
    done = run(PQDESK, "consume", "mail", "--handler", f"{mail}:send", "--try", sample, check=False)

    assert done.returncode == code
    line = done.stdout.splitlines()[-1]
    assert line.startswith(f"{verdict} after ")
    reasons = {"refuse": ": no address", "fail": "ValueError: server down", "bob": '"sent": "bob"', "later": "retry"}
    assert reasons[sample] in line


def test_a_copy_of_a_message_has_what_the_message_has(real: int, mail: str) -> None:
    done = run(PQDESK, "consume", "mail", "--handler", f"{mail}:send", "--try-message", str(real))

    assert json.loads(done.stdout.partition("result: ")[2]) == {"sent": "ada", "type": "letter", "header": "b"}


@pytest.mark.parametrize(
    ("script", "code", "verdict"),
    [("cat", 0, "handled"), ("exit 65", 1, "refused"), ("exit 75", 1, "failed"), ("echo no >&2; exit 3", 1, "failed")],
)
def test_a_command_is_tried(cli: Cli, real: int, script: str, code: int, verdict: str) -> None:
    done = run(PQDESK, "consume", "mail", "--max-attempts", "1", "--try", "x", "--", "sh", "-c", script, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1].split()[0]) == (code, verdict)


@pytest.mark.parametrize(("status", "verdict"), [(200, "handled"), (404, "refused"), (503, "failed")])
def test_a_post_is_tried(real: int, status: int, verdict: str) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        done = run(PQDESK, "consume", "mail", "--post", url, "--try", "x", check=False)
        thread.join()

    assert done.stdout.splitlines()[-1].split()[0] == verdict


def test_a_producer_tells_what_it_would_put(real: int, mail: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.txt").write_text("1")

    function = run(PQDESK, "produce", "mail", "--handler", f"{mail}:letters", "--cron", "0 3 1 1 *", "--try")
    folder = run(PQDESK, "produce", "mail", "--folder", tmp_path / "in", "--settle", "100ms", "--try")
    lines = run(PQDESK, "produce", "mail", "--every", "1h", "--try", "--", "printf", "a\\nb\\n")
    nothing = run(PQDESK, "produce", "mail", "--every", "1h", "--try", "--", "true")
    broken = run(PQDESK, "produce", "mail", "--handler", f"{mail}:broken", "--every", "1h", "--try", check=False)

    assert "1 into 'elsewhere', 1 into 'mail'" in function.stdout
    assert "would put 1 into 'mail'" in folder.stdout
    assert "one.txt" in folder.stdout
    assert "would put 2 into 'mail'; the last one: b" in lines.stdout
    assert nothing.stdout == "it puts nothing now\n"
    assert (broken.returncode, broken.stdout.startswith("failed: handler ")) == (1, True)


def test_add_worker_says_before_what_its_test_will_do(cli: Cli, real: int, mail: str, workspace: Path) -> None:
    words = ("add-worker", "w", "--queue", "mail", "--handler", f"{mail}:send")

    only_checked = cli(*words, "--test")
    worked = cli(*words, "--test", "--try", "bob")
    copied = cli(*words, "--try-message", str(real))
    failed = cli(*words, "--test", "--try", "fail")
    wrong = cli(*words[:-1], f"{mail}:missing", "--test", "--json")
    produced = cli("add-worker", "w", "--queue", "mail", "--handler", f"{mail}:letters", "--every", "5m", "--test")

    assert (only_checked.code, "could start; its work was not tried" in only_checked.err) == (0, True)
    before, after = worked.err.splitlines()
    assert before.startswith("It works once on this payload; no message of this workspace is taken or put.")
    assert (worked.code, after.startswith("handled after ")) == (0, True)
    assert (copied.code, '"ada"' in copied.err) == (0, True)
    assert (failed.code, "ValueError: server down" in failed.err.splitlines()[-1]) == (1, True)
    assert (wrong.code, "has no 'missing'" in wrong.json["verdict"]) == (1, True)
    assert "nothing is put" in produced.err
    assert "it would put 1 into 'elsewhere', 1 into 'mail'" in produced.err
    assert not (workspace / "supervisor" / "workers").exists()
