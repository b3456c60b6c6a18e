"""Why a message is not running: what the storage knows, and for a queue that nobody serves, what supervisord knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pqdesk.errors import NotFound, PQDeskError
from pqdesk.messages.checks import check_id
from pqdesk.messages.looking import Reason, ReasonKind
from pqdesk.messages.reasons import say_all
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.looking import Looking

if TYPE_CHECKING:
    from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus

_LOG_LINES = 20
_TROUBLED = ("Crash-looping", "Failed to start", "Backing off", "Exited")


def why(looking: Looking, message_id: int, *, queue: str | None, paths: WorkspacePaths | None) -> str:
    """The reasons in words, the most telling first. `paths`: of the workspace, whose workers are asked about.

    Raises:
        NotFound: There is no such message, or it is in another queue.
    """
    return say_all(reasons(looking, message_id, queue=queue, paths=paths))


def reasons(
    looking: Looking, message_id: int, *, queue: str | None = None, paths: WorkspacePaths | None
) -> tuple[Reason, ...]:
    """The same as facts."""
    check_id(message_id)
    found = looking.explain(message_id)
    if queue is not None and found[0].queue != queue:
        raise NotFound(f"message {message_id} is in queue {found[0].queue!r}, not in {queue!r}")
    return tuple(_with_workers(one, paths) if one.kind is ReasonKind.NO_WORKER else one for one in found)


def _with_workers(reason: Reason, paths: WorkspacePaths | None) -> Reason:
    detail = None if paths is None else _told_by_supervision(paths, reason.queue)
    return reason if detail is None else replace(reason, facts={**reason.facts, "detail": detail})


def _told_by_supervision(paths: WorkspacePaths, queue: str) -> str | None:
    """What keeps the workers of `queue` from working; None where nothing is known of them."""
    if not paths.workers.exists():
        return None
    try:
        from pqdesk.supervision.supervision import Supervision  # an extra, which not everybody has

        status = Supervision(paths).status()
    except (ImportError, PQDeskError, OSError):
        return None
    consumers = [one for one in status.replicas if one.kind == "consumer" and queue in one.queues]
    return _told_of(status, consumers)


def _told_of(status: SupervisionStatus, consumers: Sequence[ReplicaRecord]) -> str:
    if not consumers:
        return "no worker of this workspace is for it. Add one, or run pqdesk consume"
    worst = next((one for word in _TROUBLED for one in consumers if one.state.word == word), None)
    if worst is not None:
        return f"its worker {worst.process} {_trouble(worst)}"
    names = ", ".join(dict.fromkeys(one.worker for one in consumers))
    if not status.is_running:
        return f"supervisord is {status.state_word}, so its worker {names} does not run. Start the workers"
    state = consumers[0].state.word.lower()
    hint = ". Start it" if state == "stopped" else ", and has not asked for messages yet"
    return f"its worker {names} is {state}{hint}"


def _trouble(replica: ReplicaRecord) -> str:
    from pqdesk.supervision.logs.likely_cause import likely_cause
    from pqdesk.supervision.logs.log_files import tail_lines

    how = replica.exit_text or (f"exit {replica.last_exit.text}" if replica.last_exit is not None else None)
    words = {
        "Crash-looping": "crashes again and again",
        "Failed to start": "failed to start",
        "Backing off": "crashed and is started again",
        "Exited": "has exited",
    }
    text = words[replica.state.word]
    try:
        lines = tail_lines(replica.stderr_log, _LOG_LINES)
    except (PQDeskError, OSError):
        lines = []
    cause = likely_cause(how, lines).rstrip(".")
    told = cause or (how or "").rstrip(".")
    return f"{text}: {told}" if told else f"{text}. See its log"
