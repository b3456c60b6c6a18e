"""What needs a person is worked out beside the window, on a real file."""

from __future__ import annotations

from pathlib import Path

from pqdesk import Workspace
from pqdesk.clock import SystemClock
from pqdesk.gui.threads.health_watch import HealthWatch
from pqdesk.messages.states import QueueWord
from pqdesk.services.health import Health
from pqdesk.storage import open_inspection
from tests.gui.shell_fakes import make_status


def test_it_tells_once_and_again_when_something_has_changed(qtbot, tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("mail")
        queue.put("x")
        watch = HealthWatch(workspace.paths, lambda: open_inspection(workspace.paths), SystemClock())
        told: list[Health] = []
        watch.health_changed.connect(told.append)
        watch.begin()

        watch.take_status(make_status())
        qtbot.waitUntil(lambda: len(told) == 1, timeout=10_000)
        queue.pause()
        watch.take_counts(workspace.queues())
        qtbot.waitUntil(lambda: len(told) > 1, timeout=10_000)
        watch.finish()

    assert told[0].words == {"mail": QueueWord.NO_WORKER}
    assert told[-1].words == {"mail": QueueWord.PAUSED}
    assert [one.kind for one in told[-1].needs] == ["paused"]


def test_what_cannot_be_read_is_left_for_the_reader_to_tell(qtbot, tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        paths = workspace.paths
    paths.database.write_bytes(b"no queue" * 1000)
    watch = HealthWatch(paths, lambda: open_inspection(paths), SystemClock())
    told: list[Health] = []
    watch.health_changed.connect(told.append)

    watch.take_status(make_status())
    watch._on_due()

    assert told == []
