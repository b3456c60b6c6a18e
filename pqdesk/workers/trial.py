"""A worker tried: one message, or one run of a producer, in a workspace of its own that is gone afterwards.

No message of the real workspace is taken and none is put into it: $PQDESK_WORKSPACE is the other one meanwhile. What
the work does elsewhere, it really does.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, TextIO, cast

from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import MessageDetail, Outgoing
from pqdesk.messages.states import State
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths, variable_set
from pqdesk.workers.consumer import ConsumerTarget, check_consumer, run_consumer
from pqdesk.workers.producer import ProducerTarget, try_producer
from pqdesk.workspace import Workspace

PRODUCER_S = 5.0  # for what puts all the time; a file is complete after 2 s
_ATTEMPTS = 5  # with one, a failed attempt and a refused message would look the same
_SHOWN_CHARACTERS = 200
_OF_CONSUMER = ("timeout", "lease")  # the options that matter for one message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it, in one line."""

    is_good: bool
    text: str


@contextmanager
def scratch_workspace() -> Iterator[WorkspacePaths]:
    """A workspace that all in this process and its children take for theirs, until it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="pqdesk-try-") as folder:
        paths = WorkspacePaths(Path(folder) / "workspace")
        with variable_set(WORKSPACE_VARIABLE, str(paths.root)):
            yield paths


def copy_of(detail: MessageDetail) -> Outgoing:
    """A message to try a worker on, like this one."""
    return Outgoing(
        detail.payload,
        type=detail.type,
        priority=detail.priority,
        key=detail.key,
        group=detail.group,
        headers=dict(detail.headers) or None,
    )


def tried_consumer(
    queue: str, target: ConsumerTarget, options: dict[str, Any], message: Outgoing, paths: WorkspacePaths
) -> Verdict:
    """Let `target` work on `message` once."""
    check_consumer(target)
    heard = _Heard()
    chosen = {name: options[name] for name in _OF_CONSUMER if name in options}
    with Workspace(paths.root) as workspace:
        [message_id] = workspace.queue(queue).put_many([replace(message, max_attempts=_ATTEMPTS)])
        run_consumer(
            workspace.queue(queue),
            target,
            max_messages=1,
            quiet=True,
            workspace=paths,
            err=cast(TextIO, heard),
            **chosen,
        )
        detail = workspace.message(message_id)
    ran = _ran(detail)
    if detail.state is State.COMPLETED:
        result = "" if detail.result is None else f"; result: {_shown(detail.result)}"
        return Verdict(True, f"handled{ran}{result}")
    if detail.state is State.FAILED:
        return Verdict(False, f"refused{ran}: {detail.error}")
    if detail.state is State.CANCELLED:
        return Verdict(False, f"cancelled{ran}")
    if detail.error is not None:
        return Verdict(False, f"failed{ran}: {detail.error}")
    return Verdict(False, f"not worked on: {heard.last_line or 'it gave the message back'}")


def tried_producer(queue: str, target: ProducerTarget, options: dict[str, Any], paths: WorkspacePaths) -> Verdict:
    """Let `target` put what it has, and tell what that is."""
    heard = _Heard()
    with Workspace(paths.root) as workspace:
        is_done = try_producer(
            workspace.queue(queue), target, lasting_s=PRODUCER_S, workspace=paths, err=cast(TextIO, heard), **options
        )
        found = [(one.name, sum(astuple(one.counts))) for one in workspace.queues()]
        newest = [one for name, _ in found for one in workspace.queue(name).messages(limit=1)]
    total = sum(count for _, count in found)
    if not total:
        text = f"failed: {heard.first_line}" if heard.first_line else "it puts nothing now"
        return Verdict(is_done and not heard.first_line, text)
    each = ", ".join(f"{count} into {name!r}" for name, count in found if count)
    text = f"it would put {each}; the last one: {_shown(newest[0].payload_preview)}"
    return Verdict(is_done, text if is_done else f"failed: {heard.first_line}; before that {text}")


def _ran(detail: MessageDetail) -> str:
    last = detail.attempts[-1] if detail.attempts else None
    if last is None or last.started_at is None or last.ended_at is None:
        return ""
    return f" after {format_duration((last.ended_at - last.started_at).total_seconds())}"


class _Heard(io.TextIOBase):
    """stderr, with what was said on it."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def write(self, text: str) -> int:
        self._text = (self._text + text)[-4096:]
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    @property
    def first_line(self) -> str:
        return next(iter(self._text.strip().splitlines()), "")

    @property
    def last_line(self) -> str:
        return next(reversed(self._text.strip().splitlines()), "")


def _shown(value: Any) -> str:
    """In one line."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, bytes) else json.dumps(value)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
