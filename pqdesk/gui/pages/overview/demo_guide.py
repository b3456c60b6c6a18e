"""What the strip on the Overview says while the demo starts, and after. Pure."""

from __future__ import annotations

from pqdesk.messages.records import Counts
from pqdesk.supervision.records import SupervisionStatus, WorkerState


def demo_progress(status: SupervisionStatus | None) -> str | None:
    """`Starting supervisord… started · producer running · consumer starting`; None when all of it runs."""
    if status is None or not status.is_running:
        return "Starting supervisord…"
    if status.replicas and all(one.state is WorkerState.RUNNING for one in status.replicas):
        return None
    words = [f"{one.process} {one.state.word.lower()}" for one in status.replicas]
    return " · ".join(["Starting supervisord… started", *words])


def demo_story(counts: Counts) -> tuple[str, str]:
    """What the demo does, or what to try next, with the text of the button that leads there, if any."""
    if counts.failed:
        return (
            "One message in fifty fails on its first try, on purpose. Open it, see why, and retry it: it completes.",
            "Show failed messages",
        )
    return "The producer puts a message for each file it finds, the consumer counts their lines and hashes them.", ""
