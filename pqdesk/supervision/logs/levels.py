"""The level of a log line, as the usual formats write it."""

from __future__ import annotations

import re
from enum import IntEnum

from pqdesk.log_records import parse_line
from pqdesk.supervision.logs.log_files import without_colours

_SEARCHED = 160  # characters: a level stands near the beginning


class Level(IntEnum):
    """In rising order; the numbers are those of Python's logging."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50

    @property
    def word(self) -> str:
        return self.name.capitalize()


_WORDS = {
    **dict.fromkeys(("trace", "trac", "debug", "dbug", "dbg", "blather", "verbose", "d", "t"), Level.DEBUG),
    **dict.fromkeys(("info", "information", "notice", "i", "n"), Level.INFO),
    **dict.fromkeys(("warn", "warning", "w"), Level.WARNING),
    **dict.fromkeys(("err", "error", "erro", "severe", "e"), Level.ERROR),
    **dict.fromkeys(("crit", "critical", "fatal", "panic", "emerg", "alert", "c", "f"), Level.CRITICAL),
}
_CAPITALS = "TRACE|DEBUG|DBG|BLAT|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|FATAL|PANIC|ALERT|EMERG"
# logfmt and JSON: level=warn, "level": "error", "severity":"INFO", "levelname": "DEBUG"
_FIELD = re.compile(r"""(?<![\w])["']?(?:level|lvl|severity|levelname)["']?\s*[=:]\s*["']?([A-Za-z]+)""", re.IGNORECASE)
# Python's default, supervisor, log4j: a word in capitals that stands alone (ERROR:root:…, [WARN], 14:02:07,123 INFO …)
_CAPITAL = re.compile(rf"(?<![\w./-])({_CAPITALS})(?![\w./-])")
# loguru's and others' small words count at the very beginning or in brackets: `error: …`, `[warn] …`
_SMALL_WORDS = "debug|info|notice|warning|warn|error|critical|crit|fatal"
_SMALL = re.compile(rf"^(?:\S+: )?({_SMALL_WORDS})\s?:|\[({_SMALL_WORDS})\]", re.IGNORECASE)
_GLOG = re.compile(r"^([IWEFD])\d{4} \d\d:\d\d:\d\d")  # E0102 15:04:05.678901
_TORNADO = re.compile(r"^\[([DIWEC]) \d")  # [W 241124 14:02:07 web:1]
_SYSLOG = re.compile(r"^<([0-7])>")
_SYSLOG_LEVELS = (*[Level.CRITICAL] * 3, Level.ERROR, Level.WARNING, Level.INFO, Level.INFO, Level.DEBUG)
_OURS = re.compile(r"^(failed|retrying|lost|completed|released|cancelled|settled|put) (?:id|queue)=")
_OUR_LEVELS = {"failed": Level.ERROR, "retrying": Level.WARNING, "lost": Level.WARNING}
_TRACEBACK = "Traceback (most recent call last):"
_GOES_ON = re.compile(r"^(?:\s|$)|^(?:The above exception|During handling of the above|Caused by:|\.\.\. \d+ more)")


def level_of(line: str) -> Level | None:
    """What the line says about itself; None when it says nothing."""
    head = (without_colours(line[: 2 * _SEARCHED]) if "\x1b" in line else line)[:_SEARCHED]
    if _TRACEBACK in head:
        return Level.ERROR
    if (found := _OURS.match(head)) is not None:
        return _OUR_LEVELS.get(found[1], Level.INFO)
    for pattern in (_GLOG, _TORNADO, _FIELD, _CAPITAL, _SMALL):
        if (found := pattern.search(head)) is not None:
            word = next(one for one in found.groups() if one).lower()
            if word in _WORDS:
                return _WORDS[word]
    found = _SYSLOG.match(head)
    return None if found is None else _SYSLOG_LEVELS[int(found[1])]


def goes_on(line: str) -> bool:
    """Whether the line belongs to the one before: indented or empty, or of a traceback's chain."""
    return _GOES_ON.match(line) is not None


class LevelReader:
    """Levels of the lines of one stream in their order: what goes on from the line before has that one's level."""

    def __init__(self, *, is_error: bool) -> None:
        """`is_error`: the stream is stderr, whose lines are warnings unless they say otherwise."""
        self._plain = Level.WARNING if is_error else Level.INFO
        self._current = self._plain
        self._is_in_traceback = False

    def read(self, line: str) -> Level:
        """The level of the next line."""
        written = parse_line(line)
        own = level_of(written.text)
        if own is not None:
            # Where a worker writes one, all of it is indented.
            has_end = written.time is None or written.is_printed
            self._current, self._is_in_traceback = own, has_end and _TRACEBACK in line
        elif goes_on(written.text):
            pass
        elif self._is_in_traceback:
            self._is_in_traceback = False  # this is the exception itself, the last line of it
        else:
            self._current = self._plain
        return self._current
