"""A damaged row is one failed message, whatever of it is damaged: nobody else's work or looking ends by it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pqdesk import Corrupt, Empty, LeaseLost, PQDeskError, Queue, Workspace
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.services.transfer import Exported
from pqdesk.storage import open_inspection
from pqdesk.storage.sqlite import damage
from tests.contract.loose import BAD_TEXT, opened_loosely
from tests.contract.outside import edit
from tests.programs import run_python

_SOUND = 4
_DAMAGE = """
import sys
from pathlib import Path
from tests.contract.loose import opened_loosely
with opened_loosely(Path(sys.argv[1])) as db:
    db.execute("UPDATE pqdesk_message SET forgiven = 'none' WHERE id = ?", (int(sys.argv[2]),))
"""
# SQL for a value that the column cannot have been given by a PQDesk.
_DAMAGES = [
    ("headers", "'{\"a\": '"),
    ("headers", '\'["a", "b"]\''),
    ("headers", '\'{"a=b": "c"}\''),
    ("headers", "'{\"a\": 1}'"),
    ("headers", "replace(hex(zeroblob(50000)), '0', '[')"),
    ("headers", BAD_TEXT),
    ("headers", "x'00'"),
    ("payload_kind", "7"),
    ("payload_kind", "NULL"),
    ("payload_kind", "'json'"),
    ("payload", "'text'"),
    ("checksum", "'sum'"),
    ("checksum", "NULL"),
    ("attempt", "'first'"),
    ("attempt", "9223372036854775807"),
    ("forgiven", "x'01'"),
    ("max_attempts", "'many'"),
    ("priority", "NULL"),
    ("enqueued_us", "'yesterday'"),
    ("enqueued_us", "NULL"),
    ("due_us", "NULL"),
    ("due_us", BAD_TEXT),
    ("expires_us", "'never'"),
    ("type_id", "'mail'"),
    ("key", "x'ff'"),
    ("key", BAD_TEXT),
    ('"group"', BAD_TEXT),
    ("finished_us", "'soon'"),
    ("copy_of", "'nobody'"),
]


def _damaged_workspace(folder: Path, column: str, value: str) -> int:
    """A queue `q` with messages of which one in the middle is damaged; its id."""
    with Workspace(folder) as workspace:
        ids = workspace.queue("q").put_many([{"n": number} for number in range(_SOUND + 1)])
    with opened_loosely(folder / "queue.db") as db:
        db.execute(f"UPDATE pqdesk_message SET {column} = {value} WHERE id = ?", (ids[1],))
    return ids[1]


@pytest.mark.parametrize(("column", "value"), _DAMAGES)
def test_a_damaged_message_fails_and_the_others_are_given_out(tmp_path: Path, column: str, value: str) -> None:
    damaged = _damaged_workspace(tmp_path / "w", column, value)

    with Workspace(tmp_path / "w") as workspace:
        queue, taken = workspace.queue("q"), []
        for message in (queue.get(block=False) for _ in range(_SOUND)):
            taken.append(message.id)
            message.ack()
        with pytest.raises(Empty):
            queue.get(block=False)

        assert damaged not in taken
        detail = workspace.message(damaged)
        assert (detail.state, (detail.error or "")[:8]) == (State.FAILED, "damaged:")
        assert workspace.counts("q").failed == 1
        assert workspace.delete(damaged).done == 1


@pytest.mark.parametrize(("column", "value"), _DAMAGES)
def test_who_looks_at_a_damaged_message_sees_it_and_the_others(tmp_path: Path, column: str, value: str) -> None:
    damaged = _damaged_workspace(tmp_path / "w", column, value)

    with Workspace(tmp_path / "w") as workspace:
        listed = {record.id: record for record in workspace.messages("q")}
        detail = workspace.message(damaged)
        exported = Exported(detail, workspace.queue("q").versions(damaged), False)
        texts = exported.as_json(), exported.as_cells()

        assert len(listed) == _SOUND + 1
        assert all(texts)
        assert f"essage {damaged}" in workspace.why(damaged)
        assert workspace.queue("q").versions(damaged) == ()


@pytest.mark.parametrize("state", ["'ready'", "99", "-42", "NULL", "1.5", BAD_TEXT])
def test_a_message_in_no_state_is_shown_as_a_failed_one_that_nobody_acts_on(tmp_path: Path, state: str) -> None:
    damaged = _damaged_workspace(tmp_path / "w", "state", state)

    with Workspace(tmp_path / "w") as workspace:
        detail = workspace.message(damaged)
        outcome = workspace.retry([damaged, damaged + 1])

        assert (detail.state, "damaged" in (detail.error or "")) == (State.FAILED, True)
        assert len(workspace.messages("q", limit=10)) >= _SOUND
        assert (outcome.done, outcome.skipped, len(outcome.errors)) == (0, 1, 1)
        assert f"message {damaged} is damaged" in outcome.errors[0]


def test_a_loop_goes_on_past_damaged_messages(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        ids = workspace.queue("q").put_many(range(40))
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        for at, (column, value) in enumerate(_DAMAGES):
            db.execute(f"UPDATE pqdesk_message SET {column} = {value} WHERE id = ?", (ids[at],))

    with Workspace(tmp_path / "w") as workspace:
        queue, done = workspace.queue("q"), []
        for message in queue:
            done.append(message.id)
            message.ack()
            if message.id == ids[-1]:
                break

        assert done == ids[len(_DAMAGES) :]
        assert workspace.counts("q").failed == len(_DAMAGES)


def test_a_message_that_is_damaged_while_somebody_has_it_fails_and_its_lease_is_lost(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        queue.put_many(["bad", "good"])
        bad, good = queue.get_many(2)
        run_python(_DAMAGE, str(tmp_path / "w" / "queue.db"), str(bad.id))

        with pytest.raises(LeaseLost):
            bad.ack()
        good.ack()

        assert workspace.message(bad.id).state == State.FAILED
        assert workspace.counts("q").completed == 1


def test_an_attempt_that_is_damaged_is_shown_all_the_same(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        message_id = queue.put("x")
        queue.get().nack("the reason")
    for column, value in (
        ("outcome", "'won'"),
        ("started_us", BAD_TEXT),
        ("error", BAD_TEXT),
        ("ended_us", "2e300"),
        ("ended_us", "NULL"),
        ("ended_us", "'soon'"),
    ):
        with opened_loosely(tmp_path / "w" / "queue.db") as db:
            db.execute(f"UPDATE pqdesk_attempt SET {column} = {value}")

    with Workspace(tmp_path / "w") as workspace:
        detail = workspace.message(message_id)

        assert (len(detail.attempts), detail.attempts[0].attempt) == (1, 1)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("queue", "scheduled", "'x'"), ("queue", "max_attempts", "'x'"), ("queue", "name", BAD_TEXT)],
)
def test_what_no_call_can_do_without_is_told_as_damage_with_its_place(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    _damaged_workspace(tmp_path / "w", "priority", "0")
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute(f"UPDATE pqdesk_{table} SET {column} = {value}")

    with Workspace(tmp_path / "w") as workspace:
        for call in (
            (workspace.queues, workspace.counts)
            if column != "max_attempts"
            else (lambda: workspace.queue("q").put("x"),)
        ):
            with pytest.raises(Corrupt, match=r"is damaged.*restore a backup") as caught:
                call()

            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["clock", "metrics_rolled_up_s"])
@pytest.mark.parametrize("value", [BAD_TEXT, "x'ff'", "'boot-1 9e9'", "'boot-1 ²'", "-1.5", "''"])
def test_a_mark_of_the_file_that_is_damaged_is_made_anew(tmp_path: Path, name: str, value: str) -> None:
    _damaged_workspace(tmp_path / "w", "priority", "0")
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute(f"INSERT OR REPLACE INTO pqdesk_meta (name, value) VALUES ('{name}', {value})")

    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        message_id = queue.put("x", delay=3600, priority=9)
        queue.get(timeout=0).ack()
        queue.get(timeout=0).nack("no")

        assert queue.message(message_id).state == State.SCHEDULED


def test_a_count_that_cannot_be_summed_is_told_as_damage(tmp_path: Path) -> None:
    _damaged_workspace(tmp_path / "w", "priority", "0")
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute("UPDATE pqdesk_metric SET count = 9223372036854775807")
        db.execute("INSERT INTO pqdesk_metric SELECT start_s - 60, queue_id, type_id, kind, bucket, count, span_s"
                   " FROM pqdesk_metric")  # fmt: skip

    with Workspace(tmp_path / "w") as workspace, pytest.raises(Corrupt, match=r"pqdesk_metric .* count"):
        workspace.metrics(datetime.now(UTC) - timedelta(hours=2), step=86_400)


def test_what_sqlite_quotes_of_a_file_stays_in_one_line(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").close()
    file = tmp_path / "w" / "queue.db"
    file.write_bytes(file.read_bytes().replace(b"error_id INTEGER", b'"rr\x1b[2J INTEGER '))

    with pytest.raises(Corrupt, match=r"is damaged.*restore a backup") as caught:
        Workspace(tmp_path / "w")

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("open_it", [Workspace, lambda path: open_inspection(WorkspacePaths(path))])
def test_a_schema_that_is_no_text_is_told_as_damage(tmp_path: Path, open_it: Callable[[Path], object]) -> None:
    Workspace(tmp_path / "w").close()
    file = tmp_path / "w" / "queue.db"
    data = file.read_bytes()
    assert b"progress_note" in data
    file.write_bytes(data.replace(b"progress_note", b"progress_n\xf2te"))

    with pytest.raises(Corrupt, match=r"is damaged.*restore a backup"):
        open_it(tmp_path / "w")


@pytest.mark.parametrize("value", [0, 255])
def test_a_header_that_says_anything_else_is_told_in_one_sentence_or_does_no_harm(tmp_path: Path, value: int) -> None:
    root, told = tmp_path / "w", list[str]()
    with Workspace(root) as workspace:
        workspace.queue("q").put("x")
    sound = (root / "queue.db").read_bytes()

    for place in range(100):
        for look in (lambda: open_inspection(WorkspacePaths(root)), lambda: Workspace(root)):
            (root / "queue.db").write_bytes(sound[:place] + bytes([value]) + sound[place + 1 :])
            try:
                with contextlib.closing(look()) as opened:
                    opened.counts()
            except PQDeskError as exc:
                told.append(str(exc))

    assert told
    assert [text for text in told if "\n" in text] == []


def test_a_fault_of_ours_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace(tmp_path / "w") as workspace:
        monkeypatch.setattr("pqdesk.storage.sqlite.inspection.read_errors", lambda *_: 1 + "a")  # type: ignore[operator]

        with pytest.raises(TypeError):
            workspace.errors()


def test_looking_for_damage_ends_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "_LOOKED_FOR_S", 0.0)
    monkeypatch.setattr(damage, "_STEPS", 10)
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put_many(range(1000))
        monkeypatch.setattr("pqdesk.storage.sqlite.inspection.read_errors", lambda *_: {}["nothing"])

        with pytest.raises(KeyError):
            workspace.errors()


@pytest.mark.parametrize("damaged", [BAD_TEXT, "NULL", "7", "'text'", "x''"])
def test_a_damaged_payload_is_never_delivered(tmp_path: Path, damaged: str) -> None:
    with Queue("q", workspace=tmp_path / "w") as queue:
        small, large, good = queue.put("abc"), queue.put("x" * 5000), queue.put("good")
    edit(tmp_path / "w" / "queue.db", f"UPDATE pqdesk_message SET payload = x'616264' WHERE id = {small}")
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute(f"UPDATE pqdesk_payload SET payload = {damaged} WHERE id = {large}")

    with Queue("q", workspace=tmp_path / "w") as queue:
        assert queue.get(block=False).id == good
        with pytest.raises(Empty):
            queue.get(block=False)
        for one in (small, large):
            assert queue.message(one).state == State.FAILED
            assert (queue.message(one).error or "").startswith("damaged")


def test_what_is_undone_in_a_queue_whose_name_is_damaged_is_told_in_one_sentence(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put("x")
        workspace.cancel(1)
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute(f"UPDATE pqdesk_queue SET name = {BAD_TEXT}")

    with Workspace(tmp_path / "w") as workspace, pytest.raises(Corrupt, match="pqdesk_queue has in row 1 a name"):
        workspace.undo()


def test_a_damaged_activity_hides_no_other(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        queue.put("x")
        queue.pause()
        queue.resume()
    for before in ("'{'", "'[1]'", "x'00'"):
        with opened_loosely(tmp_path / "w" / "queue.db") as db:
            db.execute(f"UPDATE pqdesk_activity SET before = {before} WHERE id = 1")

        with Workspace(tmp_path / "w") as workspace:
            newest, oldest = workspace.activity()

            assert newest.can_be_undone
            assert oldest.why_not == "what is kept to undo it is damaged"


def test_ids_below_zero_keep_no_page_from_ending(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put_many(range(3))
    edit(tmp_path / "w" / "queue.db", "UPDATE pqdesk_message SET id = -5 WHERE id = 1")

    with Workspace(tmp_path / "w") as workspace:
        assert [one.id for one in workspace.messages(search="1")] == [2]
