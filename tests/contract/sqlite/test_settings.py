"""Every connection has the settings that the promises stand on."""

from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import pytest

from pqdesk import Queue, Workspace
from pqdesk.storage.sqlite.connection import connect

_WANTED = {
    "synchronous": 1,
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,
    "journal_size_limit": 64 * 1024 * 1024,
    "cell_size_check": 1,
    "temp_store": 2,
    "journal_mode": "wal",
    "auto_vacuum": 2,
    "trusted_schema": 0,
}


@pytest.mark.parametrize("readonly", [False, True])
def test_a_connection_to_a_file_of_ours_has_every_setting(tmp_path: Path, readonly: bool) -> None:
    with Workspace(tmp_path / "w"):
        db = connect(tmp_path / "w" / "queue.db", is_ours=True, readonly=readonly, rng=Random(1))
        try:
            assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in _WANTED} == _WANTED
            for option in (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, apsw.SQLITE_DBCONFIG_ENABLE_VIEW):
                assert db.config(option, -1) == 0
            assert db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1
        finally:
            db.close()


def test_a_file_of_an_application_keeps_sqlites_defaults(tmp_path: Path) -> None:
    with Queue("q", database=tmp_path / "app.db"):
        db = connect(tmp_path / "app.db", is_ours=False, rng=Random(1))
        try:
            assert db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, -1) == 1
            assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        finally:
            db.close()
