"""Numbers, sizes and times as people read them. Durations are in pqdesk.messages.durations."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QLocale

from pqdesk.clock import local_time
from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.messages.looking import CappedCount

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def format_number(number: int) -> str:
    """With the locale's group separators; the C locale has none, so it gets commas."""
    locale = QLocale()
    return f"{number:,}" if locale.language() is QLocale.Language.C else locale.toString(number)


def format_capped(count: CappedCount) -> str:
    """`1,080`, `100,000+`."""
    return f"{format_number(count.count)}{'+' if count.is_more else ''}"


def format_rate(per_second: float) -> str:
    """Per second: one digit after the point below 10, none above."""
    if per_second < 0.05:
        return "0"
    return f"{per_second:.1f}" if per_second < 9.95 else format_number(round(per_second))


def format_count(count: int | CappedCount, one: str, many: str = "") -> str:
    """As `counted`, in the numbers of the locale: `1 message`, `4,812 messages`, `100,000+ messages`."""
    if isinstance(count, CappedCount):
        return counted(count.count, one, many, number=format_capped(count))
    return counted(count, one, many, number=format_number(count))


def format_uptime(seconds: float) -> str:
    """`9 s`, `3 min 05 s`, `2 h 14 min`: supervisord knows whole seconds only."""
    return f"{int(seconds)} s" if seconds < 60 else format_duration(seconds)


def format_relative(at: datetime, now: datetime) -> str:
    """`now`, `12 s ago`, `3 min ago`, `in 4 min`, `2 d ago`."""
    seconds = (at - now).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    unit_s, unit = next(step for step in _STEPS if size >= step[0])
    text = f"{int(size // unit_s)} {unit}"
    return f"in {text}" if seconds > 0 else f"{text} ago"


def format_absolute(at: datetime) -> str:
    """With the local zone, for tooltips and details."""
    return local_time(at).strftime("%Y-%m-%d %H:%M:%S %Z")


def format_size(size_bytes: int) -> str:
    """`512 B`, `1.5 KiB`, `12.4 MiB`."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.1f} KiB"
    return f"{size_bytes / (1024 * 1024):.1f} MiB"
