"""Commands as consumers: what they get, what their exit means, and that none outlives its worker."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from pqdesk import Outgoing, Workspace
from tests.support import wait_until
from tests.system.worker_processes import is_alive, workers_on


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def workers(workspace, tmp_path):
    folder = tmp_path / "commands"
    folder.mkdir()
    with workers_on(workspace.path, folder) as started:
        yield started


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def shell(code: str) -> list[str]:
    return ["sh", "-c", code]


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        ({"to": ["ada", 1]}, '{"to":["ada",1]}'),
        ("$(touch x); `ls` ; ä\n", "$(touch x); `ls` ; ä\n"),
        (b"\x00\xff\x80", b"\x00\xff\x80"),
        ("", ""),
        (None, "null"),
    ],
)
def test_payload_goes_in_and_output_comes_back(workspace, workers, payload, result):
    message_id = workspace.queue("mail").put(payload)

    worker = workers.consume("mail", command=["cat"], drain=True)

    assert worker.wait() == 0
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.result) == ("completed", result)
    assert worker.errors() == ""


def test_environment_tells_of_the_message(workspace, workers, monkeypatch):
    for name in ("PQDESK_HEADER_OLD", "PQDESK_PASS", "PQDESK_DAEMON_VERSION"):
        monkeypatch.setenv(name, "of a surrounding command, or of supervisord")
    message_id = workspace.queue("mail").put("x", type="note", headers={"trace-id": "a b", "lang": "de"})
    code = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('PQDESK_')}))"

    worker = workers.consume("mail", command=python(code), drain=True)

    assert worker.wait() == 0
    told = json.loads(workspace.message(message_id).result)
    assert told.pop("PQDESK_RECEIPT").startswith(f"{message_id}-")
    assert told.pop("PQDESK_TEST")
    assert told.pop("PQDESK_PAYLOAD_FILE").startswith("/dev/fd/")
    assert told == {
        "PQDESK_ID": str(message_id),
        "PQDESK_QUEUE": "mail",
        "PQDESK_TYPE": "note",
        "PQDESK_ATTEMPT": "1",
        "PQDESK_HEADER_TRACE_ID": "a b",
        "PQDESK_HEADER_LANG": "de",
        "PQDESK_WORKSPACE": str(workspace.path),
    }


@pytest.mark.parametrize(
    ("code", "state", "error"),
    [
        ("echo gone >&2; exit 65", "failed", "exit status 65: gone"),
        ("exit 75", "retrying", "exit status 75"),
        ("echo first >&2; echo last >&2; exit 3", "retrying", "exit status 3: last\n\nfirst\nlast"),
        ("kill -9 $$", "retrying", "ended by SIGKILL"),
    ],
)
def test_exit_status_decides(workspace, workers, code, state, error):
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", command=shell(code), drain=True)

    assert worker.wait() == 0
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.error_text) == (state, error)
    assert worker.lines()[0].startswith(f"{state} id={message_id} queue=mail attempt=1 ")


def test_large_payload_that_nobody_reads_is_no_error(workspace, workers):
    message_id = workspace.queue("mail").put(b"x" * 4_000_000)

    worker = workers.consume("mail", command=["true"], drain=True)

    assert worker.wait() == 0
    assert workspace.message(message_id).result == ""


def test_large_payload_arrives_whole(workspace, workers):
    message_id = workspace.queue("mail").put(b"x" * 4_000_000)

    worker = workers.consume("mail", command=["wc", "-c"], drain=True)

    assert worker.wait() == 0
    assert workspace.message(message_id).result.strip() == "4000000"


def test_long_output_is_cut_at_a_whole_character_with_a_warning(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    code = "import sys; sys.stdout.write('a' + 'ä' * 200_000)"

    worker = workers.consume("mail", command=python(code), drain=True)

    assert worker.wait() == 0
    result = workspace.message(message_id).result
    assert result == "a" + "ä" * 32767
    assert "printed more than 64 KiB" in worker.errors()


def test_of_long_errors_the_end_is_kept(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    code = "import sys; sys.stderr.write('a' * 300_000 + '\\nlast words\\n'); sys.exit(9)"

    worker = workers.consume("mail", command=python(code), drain=True)

    assert worker.wait() == 0
    detail = workspace.message(message_id)
    assert detail.error_text.startswith("exit status 9: last words\n\naaa")
    assert detail.error_text.endswith("\nlast words")
    assert len(detail.error_text) <= 64 * 1024


def test_background_process_that_keeps_the_pipes_does_not_hold_the_message(workspace, workers):
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", command=shell("sleep 600 & echo $!; exit 0"), drain=True)

    assert worker.wait() == 0
    background = int(workspace.message(message_id).result)
    assert is_alive(background)  # it was asked for, and nobody's business
    _end(background)


def test_program_over_its_timeout_is_ended_and_the_worker_goes_on(workspace, workers):
    queue = workspace.queue("mail")
    hanging, other = queue.put("hang"), queue.put("go")
    code = f"read -r what; echo $$ > pid; [ \"$what\" = go ] || exec {sys.executable} -c 'import time; time.sleep(600)'"

    worker = workers.consume("mail", command=shell(code), drain=True, timeout=0.5)

    assert worker.wait() == 0
    assert workspace.message(hanging).error == "timed out after 500 ms"
    assert workspace.message(other).state.word == "completed"


def test_program_that_ignores_term_is_killed_with_its_children(workspace, workers, monkeypatch):
    message_id = workspace.queue("mail").put("x")
    code = "trap '' TERM; sleep 600 & echo $! > child; echo $$ > pid; while :; do wait; done"

    worker = workers.consume("mail", command=shell(code), drain=True, timeout=0.3)

    assert worker.wait() == 0
    assert workspace.message(message_id).error == "timed out after 300 ms"
    pids = [int((workers.folder / name).read_text()) for name in ("pid", "child")]
    wait_until(lambda: not any(map(is_alive, pids)), reason="the program and its child to be gone")


def test_term_lets_the_program_finish(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    code = "touch began; while [ ! -e go ]; do sleep 0.02; done; echo finished"
    worker = workers.consume("mail", command=shell(code))
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    worker.signal(signal.SIGTERM)
    (workers.folder / "go").touch()

    assert worker.wait() == 0
    assert workspace.message(message_id).result == "finished\n"


def test_second_interrupt_kills_the_program_and_releases_its_message(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", command=shell("echo $$ > pid; sleep 600; echo never"))
    pid = wait_until(lambda: _number(workers.folder / "pid"), logs=workers.folder)

    worker.signal(signal.SIGINT)
    wait_until(lambda: "Ctrl-C again" in worker.errors(), logs=workers.folder)
    assert is_alive(pid)
    worker.signal(signal.SIGINT)

    assert worker.wait() == 130
    assert workspace.message(message_id).state.word == "ready"
    wait_until(lambda: not is_alive(pid), reason="the program to be gone")


def test_program_dies_with_a_killed_worker(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", command=shell("echo $$ > pid; sleep 600; echo never"))
    pid = wait_until(lambda: _number(workers.folder / "pid"), logs=workers.folder)

    worker.signal(signal.SIGKILL)

    worker.wait()
    wait_until(lambda: not is_alive(pid), reason="the program to be gone")
    with workspace.queue("mail").get(timeout=10) as message:
        assert (message.id, message.attempt) == (message_id, 2)


def test_unknown_program_takes_no_message(workspace, workers):
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", command=["no-such-program"])

    assert worker.wait() == 1
    assert worker.errors() == "command 'no-such-program' is not found here or in $PATH; nothing was started\n"
    assert workspace.message(message_id).attempt == 0


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (b"echo done\n", "a script begins with a line like #!/bin/sh"),
        (b"#!/bin/sh\r\necho done\r\n", "ends as on Windows"),
        (b"#!/usr/bin/env sh\r\necho done\r\n", "ends as on Windows"),
        (b"#!/opt/nowhere/python3 -u\nprint()\n", "its interpreter '/opt/nowhere/python3' is not there"),
        (b"\x7fELF but no more", "a script begins with a line like #!/bin/sh"),
    ],
)
def test_script_that_cannot_be_run_is_told_as_what_it_is_and_spares_the_messages(workspace, workers, script, reason):
    message_id = workspace.queue("mail").put("x")
    file = workers.folder / "work"
    file.write_bytes(script)
    file.chmod(0o700)

    worker = workers.consume("mail", command=[str(file)])

    assert worker.wait() == 1
    assert reason in worker.errors()
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.attempt) == ("ready", 0)


def test_program_that_disappears_ends_the_worker_and_spares_the_messages(workspace, workers):
    program = workers.folder / "program"
    program.write_text('#!/bin/sh\nrm "$0"\n')
    program.chmod(0o700)
    first, second = workspace.queue("mail").put_many(["x", "x"])

    worker = workers.consume("mail", command=[str(program)])

    assert worker.wait() == 1
    assert workspace.message(first).state.word == "completed"
    detail = workspace.message(second)
    assert (detail.state.word, detail.attempt) == ("ready", 0)
    assert "No such file or directory; its messages wait as they are" in worker.errors()


def test_many_programs_at_once(workspace, workers):
    workspace.queue("mail").put_many([Outgoing(number) for number in range(60)])

    worker = workers.consume("mail", command=["cat"], drain=True, concurrency=8)

    assert worker.wait() == 0
    results = {message.id: workspace.message(message.id) for message in workspace.messages("mail")}
    assert sorted(int(one.result) for one in results.values()) == list(range(60))


def _number(file) -> int:
    return int(file.read_text().strip() or 0) if file.exists() else 0


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), reason="the background process to be gone")


_FILE = {"path": "/tmp/a b'c;$(id)", "to": {"name": "ada", "ages": [3, 4.5]}, "n": 10**20, "yes": True, "none": None}


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("{path}", "/tmp/a b'c;$(id)"),
        ("--file={payload.path}", "--file=/tmp/a b'c;$(id)"),
        ("{payload.to.name}-{payload.n}", f"ada-{10**20}"),
        ("{payload.to.ages.1}", "4.5"),
        ("{payload.yes}", "true"),
        ("{payload.to}", '{"name":"ada","ages":[3,4.5]}'),
        ("{} {other} {payload.} {{path}}", "{} {other} {payload.} {/tmp/a b'c;$(id)}"),
        ("{print $1}", "{print $1}"),
    ],
)
def test_what_is_in_a_payload_goes_into_an_argument(workspace, workers, word, filled):
    message_id = workspace.queue("q").put(_FILE)

    assert workers.consume("q", command=["printf", "%s", word], drain=True).wait() == 0

    assert workspace.message(message_id).result == filled


def test_a_whole_payload_is_an_argument(workspace, workers):
    text, value = workspace.queue("q").put("a {path} b"), workspace.queue("q").put([1, "x"])

    assert workers.consume("q", command=["printf", "%s", "<{payload}>"], drain=True).wait() == 0

    assert (workspace.message(text).result, workspace.message(value).result) == ("<a {path} b>", '<[1,"x"]>')


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"file": 1}, "no 'path'"),
        ("text", "no 'path'"),
        ({"path": None}, "null"),
        ({"path": "a\0b"}, "NUL"),
        (b"bytes", "no 'path'"),
    ],
)
def test_a_payload_without_what_is_asked_for_is_failed_and_others_go_on(workspace, workers, payload, reason):
    bad, good = workspace.queue("q").put(payload), workspace.queue("q").put({"path": "x"})

    assert workers.consume("q", command=["echo", "{path}"], drain=True).wait() == 0

    assert workspace.message(bad).state.word == "failed"
    assert reason in workspace.message(bad).error_text
    assert workspace.message(good).state.word == "completed"


def test_no_payload_names_the_program(workspace, workers):
    message_id = workspace.queue("q").put({"path": "/bin/true"})

    assert workers.consume("q", command=["{path}"], drain=True).wait() != 0

    assert workspace.message(message_id).attempt == 0


@pytest.mark.parametrize(
    ("payload", "size"), [("text\n", 5), (b"\x00\xff" * 500_000, 1_000_000), ({"a": [1]}, 9), ("", 0)]
)
def test_the_payload_is_a_file_too(workspace, workers, payload, size):
    message_id = workspace.queue("q").put(payload)
    code = shell('cat > stdin; wc -c < "$PQDESK_PAYLOAD_FILE"; cmp "$PQDESK_PAYLOAD_FILE" stdin')

    assert workers.consume("q", command=code, drain=True).wait() == 0

    size = len(
        payload if isinstance(payload, bytes) else payload.encode() if isinstance(payload, str) else b'{"a":[1]}'
    )
    result = workspace.message(message_id).result
    assert result.split()[0] == str(size)


def test_two_programs_read_the_file_from_its_beginning(workspace, workers):
    message_id = workspace.queue("q").put("ada")

    assert (
        workers.consume("q", command=shell('cat "$PQDESK_PAYLOAD_FILE" "$PQDESK_PAYLOAD_FILE"'), drain=True).wait() == 0
    )

    assert workspace.message(message_id).result == "adaada"
