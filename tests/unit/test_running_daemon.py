"""What a running supervisord's answers to a start mean, where they come at an unlucky moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon import client as rpc
from pqdesk.supervision.daemon.client import Fault
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.processes.replicas import ProcessInfo


class Answers:
    """A client whose supervisord refuses each start as a spawn error."""

    def multicall(self, calls: list[Any]) -> list[Fault]:
        return [Fault(rpc.SPAWN_ERROR, "SPAWN_ERROR: job") for _ in calls]


def info(code: int, spawn_error: str = "") -> ProcessInfo:
    return ProcessInfo("job", "job", "job", code, 7, 100, 101, 0, spawn_error, "", "", "")


@pytest.mark.parametrize(
    ("seen", "is_refused"),
    [
        (info(30, "Exited too quickly (process log may have details)"), False),
        (info(10), False),  # it ended at once, and was started again before anybody looked
        (info(20), False),
        (info(30, "can't find command 'job'"), True),
        (info(200, "can't find command 'job'"), True),
    ],
)
def test_what_ended_at_once_was_started_also_where_it_has_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: ProcessInfo, is_refused: bool
) -> None:
    daemon = Daemon(WorkspacePaths(tmp_path), 1.0)
    monkeypatch.setattr(daemon, "client", Answers)
    monkeypatch.setattr(daemon, "infos", lambda: [seen])

    assert ("job" in daemon.start(["job"], ())) is is_refused
