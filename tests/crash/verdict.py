"""What a campaign comes to: everything drained, and what the processes said held against what is in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pqdesk import Workspace
from tests.crash import children
from tests.crash.checker import FinalMessage, violations
from tests.crash.history import read_histories
from tests.crash.processes import Processes

_DRAIN_S = 60.0


def broken_promises(processes: Processes) -> list[str]:
    """Drain the workspace; one sentence for each promise that its messages or the processes broke."""
    processes.run_to_its_end(children.drain, _DRAIN_S)
    final = _final_messages(processes.workspace)
    told = read_histories(processes.histories)
    return [*processes.failures, *violations(told, final), *_wrong_counts(processes.workspace, final)]


def tell(sentences: list[str], what: str) -> int:
    """Print some of what was found; the exit status."""
    for sentence in sentences[:50]:
        print(sentence)
    print(f"{len(sentences)} {what}")
    return 1 if sentences else 0


def happened(histories: list[Path]) -> Counter[str]:
    """What the processes said, how often."""
    return Counter(processes=len(histories)) + Counter(event.what for event in read_histories(histories))


def summary(counts: Counter[str]) -> str:
    """Of what `happened` returned, of one or several added up."""
    words = ("putting", "put", "got", "acking", "acked", "returned", "refused")
    return f"{counts['processes']} processes: " + ", ".join(f"{counts[word]} {word}" for word in words)


def _final_messages(path: Path) -> dict[int, FinalMessage]:
    """All messages of the workspace, page by page."""
    final: dict[int, FinalMessage] = {}
    before: int | None = None
    with Workspace(path) as workspace:
        while page := workspace.messages(children.QUEUE, before=before, limit=1000):
            for record in page:
                # A put has a payload of fewer characters than a preview, so the preview is all of it.
                token = record.payload_preview.split('"')[3]
                final[record.id] = FinalMessage(record.state.word, token)
            before = page[-1].id
    return final


def _wrong_counts(path: Path, final: dict[int, FinalMessage]) -> Iterator[str]:
    """Where the queue's counters do not say what is there."""
    there = Counter(message.state for message in final.values())
    with Workspace(path) as workspace:
        told = asdict(workspace.counts(children.QUEUE))
    for state, count in told.items():
        if count != there[state]:
            yield f"the counter of {state} says {count}, and there are {there[state]}"
