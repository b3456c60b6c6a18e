"""A program behind a pipe: a line per message, a line per answer, whatever it does instead."""

from __future__ import annotations

import os
import signal
import sys
import textwrap

import pytest

from pqdesk import InvalidInput, Workspace
from pqdesk.workers.command_consumer import CommandTarget
from pqdesk.workers.pipe_lines import BadAnswer, parse_answer
from pqdesk.workers.work import Completed, GivenUp, Nacked, PutOff
from tests.support import wait_until
from tests.system.worker_processes import is_alive, wait_for_state, workers_on

_HEAD = """
import base64, json, os, sys, time
def answer(**values): print(json.dumps(values), flush=True)
def lines():
    for line in sys.stdin: yield json.loads(line)
print("started", file=sys.stderr, flush=True)
"""


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def workers(workspace, tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    with workers_on(workspace.path, folder) as started:
        yield started


@pytest.fixture
def consume(workers):
    def start(code, **options):
        command = [sys.executable, "-c", _HEAD + textwrap.dedent(code)]
        return workers.consume("work", command=command, is_piped=True, **options)

    return start


@pytest.fixture
def queue(workspace):
    found = workspace.queue("work")
    found.configure(backoff="fixed:0", max_attempts=2)
    return found


def starts(worker):
    return sum(line.endswith("started") for line in worker.errors().splitlines())


def test_one_program_works_on_all_messages_of_every_kind(queue, consume):
    payloads = [{"to": ["ada", 1]}, "text \n ä", "", None, 7, b"\x00\xff", [10**30]]
    ids = queue.put_many(payloads)

    worker = consume(
        """
        for m in lines():
            data = m["payload"] if "payload" in m else list(base64.b64decode(m["payload_base64"]))
            answer(id=m["id"], ok=[data, m["queue"], m["attempt"], m["max_attempts"]])
        """,
        drain=True,
    )

    assert worker.wait() == 0
    expected = [list(one) if isinstance(one, bytes) else one for one in payloads]
    assert [queue.result(one) for one in ids] == [[one, "work", 1, 2] for one in expected]
    assert starts(worker) == 1


def test_type_headers_and_the_id_come_with_it_and_the_id_comes_first(queue, consume):
    message_id = queue.put("x", type="note", headers={"lang": "de"})

    worker = consume(
        """
        line = sys.stdin.readline()
        m = json.loads(line)
        answer(id=m["id"], ok=[m["type"], m["headers"], line.startswith('{"id":%d,' % m["id"])])
        """,
        drain=True,
    )

    assert worker.wait() == 0
    assert queue.result(message_id) == ["note", {"lang": "de"}, True]


def test_as_many_messages_as_the_concurrency_are_under_way_and_answers_may_come_in_any_order(queue, consume):
    ids = queue.put_many(range(9))

    worker = consume(
        """
        held = []
        for m in lines():
            held.append(m)
            if len(held) == 3:
                for one in reversed(held): answer(id=one["id"], ok=one["payload"] * 2)
                held = []
        """,
        concurrency=3,
        max_messages=9,
    )

    assert worker.wait() == 0
    assert [queue.result(one) for one in ids] == [2 * one for one in range(9)]
    assert starts(worker) == 1


@pytest.mark.parametrize(
    ("values", "state", "error"),
    [
        ({"ok": None}, "completed", None),
        ({"retry": "not yet", "delay": 3600}, "retrying", "not yet"),
        ({"fail": "never"}, "failed", "never"),
        ({"snooze": 3600}, "scheduled", None),
    ],
)
def test_what_it_says_becomes_of_the_message(queue, consume, workspace, values, state, error):
    message_id = queue.put("x")

    worker = consume(f"for m in lines(): answer(id=m['id'], **{values!r})", max_messages=1)

    assert worker.wait() == 0
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.error) == (state, error)


def test_progress_is_seen_and_follow_ups_come_with_the_completion_alone(queue, consume, workspace, workers):
    done, refused = queue.put("good"), queue.put("bad")

    worker = consume(
        """
        for m in lines():
            answer(progress=0.5, note="half")
            answer(put={"payload": "next to " + m["payload"], "queue": "later", "priority": 3})
            time.sleep(0.3)
            if m["payload"] == "good": answer(id=m["id"], ok=1, put=[{"payload": "and this", "queue": "later"}])
            else: answer(id=m["id"], fail="no")
        """,
        max_messages=2,
    )
    wait_until(lambda: (workspace.message(done).progress or 0) == 0.5, reason="progress", logs=workers.folder)

    assert worker.wait() == 0
    assert [(one.payload_preview, one.priority) for one in workspace.queue("later").messages()] == [
        ("and this", 0),
        ("next to good", 3),
    ]
    assert workspace.message(refused).state.word == "failed"


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("""print('{"id": %d, "oops": 1}' % m["id"])""", "it has 'oops'"),
        ("""print('{"id": %d, "ok": 1, "fail": "x"}' % m["id"])""", 'it says both "ok" and "fail"'),
        ("""print('{"id": %d, "retry": "x", "delay": -1}' % m["id"])""", '"delay" must be zero or more'),
        ("""print('{"id": %d, "put": {"queue": "a"}, "ok": 1}' % m["id"])""", '"put" is no object with a "payload"'),
        ("""print('{"id": %d, "put": {"payload": 1, "priority": "x"}, "ok": 1}' % m["id"])""", "cannot be put"),
        ("""print('{"id": %d, "ok": NaN}' % m["id"])""", "contains nan"),
        ("""print('{"ok": -Infinity, "id": %d}' % m["id"])""", "contains -infinity"),
        ("""print('{"id": "7", "ok": 1}')""", '"id" is no number'),
        ("""print('{"id": %d, "ok": "%s"}' % (m["id"], "x" * 10_000_000))""", "has more than 4 MiB"),
        ("""print('{"ok": "%s"}' % ("x" * 10_000_000))""", "has more than 4 MiB"),
        ("""print('{"id": %d, "ok": %s}' % (m["id"], "[" * 5000 + "]" * 5000))""", "nested"),
        ("sys.exit(3)", "exit status 3"),
        ("print('gone', file=sys.stderr); os.kill(os.getpid(), 9)", "gone"),
        ("os.close(1); time.sleep(60)", "SIGTERM"),
    ],
)
def test_an_answer_that_is_none_and_an_end_fail_the_attempt_and_others_go_on(queue, consume, workspace, printed, words):
    bad, good = queue.put("bad", max_attempts=1), queue.put("good")

    worker = consume(
        f"""
        for m in lines():
            if m["payload"] == "bad":
                {printed}
                sys.stdout.flush()
            else: answer(id=m["id"], ok=1)
        """,
        drain=True,
    )

    assert worker.wait(60) == 0
    assert workspace.message(bad).state.word == "failed"
    assert words in (workspace.message(bad).error_text or "")
    assert workspace.message(good).state.word == "completed"


def test_rubbish_foreign_ids_and_second_answers_are_told_and_left_out(queue, consume, workspace):
    ids = queue.put_many(["a", "b"])

    worker = consume(
        r"""
        for m in lines():
            sys.stdout.buffer.write(b"\xff\xfe rubbish\n[1, 2]\n\n7\n")
            answer(id=4711, ok="of nobody")
            answer(id=m["id"], ok=m["payload"])
            answer(id=m["id"], fail="a second answer")
        """,
        drain=True,
    )

    assert worker.wait() == 0
    assert [queue.result(one) for one in ids] == ["a", "b"]
    assert "printed what is no answer" in worker.errors()
    assert "rubbish" in worker.errors()
    assert "answers for message 4711, which it has not in hand" in worker.errors()
    assert worker.errors().count("a second answer") == 0


def test_a_program_that_ends_after_each_answer_is_started_again_and_no_message_is_blamed(queue, consume, workspace):
    ids = queue.put_many(range(5))

    worker = consume("m = json.loads(sys.stdin.readline()); answer(id=m['id'], ok=m['payload'])", drain=True)

    assert worker.wait(60) == 0
    assert [queue.result(one) for one in ids] == list(range(5))
    assert starts(worker) >= 5
    assert all(len([a for a in workspace.message(one).attempts if a.error]) == 0 for one in ids)


def test_a_program_that_never_runs_ends_the_worker_and_its_messages_wait(queue, consume, workspace):
    message_id = queue.put("x")

    worker = consume("import no_such_module")

    assert worker.wait(30) == 1
    assert "ends without a message, too (exit status 1: ModuleNotFoundError" in worker.errors()
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.attempt) == ("ready", 0)


def test_a_program_that_is_gone_ends_the_worker(queue, workers, tmp_path):
    script = tmp_path / "worker.sh"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    queue.put("x")

    worker = workers.consume("work", command=[str(script)], is_piped=True)

    assert worker.wait() == 1
    assert "interpreter '/no/such/interpreter' is not there" in worker.errors()
    assert queue.counts().ready == 1


def test_at_its_time_limit_it_is_told_and_may_go_on_with_others(queue, consume, workspace, workers):
    slow = queue.put("slow", max_attempts=1)

    worker = consume(
        """
        for m in lines():
            if "cancel" in m: answer(id=m["cancel"], fail="given up")
            elif m["payload"] != "slow": answer(id=m["id"], ok=1)
        """,
        timeout=0.5,
    )
    detail = wait_for_state(workspace, slow, "failed", logs=workers.folder)
    quick = queue.put("quick")
    wait_for_state(workspace, quick, "completed", logs=workers.folder)

    assert worker.stop() == 0
    assert "timed out after" in (detail.error or "")
    assert starts(worker) == 1


def test_one_that_does_not_give_up_is_ended_and_what_else_it_has_is_given_back(queue, consume, workspace, workers):
    slow = queue.put("slow", max_attempts=1)

    worker = consume(
        """
        is_first = not os.path.exists("was-here")
        open("was-here", "w").close()
        for m in lines():
            if m.get("payload") == "other": answer(id=m["id"], **({"progress": 0.1} if is_first else {"ok": 1}))
        """,
        concurrency=2,
    )
    wait_until(lambda: workspace.message(slow).state.word == "running", reason="it to run", logs=workers.folder)
    other = queue.put("other")
    wait_until(lambda: workspace.message(other).progress == 0.1, reason="both to be in hand", logs=workers.folder)
    queue.cancel(slow)
    wait_for_state(workspace, slow, "cancelled", logs=workers.folder)
    detail = wait_for_state(workspace, other, "completed", logs=workers.folder)

    assert worker.stop() == 0
    assert starts(worker) == 2
    assert [one.outcome.word for one in detail.attempts if one.outcome] == ["completed"]  # the other does not count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_program_ends_with_its_worker(queue, consume, workers, workspace, number):
    message_id = queue.put("x")
    worker = consume(
        """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for m in lines(): answer(id=m["id"], ok=os.getpid())
        """
    )
    wait_for_state(workspace, message_id, "completed", logs=workers.folder)
    pid = queue.result(message_id)
    assert is_alive(pid)

    worker.signal(number)

    assert worker.wait() == (0 if number == signal.SIGTERM else -9)
    wait_until(lambda: not is_alive(pid), reason="the program to end")


def test_a_large_message_and_a_program_that_reads_late_hold_nothing_up(queue, consume):
    ids = queue.put_many(["x" * 900_000] * 4)

    worker = consume(
        """
        time.sleep(0.5)
        for m in lines(): answer(id=m["id"], ok=len(m["payload"]))
        """,
        concurrency=4,
        drain=True,
    )

    assert worker.wait(60) == 0
    assert [queue.result(one) for one in ids] == [900_000] * 4


def test_what_it_says_on_stderr_is_the_log_and_names_the_message_where_it_is_one(queue, consume):
    message_id = queue.put("x")

    worker = consume(
        "for m in lines(): print('looking', file=sys.stderr, flush=True); time.sleep(0.2); answer(id=m['id'], ok=1)",
        drain=True,
    )

    assert worker.wait() == 0
    assert f"id={message_id} | looking" in worker.errors()


def test_nothing_of_a_message_can_be_in_its_arguments():
    with pytest.raises(InvalidInput, match="started once for all messages"):
        CommandTarget(("cat", "{payload}"), is_piped=True).check()


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        (b'{"id": 7, "ok": [1.5]}', Completed([1.5])),
        (b'  {"ok": "x", "id": 7}\r', Completed("x")),
        (b'{"id": 7, "retry": ""}', Nacked("", None)),
        (b'{"id": 7, "retry": "x", "delay": 2}', Nacked("x", 2)),
        (b'{"id": 7, "fail": "y"}', GivenUp("y")),
        (b'{"id": 7, "snooze": 0}', PutOff(0)),
        (b'{"id": 7, "progress": 1}', None),
    ],
)
def test_lines_that_are_answers(line, ending):
    answer = parse_answer(line)

    assert answer is not None
    assert (answer.id, answer.ending) == (7, ending)


@pytest.mark.parametrize("line", [b"", b"7", b"[]", b'"x"', b"nonsense", b"\xff", b"{'id': 7}", b'{"ok": NaN}'])
def test_lines_that_are_none(line):
    assert parse_answer(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": ' + b"9" * 5000 + b', "ok": 1}', b'{"id": 0, "ok": 1}', b'{"id": -7, "ok": 1}',
        b'{"id": 7, "snooze": ' + b"9" * 5000 + b"}", b'{"id": 7, "retry": "", "delay": ' + b"9" * 5000 + b"}",
        b'{"id": 7, "progress": ' + b"9" * 5000 + b"}",
        b'{"id": 7, "ok": NaN}', b'{"ok": Infinity, "id": 7}', b'{"id": 7, "ok": 01}', b'{"id": 7, "ok": "\xff"}',
        b'{"id": true, "ok": 1}', b'{"id": 7.0, "ok": 1}', b'{"id": 7, "progress": 2}', b'{"id": 7, "note": "x"}',
        b'{"id": 7, "progress": 1, "note": 1}', b'{"id": 7, "fail": 1}', b'{"id": 7, "snooze": "1m"}',
        b'{"id": 7, "ok": 1, "delay": 1}', b'{"id": 7, "put": 1}', b'{"id": 7, "put": [{"payload": 1, "x": 1}]}',
    ],
)  # fmt: skip
def test_lines_that_say_what_cannot_be(line):
    with pytest.raises(BadAnswer):
        parse_answer(line)


def test_no_descriptor_is_left_of_a_program_that_has_ended(queue, consume, workspace, workers):
    worker = consume("m = json.loads(sys.stdin.readline()); answer(id=m['id'], ok=0)")

    def open_ones():
        return len(os.listdir(f"/proc/{worker.pid}/fd"))

    for number in range(3):
        wait_for_state(workspace, queue.put(number), "completed", logs=workers.folder)
    before = open_ones()
    for number in range(12):  # a program has three pipes, and more
        wait_for_state(workspace, queue.put(number), "completed", logs=workers.folder)

    wait_until(lambda: open_ones() < before + 12, reason="its descriptors to be closed", logs=workers.folder)
    assert worker.stop() == 0
