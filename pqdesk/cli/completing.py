"""Names that a shell completes: those of the workspace that the line is about. Nothing is made, and nothing raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from pqdesk.cli.settings import Settings, opened_inspection, settings_of
from pqdesk.errors import PQDeskError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(found: Callable[[Settings], Iterable[str]], *others: str) -> Complete:
    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
        try:
            names = [*found(settings_of(context)), *others]
        except (PQDeskError, OSError):
            names = [*others]
        return [name for name in names if name.startswith(begun) and name.isprintable()]

    return complete


def _queues(settings: Settings) -> list[str]:
    with opened_inspection(settings) as inspection:
        return [one.name for one in inspection.queues()]


def _schedules(settings: Settings) -> list[str]:
    with opened_inspection(settings) as inspection:
        return [one.name for one in inspection.schedules()]


def _workers(settings: Settings) -> list[str]:
    from pqdesk.services.workers import workers_of

    return sorted({one.name for one in workers_of(settings.paths).definitions()})


complete_queue = _names(_queues)
complete_schedule = _names(_schedules)
complete_worker = _names(_workers)
complete_workers = _names(_workers, "all")
complete_log = _names(_workers, "all", "supervisord")
