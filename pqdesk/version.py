"""Which PQDesk this is."""

from __future__ import annotations

VERSION = "0.1.0"  # the one place where it stands: pyproject.toml and packaging/build read it here


def installed_version() -> str:
    """The version of the code that runs; a supervisord that runs on may be of an older one."""
    return VERSION
