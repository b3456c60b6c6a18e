"""From what the caller wants put again and again to what the store keeps: checked before anything happens."""

from __future__ import annotations

from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.aliases import Duration
from pqdesk.messages.checks import HEADERS_LIMIT, check_name, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import Outgoing
from pqdesk.messages.schedules import SHORTEST_US, check_missed, make_schedule
from pqdesk.queues.outgoing import checked_outgoing
from pqdesk.storage.scheduling import NewSchedule
from pqdesk.zones import local_zone_name

_OWN_HEADERS = 2  # Schedule and Scheduled-For


def checked_schedule(
    name: str,
    outgoing: Outgoing,
    *,
    every: Duration | None,
    cron: str | None,
    timezone: str | None,
    missed: str,
    is_enabled: bool,
) -> NewSchedule:
    """The schedule to keep. Raises InvalidInput."""
    check_name(name, "schedule")
    every_us = None if every is None else duration_us(every, "every", least_us=1)
    if every_us is not None and every_us < SHORTEST_US:
        raise InvalidInput(f"every must be at least 1 second, got {every_us / 1e6:g} s; a producer can run more often")
    for value, what in ((cron, "cron"), (timezone, "timezone")):
        _check_text(value, what)
    if not isinstance(is_enabled, bool):
        raise InvalidInput(f"enabled must be True or False, got {quoted(is_enabled)}")
    make_schedule(every_us, cron, timezone)
    if cron is not None and timezone is None:
        timezone = local_zone_name()  # by which all will be run, whatever zone the process has that runs it
    if outgoing.headers is not None and len(outgoing.headers) > HEADERS_LIMIT - _OWN_HEADERS:
        raise InvalidInput(f"a schedule's message has at most {HEADERS_LIMIT - _OWN_HEADERS} headers of its own")
    message = checked_outgoing(outgoing, check_name(outgoing.queue, "queue"))
    return NewSchedule(
        name=name, message=message, every_us=every_us, cron=cron, timezone=timezone,
        missed=check_missed(missed), is_enabled=is_enabled,
    )  # fmt: skip


def _check_text(value: Any, what: str) -> None:
    if value is not None and (not isinstance(value, str) or not value.isprintable()):
        raise InvalidInput(f"{what} must be one line of text, got {quoted(value)}")
