"""A queue file seen by another program: always in another process, since two connections' locks must not mix."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.programs import run

_EDIT = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute(sys.argv[2])
db.close()
"""


def run_python(program: str, *arguments: str) -> str:
    """What `program` prints."""
    return run(sys.executable, "-c", program, *arguments).stdout


def edit(database: Path, sql: str) -> None:
    """Change a file with SQLite, made if missing."""
    run_python(_EDIT, str(database), sql)
