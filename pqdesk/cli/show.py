"""`show` and `why`: one message whole, with its payload, result and every attempt; and why it is not running now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import visible, visible_json, visible_lines
from pqdesk.cli.options import ID, no_mask
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings
from pqdesk.cli.tables import Cell, Column, print_table, when
from pqdesk.errors import NotFound
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked, masked_text
from pqdesk.messages.plain_json import json_text
from pqdesk.messages.reasons import say
from pqdesk.messages.records import AttemptRecord, MessageDetail
from pqdesk.messages.states import FINAL, AttemptOutcome, State
from pqdesk.queues.explaining import reasons
from pqdesk.services.why import ask_workers

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection

_LINES = 1000  # of each log, of those that are there when it begins to follow
_ATTEMPT_COLUMNS = (
    Column("Attempt", is_number=True), Column("Outcome"), Column("Started"), Column("Ran", is_number=True),
    Column("Worker", is_flexible=True, is_optional=True), Column("Error", is_flexible=True, is_optional=True),
)  # fmt: skip


@command("show", has_json=True)
@click.argument("id", type=ID, metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on with what its workers print for it, until it has ended.")
@no_mask
@pass_inspection
@pass_settings
def show_command(settings: Settings, inspection: Inspection, id: int, follow: bool, is_unmasked: bool) -> None:
    """Show a message whole.

    Payload, headers, result, every attempt and the last error; bytes are shown in hexadecimal.
    """
    detail = inspection.message(id)
    if not is_unmasked:
        detail = _masked(detail)
    if settings.is_json:
        print_json(detail, is_compact=follow)
    else:
        _print_detail(detail)
    if follow:
        _follow(settings, inspection, id)


def _masked(detail: MessageDetail) -> MessageDetail:
    return replace(
        detail,
        headers=masked(detail.headers),
        payload=masked(detail.payload),
        payload_preview=masked_text(detail.payload_preview),
        result=masked(detail.result),
    )


def _follow(settings: Settings, inspection: Inspection, id: int) -> None:
    """What the logs of all workers say about the message, and what comes, until it is in a final state."""
    from pqdesk.cli.logs import Followed, Log, Printer, Wanted, follow_once
    from pqdesk.services.workers import workers_of

    logs = [
        Log(one.process, path, path == one.stderr_log)
        for one in workers_of(settings.paths).status().replicas
        for path in (one.stdout_log, one.stderr_log)
    ]
    if not logs:
        raise NotFound("no worker of this workspace writes a log, so there is nothing to follow")
    if not settings.is_json:
        print("\nlog")
        sys.stdout.flush()
    printer = Printer(is_json=settings.is_json, width=max(len(one.process) for one in logs))
    with ExitStack() as stack:
        followed = [stack.enter_context(closing(Followed(log, _LINES, Wanted(message_id=id)))) for log in logs]
        has_ended = False
        while not has_ended:
            has_ended = inspection.message(id).state in FINAL  # asked first: its last lines are there by then
            follow_once(followed, printer)


def _print_detail(detail: MessageDetail) -> None:
    for name, value in _facts(detail):
        print(f"{name:<13}{visible(value)}")
    for name, header in detail.headers.items():
        print(f"{'header':<13}{visible(name)}={visible(header)}")
    _print_block("payload", detail.payload)
    if detail.state is State.COMPLETED:
        _print_block("result", detail.result)
    if detail.error_text:
        _print_block("error", detail.error_text)
    if detail.attempts:
        print("\nattempts")
        print_table(_ATTEMPT_COLUMNS, [_attempt_row(one) for one in detail.attempts])


def _facts(detail: MessageDetail) -> Iterator[tuple[str, str]]:
    """The one-line facts, those that are not set left out."""
    yield "id", str(detail.id)
    yield "queue", detail.queue
    yield "state", f"{detail.state.word} (in the trash)" if detail.is_trashed else detail.state.word
    yield "attempt", f"{detail.attempt} of {detail.max_attempts}"
    optional = {
        "type": detail.type,
        "priority": str(detail.priority) if detail.priority else None,
        "group": detail.group,
        "key": detail.key,
        "worker": detail.worker,
        "progress": None if detail.progress is None else f"{detail.progress:.0%} {detail.progress_note}".rstrip(),
        "enqueued": when(detail.enqueued_at),
        "due": when(detail.due_at),
        "expires": when(detail.expires_at),
        "key until": when(detail.key_until),
        "started": when(detail.started_at),
        "finished": when(detail.finished_at),
    }
    yield from ((name, value) for name, value in optional.items() if value)


def _print_block(title: str, value: Any) -> None:
    print(f"\n{title} ({_kind(value)})")
    print(_block(value))


def _kind(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    return f"text, {len(value):,} characters" if isinstance(value, str) else "JSON"


def _block(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, str):
        return visible_lines(value)
    return visible_json(json_text(value, indent=2))


def _attempt_row(one: AttemptRecord) -> list[str | Cell]:
    style = "green" if one.outcome is AttemptOutcome.COMPLETED else ""
    ran = ""
    if one.started_at is not None and one.ended_at is not None:
        ran = format_duration((one.ended_at - one.started_at).total_seconds())
    return [
        str(one.attempt),
        Cell(one.outcome.word if one.outcome is not None else "running", style),
        when(one.started_at),
        ran,
        one.worker or "",
        _summary(one.error or ""),
    ]


def _summary(error: str) -> str:
    """The line that says most: of a traceback the last one."""
    lines = [line for line in error.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("Traceback ") else lines[0]


if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection


@command("why", has_json=True)
@click.argument("id", type=ID, metavar="ID")
@pass_inspection
@pass_settings
def why_command(settings: Settings, inspection: Inspection, id: int) -> None:
    """Say why a message is not running now, and what to do.

    Its queue is paused, it is due later, its group is held by another message, a limit is reached, others are before
    it, no worker is there, or its worker crashes; or it is running, done, or in the trash. One line for each reason.
    """
    found = reasons(inspection, id, paths=settings.paths, ask_workers=ask_workers)
    if settings.is_json:
        print_json([{"kind": one.kind, "text": say(one), **one.facts} for one in found])
        return
    for one in found:
        print(visible(say(one)))
