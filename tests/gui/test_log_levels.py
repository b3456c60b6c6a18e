"""Levels of log lines, as the usual formats write them."""

from __future__ import annotations

import pytest

from pqdesk.gui.widgets.log.choosing import LogFilter
from pqdesk.gui.widgets.log.lines import LogLine
from pqdesk.supervision.logs.levels import Level, LevelReader, level_of


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("WARNING:root:disk is filling", Level.WARNING),
        ("2026-11-24 14:02:07,123 INFO spawned: 'a' with pid 7", Level.INFO),
        ("2026-11-24 14:02:07.123 | ERROR    | app:main:7 - no", Level.ERROR),
        ("[2026-11-24 14:02:07 +0000] [7] [CRITICAL] WORKER TIMEOUT", Level.CRITICAL),
        ("\x1b[33mWARN\x1b[0m slow", Level.WARNING),
        ('{"time": 1, "level": "error", "msg": "no"}', Level.ERROR),
        ("ts=1 level=debug msg=x", Level.DEBUG),
        ("E0102 15:04:05.678901 7 main.go:1] no", Level.ERROR),
        ("[W 241124 14:02:07 web:1] 404", Level.WARNING),
        ("<3>no", Level.ERROR),
        ("error: cannot open", Level.ERROR),
        ("[warn] old", Level.WARNING),
        ("failed id=7 queue=code attempt=5 12 ms", Level.ERROR),
        ("retrying id=7 queue=code attempt=1 12 ms", Level.WARNING),
        ("completed id=7 queue=code attempt=1 12 ms", Level.INFO),
        ("id=7 queue=code attempt=1: Traceback (most recent call last):", Level.ERROR),
        ("no errors were found", None),
        ("GET /INFO 200", None),
        ("", None),
    ],
)
def test_the_level_is_read(line, level):
    assert level_of(line) is level


def test_what_goes_on_has_the_level_of_what_it_goes_on_from():
    reader = LevelReader(is_error=True)
    lines = [
        "INFO begins",
        "  more of it",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "ValueError: bad",
        "plain",
    ]

    levels = [reader.read(line) for line in lines]

    assert levels == [Level.INFO, Level.INFO, Level.ERROR, Level.ERROR, Level.ERROR, Level.WARNING]


def test_a_filter_shows_a_level_and_above_stream_by_stream():
    lines = [LogLine("ERROR no", "a"), LogLine("DEBUG x", "b"), LogLine("  because", "a"), LogLine("  or not", "b")]
    chosen = LogFilter()
    assert chosen.passing(lines) == lines

    chosen.set_lowest(Level.WARNING)

    assert [line.text for line in chosen.passing(lines)] == ["ERROR no", "  because"]
