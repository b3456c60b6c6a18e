"""Which SQLite this is, and what it has to tell: PQDesk uses the one inside apsw, not the system's."""

from __future__ import annotations

import apsw

from pqdesk.storage.sqlite.logger import logger


def sqlite_version() -> str:
    """Such as `3.54.1`."""
    return apsw.sqlite_lib_version()


def sqlite_source_day() -> str:
    """The day of its source, such as `2026-09-03`."""
    return apsw.sqlite3_sourceid().partition(" ")[0]


def log_sqlite_events() -> None:
    """Log what SQLite tells by itself: a WAL recovered after a crash, a damaged page (sqlite.org/errlog.html).

    For programs of ours, before their first connection; it is a setting of the whole process. Later, nothing happens.
    """
    import logging

    logger(__name__).addHandler(
        logging.NullHandler()
    )  # where nothing keeps a log, the error itself says it, in one line
    try:
        apsw.config(apsw.SQLITE_CONFIG_LOG, _log_event)
    except apsw.MisuseError:
        logger(__name__).info("SQLite was in use before its events could be logged")


def _log_event(code: int, text: str) -> None:
    import logging

    is_notice = code & 0xFF in (apsw.SQLITE_NOTICE, apsw.SQLITE_SCHEMA)  # recovery, a statement prepared anew
    logger(__name__).log(logging.INFO if is_notice else logging.WARNING, "SQLite: %s (code %d)", text, code)
