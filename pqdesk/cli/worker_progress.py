"""What goes on while workers take their time to stop: a line on stderr for each that has."""

from __future__ import annotations

from pqdesk.cli.lines import remark
from pqdesk.cli.settings import Settings
from pqdesk.supervision.processes.control import Progress


def progress_lines(settings: Settings, verb: str) -> Progress:
    """Tells each process as it is done; nothing with --json, and nothing of a single one."""

    def tell(done: int, total: int, process: str) -> None:
        if total > 1 and not settings.is_json:
            remark(f"{process}: {verb} ({done} of {total})")

    return tell
