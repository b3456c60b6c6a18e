"""What keeps the workers of a queue from working, in the words of `why`; what storage knows stands in queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pqdesk.errors import PQDeskError
from pqdesk.paths import WorkspacePaths

if TYPE_CHECKING:
    from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus

_TROUBLES = {  # the worst first
    "Crash-looping": "crashes again and again",
    "Failed to start": "failed to start",
    "Backing off": "crashed and is started again",
    "Exited": "has exited",
}


def ask_workers(paths: WorkspacePaths, queue: str) -> str | None:
    """Why no worker of the workspace takes messages of `queue`; None where nothing is known of them."""
    if not paths.workers.exists():
        return None
    try:
        from pqdesk.supervision.supervision import Supervision  # an extra, which not everybody has

        status = Supervision(paths).status()
    except (ImportError, PQDeskError, OSError):
        return None
    consumers = [one for one in status.replicas if one.kind == "consumer" and queue in one.queues]
    return _told_of(status, consumers)


def cause_of(replica: ReplicaRecord) -> str:
    """Why it does not stay up, in words, from how it ended and what it wrote last; empty without an idea."""
    from pqdesk.supervision.logs.likely_cause import likely_cause
    from pqdesk.supervision.logs.log_files import tail_lines

    try:
        lines = tail_lines(replica.stderr_log, 20)
    except (PQDeskError, OSError):
        lines = []
    return likely_cause(_end_of(replica), lines)


def _end_of(replica: ReplicaRecord) -> str | None:
    return replica.exit_text or (f"exit {replica.last_exit.text}" if replica.last_exit is not None else None)


def _told_of(status: SupervisionStatus, consumers: Sequence[ReplicaRecord]) -> str:
    if not consumers:
        return "no worker of this workspace is for it. Add one, or run pqdesk consume"
    worst = next((one for word in _TROUBLES for one in consumers if one.state.word == word), None)
    if worst is not None:
        cause = (cause_of(worst) or _end_of(worst) or "").rstrip(".")
        return f"its worker {worst.process} {_TROUBLES[worst.state.word]}{f': {cause}' if cause else '. See its log'}"
    names = ", ".join(dict.fromkeys(one.worker for one in consumers))
    if not status.is_running:
        return f"supervisord is {status.state_word}, so its worker {names} does not run. Start the workers"
    state = consumers[0].state.word.lower()
    hint = ". Start it" if state == "stopped" else ", and has not asked for messages yet"
    return f"its worker {names} is {state}{hint}"
