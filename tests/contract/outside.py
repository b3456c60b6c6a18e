"""A queue file seen by another program: always in another process, since two connections' locks must not mix."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.processes import end_child
from tests.programs import run_python

_EDIT = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute(sys.argv[2])
db.close()
"""

_LOOK = """
import apsw, json, sys
for line in sys.stdin:
    path, sql = json.loads(line)
    db = apsw.Connection(path)
    print(json.dumps(db.execute(sql).fetchall()), flush=True)
    db.close()
"""


class Looker:
    """A program that looks when it is asked to, each time with a new connection: starting one takes far longer."""

    def __init__(self) -> None:
        self._program = subprocess.Popen([sys.executable, "-c", _LOOK], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def rows(self, database: Path, sql: str) -> list[list[Any]]:
        """What a query finds."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps([str(database), sql]).encode() + b"\n")
        self._program.stdin.flush()
        found: list[list[Any]] = json.loads(self._program.stdout.readline())
        return found

    def close(self) -> None:
        for pipe in (self._program.stdin, self._program.stdout):
            assert pipe is not None
            pipe.close()
        end_child(self._program)


def edit(database: Path, sql: str) -> None:
    """Change a file with SQLite, made if missing."""
    run_python(_EDIT, str(database), sql)
