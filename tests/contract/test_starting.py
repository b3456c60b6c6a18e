"""What a program has to import before its first message is put: less than it takes to notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pqdesk

# Each takes longer to import than all of the queue does; what only some programs need waits until they need it.
_DEAR = ("dataclasses", "inspect", "asyncio", "pqdesk.messages.records", "pqdesk.supervision", "click", "platformdirs")
_PROGRAM = f"""
import sys
from pqdesk import Queue
queue = Queue("work", database=sys.argv[1])
queue.put({{"order": 1}})
queue.put("with options", key="order 1", priority=3, delay=0)
for _ in range(2):
    with queue.get() as message:
        message.payload
queue.close()
print(*[name for name in {_DEAR!r} if name in sys.modules])
"""


def test_putting_and_taking_imports_nothing_that_is_dear(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "app.db")], check=True, capture_output=True, text=True
    )

    assert ran.stdout.strip() == ""


def test_every_public_name_is_there() -> None:
    assert [name for name in pqdesk.__all__ if not hasattr(pqdesk, name)] == []
    assert set(pqdesk.__all__) <= set(dir(pqdesk))
