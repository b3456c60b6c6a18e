"""Why a message is not running: what the storage knows, and for a queue that nobody serves, what its workers say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pqdesk.errors import NotFound
from pqdesk.messages.checks import check_id
from pqdesk.messages.looking import Reason, ReasonKind
from pqdesk.messages.reasons import say_all
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.looking import Looking

AskWorkers = Callable[[WorkspacePaths, str], str | None]  # what keeps a queue's workers from working, if that is known


def why(
    looking: Looking, message_id: int, *, queue: str | None, paths: WorkspacePaths | None, ask_workers: AskWorkers
) -> str:
    """The reasons in words, the most telling first. `paths`: of the workspace, whose workers are asked about.

    Raises:
        NotFound: There is no such message, or it is in another queue.
    """
    return say_all(reasons(looking, message_id, queue=queue, paths=paths, ask_workers=ask_workers))


def reasons(
    looking: Looking,
    message_id: int,
    *,
    queue: str | None = None,
    paths: WorkspacePaths | None,
    ask_workers: AskWorkers,
) -> tuple[Reason, ...]:
    """The same as facts."""
    check_id(message_id)
    found = looking.explain(message_id)
    if queue is not None and found[0].queue != queue:
        raise NotFound(f"message {message_id} is in queue {found[0].queue!r}, not in {queue!r}")

    def with_workers(reason: Reason) -> Reason:
        detail = None if paths is None else ask_workers(paths, reason.queue)
        return reason if detail is None else replace(reason, facts={**reason.facts, "detail": detail})

    return tuple(with_workers(one) if one.kind is ReasonKind.NO_WORKER else one for one in found)
