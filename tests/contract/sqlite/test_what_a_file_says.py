"""What a queue file says of processes, of how to undo and of schedules is believed only where it can be true."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pqdesk import Corrupt, Queue, Workspace
from tests.contract import engines
from tests.contract.loose import BAD_TEXT, opened, opened_loosely

_TOKENS = [
    "{victim}", "../../../victim", "..", ".", "", "x/../../../../victim", "0" * 31, "0" * 33, "F" * 32, "0" * 32 + "\n",
    "detached-../../../victim", "detached-", "/", "\0", "ä" * 32,
]  # fmt: skip


def _plant_owner(database: Path, token: Any, **columns: Any) -> None:
    """Make the owner of what is running one with this token, which has ended or lives on another boot."""
    with opened_loosely(database) as db:
        for column, value in {"token": token, "boot": "another", **columns}.items():
            db.execute(f"UPDATE pqdesk_owner SET {column} = ?", (value,))


@pytest.mark.parametrize("token", _TOKENS)
@pytest.mark.parametrize("is_this_boot", [True, False])
def test_a_token_that_is_none_of_ours_names_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str, is_this_boot: bool
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("q")
        queue.put("x")
        queue.get(detached=True)
        boot = workspace.store._engine.clock.boot_id()  # type: ignore[attr-defined]
    _plant_owner(
        tmp_path / "w" / "queue.db",
        token.format(victim=victim),
        boot=boot if is_this_boot else "another",
        pid=os.getpid(),
    )

    with Workspace(tmp_path / "w") as workspace:
        engines.run_chores(workspace)
        workspace.why(1)

        assert victim.read_text() == "precious"
        assert workspace.message(1).state.word == ("running" if is_this_boot else "ready")
        assert "owner 1 is no process" in caplog.text
    assert victim.read_text() == "precious"
    assert (tmp_path / "w" / "run").is_dir()


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "huge"])
def test_what_is_no_lock_file_in_the_place_of_one_hinders_nobody(tmp_path: Path, kind: str) -> None:
    token = "0" * 32
    victim = tmp_path / "victim"
    victim.write_bytes(b"\xff" * 64)
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("q").put("x")
        workspace.queue("q").get(detached=True)
    _plant_owner(tmp_path / "w" / "queue.db", token)
    place = tmp_path / "w" / "run" / "owners" / token
    place.parent.mkdir(exist_ok=True, parents=True)
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(victim)
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_bytes(b"\xff" * 8)
        os.truncate(place, 1 << 40)

    with Queue("q", workspace=tmp_path / "w") as queue:
        assert queue.get(block=False).id == 1

    assert victim.exists()


def _workspace_with_undo(folder: Path) -> None:
    with Workspace(folder) as workspace:
        queue = workspace.queue("q")
        queue.put_many(range(3))
        queue.delete([1, 2])
        queue.configure(lease=5)
        queue.pause()
        workspace.add_schedule("nightly", "q", every=3600)
        workspace.disable_schedule("nightly")
        workspace.remove_schedule("nightly")


_GOOD_ROW = ["s", "q", None, 0, None, None, None, None, 0, "MQ==", 10**9, None, None, "once", 1, 1, 1, None, None, 0]
_KEPT: list[Any] = [
    {"configured": {"queue": "q", "before": {"name = 'x' --": 1}, "after": {}}},
    {"configured": {"queue": "q", "before": {"lease_us": "long"}, "after": {"lease_us": 5_000_000}}},
    {"configured": {"queue": "q", "before": {"backoff": "quadratic"}, "after": {"lease_us": 5_000_000}}},
    {"configured": {"queue": "q", "before": {"ready": 99}, "after": {"lease_us": 5_000_000}}},
    {"configured": {"queue": ["q"], "before": {}, "after": {}}},
    {"configured": 7},
    {"paused": {"queue": 7, "is_paused": True}},
    {"paused": []},
    {"schedule_added": {"name": ["nightly"], "created_us": 0}},
    {"schedule_removed": [1]},
    {"schedule_removed": _GOOD_ROW[:-1]},
    {"schedule_removed": ["a\nb", *_GOOD_ROW[1:]]},
    {"schedule_removed": [*_GOOD_ROW[:9], "no base64!", *_GOOD_ROW[10:]]},
    {"schedule_removed": [*_GOOD_ROW[:10], 1, *_GOOD_ROW[11:]]},
    {"schedule_removed": [*_GOOD_ROW[:10], None, "61 * * * *", *_GOOD_ROW[12:]]},
    {"schedule_removed": [*_GOOD_ROW[:7], '["x"]', *_GOOD_ROW[8:]]},
    {"schedule_switched": {"name": "nightly"}},
    {"schedule_switched": {"name": "nightly", "is_enabled": True, "next_us": "now", "created_us": 1}},
]


@pytest.mark.parametrize("kept", _KEPT, ids=[str(at) for at in range(len(_KEPT))])
def test_what_cannot_undo_an_activity_is_told_and_changes_nothing(tmp_path: Path, kept: Any) -> None:
    _workspace_with_undo(tmp_path / "w")
    with opened(tmp_path / "w" / "queue.db") as db:
        db.execute("UPDATE pqdesk_activity SET before = ? WHERE action = 'configure'", (json.dumps(kept),))
        (number,) = db.execute("SELECT id FROM pqdesk_activity WHERE action = 'configure'").fetchone()
        before = (
            db.execute("SELECT * FROM pqdesk_queue").fetchall(),
            db.execute("SELECT * FROM pqdesk_schedule").fetchall(),
        )

    with Workspace(tmp_path / "w") as workspace, pytest.raises(Corrupt, match=f"undoes activity {number} is damaged"):
        workspace.undo(number)

    with opened(tmp_path / "w" / "queue.db") as db:
        after = (
            db.execute("SELECT * FROM pqdesk_queue").fetchall(),
            db.execute("SELECT * FROM pqdesk_schedule").fetchall(),
        )
        assert after == before


def test_what_is_sound_is_undone_as_ever(tmp_path: Path) -> None:
    _workspace_with_undo(tmp_path / "w")

    with Workspace(tmp_path / "w") as workspace:
        for record in workspace.activity():
            workspace.undo(record.id)

        assert workspace.queue("q").configuration.lease is None
        assert workspace.counts("q").ready == 3
        assert workspace.schedules() == ()


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"before": null}', '{"before": [1, 2], "after": []}',
        '{"before": [1, 3, 0, 0, 0, 0, null, null], "after": [0, 0, 0, 1, -2, 0, 0, 0, 0, null, 1]}',
        '{"before": [99, 2, 0, 0, 0, 0, null, null], "after": AFTER}',
        '{"before": [1, 77, 0, 0, 0, 0, null, null], "after": AFTER}',
        '{"before": [1, 3, 0, 0, 0, 0, null, null], "after": AFTER}',
        '{"before": [1, -2, 0, 0, 0, 0, null, null], "after": AFTER}',
        '{"before": [1, 2, "x", 0, 0, 0, null, null], "after": AFTER}',
    ],
)  # fmt: skip
def test_a_message_whose_undo_is_damaged_is_left_as_it_is_and_the_others_come_back(tmp_path: Path, text: str) -> None:
    _workspace_with_undo(tmp_path / "w")
    with opened(tmp_path / "w" / "queue.db") as db:
        (kept,) = db.execute("SELECT before FROM pqdesk_undo WHERE message_id = 1").fetchone()
        planted = text.replace("AFTER", json.dumps(json.loads(kept)["after"]))
        db.execute("UPDATE pqdesk_undo SET before = ? WHERE message_id = 1", (planted,))

    with Workspace(tmp_path / "w") as workspace:
        outcome = workspace.undo(next(one.id for one in workspace.activity() if one.action == "delete"))

        assert (outcome.done, dict(outcome.reasons)) == (1, {"damaged": 1})
        assert (workspace.message(1).is_trashed, workspace.message(2).is_trashed) == (True, False)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("every_us", "1"), ("every_us", "-5"), ("every_us", "'often'"), ("cron", "'61 * * * *'"), ("headers", "'['"),
        ("payload_kind", "9"), ("missed", "'maybe'"), ("priority", "'high'"), ("queue", "''"), ("name", BAD_TEXT),
        ("next_us", "'now'"), ("timezone", "'../../etc/passwd'"),
    ],
)  # fmt: skip
def test_a_damaged_schedule_puts_nothing_and_keeps_no_other_from_it(tmp_path: Path, column: str, value: str) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.add_schedule("bad", "q", "bad", every=3600)
        workspace.add_schedule("good", "q", "good", every=3600)
    with opened_loosely(tmp_path / "w" / "queue.db") as db:
        db.execute(f"UPDATE pqdesk_schedule SET {column} = {value} WHERE name = 'bad'")

    with Workspace(tmp_path / "w") as workspace:
        engines.run_chores(workspace)

        assert [record.payload_preview for record in workspace.messages("q")] == ["good"]
        assert len(workspace.schedules()) == 2
