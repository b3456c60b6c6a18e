"""Which PQDesk this is."""

from __future__ import annotations

from functools import cache


@cache
def installed_version() -> str:
    """As the installed package has it."""
    from importlib.metadata import PackageNotFoundError, version  # takes a third of the time of `import pqdesk`

    try:
        return version("pqdesk")
    except PackageNotFoundError:  # run from a bare checkout
        return "0+unknown"
