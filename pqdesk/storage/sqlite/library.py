"""Which SQLite this is: PQDesk uses the one inside apsw, not the system's."""

from __future__ import annotations

import apsw


def sqlite_version() -> str:
    """Such as `3.54.1`."""
    return apsw.sqlite_lib_version()
