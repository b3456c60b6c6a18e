from __future__ import annotations

from pathlib import Path

from tests.programs import run_python


def test_a_log_recovered_after_a_crash_is_logged(tmp_path: Path) -> None:
    crash = "import os, sys; from pqdesk import Queue; q = Queue('q', workspace=sys.argv[1]); q.put(1); os._exit(0)"
    run_python(crash, str(tmp_path / "w"))
    look = """
import logging, sys
from pqdesk.storage import log_sqlite_events
from pqdesk import Queue
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
log_sqlite_events()
with Queue("q", workspace=sys.argv[1]) as queue:
    assert queue.counts().ready == 1
"""

    assert "recovered" in run_python(look, str(tmp_path / "w"))
