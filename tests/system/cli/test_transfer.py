"""`export`, `import`, `backup` and `compact`."""

from __future__ import annotations

import base64
import csv
import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pqdesk import Outgoing, Workspace
from tests.programs import PQDESK
from tests.system.cli.conftest import Cli, Done

Put = Callable[..., int]

PAYLOADS: list[Any] = [
    {"to": "ada", "n": 1.5},
    "text\nof two lines",
    b"\x00\xff",
    None,
    -5,
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\ttab",
    "\rreturn",
    "'=already",
    "''=twice",
    "'plain",
    "",
    b"",
    '"quoted", with commas',
    "ünïcode \u202e",
    [10**40],
]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "other"


def _fill(workspace: Path) -> None:
    with Workspace(workspace) as opened:
        queue = opened.queue("work")
        queue.put_many(
            Outgoing(one, type="=t", priority=-3, key=f"+k{number}", group="@g", headers={"Lang": "-de"})
            for number, one in enumerate(PAYLOADS)
        )
        opened.queue("else").put("elsewhere")


def _payloads(workspace: Path, queue: str = "work") -> list[Any]:
    with Workspace(workspace) as opened:
        return [opened.message(one.id).payload for one in reversed(opened.messages(queue, limit=10_000))]


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_what_is_exported_and_imported_is_the_same(
    cli: Cli, workspace: Path, other: Path, tmp_path: Path, name: str
) -> None:
    _fill(workspace)
    file = tmp_path / name

    assert cli("export", "work", file).err == f"{len(PAYLOADS)} messages written\n"
    done = cli("-w", other, "import", file)

    assert (done.code, done.out) == (0, f"{len(PAYLOADS)} messages put\n")
    assert _payloads(other) == PAYLOADS
    with Workspace(other) as opened:
        first = opened.message(1)
        assert (first.type, first.priority, first.key, first.group) == ("=t", -3, "+k0", "@g")
        assert dict(first.headers) == {"Lang": "-de"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_spreadsheet_finds_no_formula(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    _fill(workspace)

    cli("export", "work", tmp_path / "out.csv")

    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []
    assert "'=1+1" in cells
    assert "'-5" in cells
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith('"id","queue"')


def test_a_number_stays_a_number_in_json_lines(cli: Cli, workspace: Path) -> None:
    with Workspace(workspace) as opened:
        opened.queue("work").put(-5)

    line = json.loads(cli("export", "work", "-").out)

    assert (line["payload"], line["queue"], line["state"], line["id"]) == (-5, "work", "ready", 1)


def test_only_what_matches_is_exported_oldest_first(cli: Cli, put: Put) -> None:
    ids = [put("work", str(number), "--type", "a" if number % 2 else "b") for number in range(6)]
    put("else", "x", "--type", "a")

    lines = [json.loads(line) for line in cli("export", "work", "-", "--type", "a").out.splitlines()]
    everywhere = cli("export", "-", "--where", "type:a").out.splitlines()

    assert [line["id"] for line in lines] == ids[1::2]
    assert len(everywhere) == 4


def test_results_and_errors_are_exported_and_finished_ones_are_not_imported_again(
    cli: Cli, workspace: Path, other: Path, tmp_path: Path
) -> None:
    with Workspace(workspace) as opened:
        queue = opened.queue("work")
        queue.put_many(["done", "failed", "ready"])
        queue.get().ack({"sent": True})
        queue.get().fail("no address")
    file = tmp_path / "out.jsonl"
    cli("export", file)

    done, failed, _ = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    told = cli("-w", other, "import", file).out

    assert (done["result"], failed["error_text"]) == ({"sent": True}, "no address")
    assert told == "1 message put; 2 that were finished are left out (--all puts them, too)\n"
    assert _payloads(other) == ["ready"]
    cli("-w", other, "import", file, "--all")
    assert _payloads(other) == ["ready", "done", "failed", "ready"]


def test_what_was_to_be_due_later_still_is(cli: Cli, put: Put, other: Path, tmp_path: Path) -> None:
    put("work", "later", "--at", "2090-01-01T00:00+00:00")
    cli("export", tmp_path / "out.jsonl")

    cli("-w", other, "import", tmp_path / "out.jsonl", "--queue", "renamed")

    [message] = cli("-w", other, "messages", "renamed", "--json").json
    assert (message["state"], message["due_at"]) == ("scheduled", "2090-01-01T00:00:00+00:00")


_WITH_SECRETS = ("work", '{"user": "ada", "password": "x1", "deep": [{"api_key": "x2"}]}', "--header", "Token=x3")
_SECRETS = ("x1", "x2", "x3")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_secrets_are_hidden_unless_they_are_asked_for(cli: Cli, put: Put, form: str) -> None:
    put(*_WITH_SECRETS)

    for words in ((), ("--mask",)):
        done = cli("export", "-", *words, "--format", form)
        assert "ada" in done.out
        assert [secret for secret in _SECRETS if secret in done.out] == []
        assert "in 1 of them values are hidden" in done.err

    done = cli("export", "-", "--no-mask", "--format", form)
    assert [secret for secret in _SECRETS if secret not in done.out] == []
    assert "hidden" not in done.err


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_was_hidden_is_not_put_again_in_place_of_what_there_was(
    cli: Cli, put: Put, tmp_path: Path, form: str
) -> None:
    put(*_WITH_SECRETS)
    cli("export", tmp_path / "masked", "--format", form)
    cli("export", tmp_path / "whole", "--no-mask", "--format", form)

    refused = cli("import", tmp_path / "masked", "--format", form, "--queue", "again")

    assert refused.code == 2
    assert "--no-mask" in refused.err
    assert cli("import", tmp_path / "whole", "--format", form, "--queue", "again").code == 0
    [message] = cli("messages", "again", "--json").json
    assert cli("show", str(message["id"]), "--json", "--no-mask").json["payload"]["password"] == "x1"


def test_who_looks_sees_no_secrets_unless_they_are_asked_for(cli: Cli, put: Put) -> None:
    put(*_WITH_SECRETS)
    cli("add-schedule", "each", "work", '{"to": "ada", "token": "x1"}', "--every", "1h")
    looks = (["show", "1"], ["show", "1", "--json"], ["messages"], ["messages", "--json"])

    for look in (*looks, ["schedules"]):
        done = cli(*look)
        assert "ada" in done.out
        assert [secret for secret in _SECRETS if secret in done.out] == []
    for look in looks:
        assert "x1" in cli(*look, "--no-mask").out
    assert "x1" in cli("get", "work").out  # who works on it needs it
    cli("delete", "1")
    assert "x1" not in cli("trash").out


@pytest.mark.parametrize("text", ["\n=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\r\n=1", "'\n=1"])
def test_no_cell_begins_like_a_formula_and_each_comes_back(cli: Cli, put: Put, tmp_path: Path, text: str) -> None:
    put("work", text, "--as", "text")
    cli("export", tmp_path / "out.csv")

    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cli("import", tmp_path / "out.csv", "--queue", "again")

    assert rows[0]["payload"] == f"'{text}"
    [message] = cli("messages", "again", "--json").json
    assert cli("show", str(message["id"]), "--json").json["payload"] == text


def test_a_file_that_is_there_is_replaced_only_when_asked(cli: Cli, put: Put, tmp_path: Path) -> None:
    put("work", "x")
    file = tmp_path / "out.jsonl"
    file.write_text("mine")

    assert cli("export", file).code == 2
    assert file.read_text() == "mine"
    assert cli("export", file, "--overwrite").code == 0
    assert "mine" not in file.read_text()
    assert cli("export", tmp_path / "missing" / "out").code == 2
    assert [path.name for path in tmp_path.glob("*unfinished*")] == []


def test_an_export_needs_its_queue_and_workspace(cli: Cli, put: Put, workspace: Path, tmp_path: Path) -> None:
    assert cli("export", tmp_path / "out").code == 3
    put("work", "x")

    assert cli("export", "nobody", tmp_path / "out").code == 3
    assert cli("export", "a", "b", "c").code == 2
    assert not (tmp_path / "out").exists()


# --- import -------------------------------------------------------------------------------------------


@pytest.fixture
def load(cli: Cli, tmp_path: Path) -> Callable[..., Done]:
    """Import a file with this text."""

    def call(data: bytes, *words: str, name: str = "in.jsonl") -> Done:
        (tmp_path / name).write_bytes(data)
        return cli("import", tmp_path / name, *words)

    return call


Load = Callable[..., Done]


def _lines(*lines: Any) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)


def test_a_dry_run_counts_and_shows_what_is_wrong(load: Load, workspace: Path) -> None:
    good = [{"queue": "work", "payload": number} for number in range(1200)]
    fields = "queue, state, type, priority, group, key, max_attempts, due_at, expires_at, key_until, headers, payload, "
    fields += "payload_base64"
    bad = [b"{", {"queue": "work"}, {"payload": 1}, {"queue": "work", "payload": 1, "colour": "red"}]

    done = load(_lines(*good, *bad), "--dry-run")

    assert (done.code, done.out) == (1, "1,200 valid, 4 not\n")
    assert [line.partition("message 1,20")[2] for line in done.err.splitlines()] == [
        "1: it is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "2: it has neither payload nor payload_base64",
        "3: it has no queue; name one with --queue",
        f"4: there is no field 'colour'; the fields are {fields}",
    ]
    assert not workspace.exists()


def test_a_bad_message_stops_before_its_batch_and_says_how_to_go_on(load: Load, workspace: Path) -> None:
    lines = [{"queue": "work", "payload": number} for number in range(1500)]
    text = _lines(*lines[:1200], {"queue": "", "payload": 1}, *lines[1201:])

    done = load(text)

    assert done.code == 2
    assert "message 1,201: queue must have 1 to 255 characters" in done.err
    assert "1,000 messages put; put the rest with --from-message 1001" in done.err
    assert len(_payloads(workspace)) == 1000
    again = load(text, "--from-message", "1001", "--skip-invalid")
    assert (again.code, again.out) == (1, "499 messages put, 1 not\n")
    assert _payloads(workspace) == [*range(1200), *range(1201, 1500)]


_BAD: list[tuple[Any, str]] = [
    ([1], "no object with the fields of a message"),
    ({"queue": "q", "payload": 1, "payload_base64": "AA=="}, "exclude each other"),
    ({"queue": "q", "payload_base64": "%"}, "not base64"),
    ({"queue": "q", "payload_base64": 5}, "not base64"),
    ({"queue": "q", "payload": 1, "priority": "high"}, "priority must be int"),
    ({"queue": "q", "payload": 1, "due_at": "soon"}, "no time of ISO 8601"),
    ({"queue": "q", "payload": 1, "state": "lost"}, "no state 'lost'"),
    ({"queue": "q", "payload": 1, "headers": [1]}, "headers must be a mapping"),
    ({"queue": 5, "payload": 1}, "queue must be str"),
    (b"\xff", "not UTF-8"),
    (b"NaN", "it is not JSON"),
    (b'{"queue": "q", "payload": NaN}', "nan"),
    (b"[" * 100_000, "nested more than 200 levels"),
]


@pytest.mark.parametrize(("line", "reason"), _BAD, ids=[reason for _, reason in _BAD])
def test_what_is_no_message_is_named_and_nothing_is_put(load: Load, workspace: Path, line: Any, reason: str) -> None:
    done = load(_lines({"queue": "q", "payload": 1}, line))

    assert done.code == 2
    assert "message 2: " in done.err
    assert reason in done.err
    assert "nothing was put" in done.err
    assert _payloads(workspace, "q") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n", "no title 'payload'"),
        ("", "no title 'payload'"),
        ("queue,payload\nq\n", "it has 1 cells"),
        ('queue,form,payload\nq,xml,"<a/>"\n', "form must be json, text or bytes"),
        ("queue,priority,payload\nq,high,1\n", "priority must be a whole number"),
        ("queue,payload\nq,{\n", "payload is not JSON"),
    ],
)
def test_a_csv_that_is_none_is_named(load: Load, workspace: Path, text: str, reason: str) -> None:
    done = load(text.encode(), name="in.csv")

    assert (done.code, reason in done.err, len(done.err.splitlines())) == (2, True, 1)


def test_a_csv_by_hand_needs_two_columns(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('queue,payload\nwork,"{""a"": 1}"\nwork,5\n')

    assert cli("import", tmp_path / "in.csv").out == "2 messages put\n"
    assert _payloads(workspace) == [{"a": 1}, 5]


def test_keys_in_use_follow_the_rule(load: Load, put: Put, workspace: Path) -> None:
    put("work", "first", "--key", "k")
    text = _lines({"queue": "work", "payload": "second", "key": "k"})

    assert load(text).code == 4
    assert load(text, "--on-conflict", "keep").code == 0
    assert _payloads(workspace) == ["first"]
    assert load(text, "--on-conflict", "replace").code == 0
    assert _payloads(workspace)[-1] == "second"


def test_a_missing_file_is_one_line(cli: Cli, tmp_path: Path) -> None:
    done = cli("import", tmp_path / "missing")

    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_a_pipe_from_one_to_the_other(workspace: Path, other: Path, cli: Cli) -> None:
    _fill(workspace)

    command = f"{PQDESK} -w {workspace} export work - | {PQDESK} -w {other} import -"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert _payloads(other) == PAYLOADS


def test_bytes_travel_as_base64(cli: Cli, put: Put) -> None:
    assert int(cli("put", "work", "--as", "bytes", stdin=b"\xff").out) == 1

    line = json.loads(cli("export", "-").out)

    assert base64.b64decode(line["payload_base64"]) == b"\xff"


# --- the file as a whole ------------------------------------------------------------------------------


def test_a_backup_is_a_queue_file(cli: Cli, put: Put, tmp_path: Path, other: Path) -> None:
    put("work", "x")
    other.mkdir(0o700)

    done = cli("backup", other / "queue.db")

    assert (done.code, "KiB in" in done.out) == (0, True)
    assert stat.S_IMODE((other / "queue.db").stat().st_mode) == 0o600
    assert _payloads(other) == ["x"]


def test_a_backup_replaces_nothing(cli: Cli, put: Put, tmp_path: Path) -> None:
    put("work", "x")
    (tmp_path / "mine").write_text("mine")

    assert cli("backup", tmp_path / "mine").code == 1
    assert (tmp_path / "mine").read_text() == "mine"
    assert cli("backup", tmp_path / "missing" / "file").code == 1
    assert list(tmp_path.glob("*unfinished*")) == []


def test_compact_gives_back_what_is_not_used(cli: Cli, workspace: Path) -> None:
    with Workspace(workspace) as opened:
        queue = opened.queue("work")
        queue.put_many([os.urandom(20_000) for _ in range(200)])
        queue.configure(keep_completed=0)
        for message in queue.get_many(200):
            message.ack()
        queue.put("last")
        chores: Any = opened.store.background.chores  # type: ignore[attr-defined]
        with opened.store._engine.lock:  # type: ignore[attr-defined]
            while chores.prune():
                pass
    before = (workspace / "queue.db").stat().st_size

    done = cli("compact")

    assert done.code == 0
    assert "given back to the disk" in done.out
    assert (workspace / "queue.db").stat().st_size < before / 4
    assert cli("compact", "--json").json["bytes_given_back"] < 100_000
    assert _payloads(workspace) == ["last"]


def test_rows_put_by_sql_that_were_refused_are_shown_by_doctor(cli: Cli, workspace: Path) -> None:
    with Workspace(workspace) as opened, opened.queue("work").transaction() as tx:
        tx.execute("INSERT INTO pqdesk_put (queue, payload) VALUES ('work', '{')")

    shown = cli("doctor", "--json").json

    found = [one for one in shown if one["subject"] == "put by SQL"]
    assert "row 1 of pqdesk_put" in found[0]["text"]
    assert "payload is not JSON" in found[0]["text"]
