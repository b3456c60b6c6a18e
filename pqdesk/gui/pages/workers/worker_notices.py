"""What the workers page says across its top: supervisord is gone or silent, a queue has no worker. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pqdesk.gui.formatting import format_number
from pqdesk.gui.notices import sentence
from pqdesk.gui.visible_text import visible_line
from pqdesk.services.health import Need
from pqdesk.supervision.records import SupervisionStatus

Remedy = Literal["start_daemon", "restart_daemon", "add", "start", "show", ""]

_TOLD = ("queue", "worker", "folder", "orphan")
_CAN_BE_STARTED = ("not running", "not answering")


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` is a banner's; `remedy` is what its button does, to `subject`."""

    kind: str
    text: str
    button: str = ""
    remedy: Remedy = ""
    subject: str = ""


def daemon_notice(status: SupervisionStatus, silent_s: float | None) -> Notice | None:
    """`silent_s`: for how long supervisord has not answered."""
    if status.problem and silent_s is not None:
        waited = f" ({silent_s:.0f} s)" if silent_s >= 1 else ""
        return Notice("error", f"Waiting for supervisord to answer{waited}: {visible_line(status.problem)}.")
    button = "Start supervisord" if status.state_word in _CAN_BE_STARTED and status.replicas else ""
    remedy: Remedy = "start_daemon" if button else ""
    if status.problem and status.is_running and status.state_word == "running":
        return Notice("error", visible_line(sentence(status.problem)))
    if status.problem:
        return Notice("error", f"Cannot reach supervisord: {visible_line(status.problem)}", button, remedy)
    if status.state_word == "stopping":
        return Notice("info", "supervisord is stopping; it ends the workers first")
    if not status.is_running:
        if not status.replicas:
            return None
        text = "supervisord does not run, so no worker does. Messages wait in their queues."
        return Notice("warning", text, button, remedy)
    if status.is_outdated:
        version = f" (PQDesk {visible_line(status.version)})" if status.version else ""
        text = f"supervisord was started by another version of PQDesk{version}. Restarting it restarts the workers."
        return Notice("info", text, "Restart supervisord", "restart_daemon")
    return None


def need_notice(needs: Sequence[Need], status: SupervisionStatus) -> Notice | None:
    """The first thing that queues and workers need beyond what a row says, with how many more there are."""
    if not (status.is_running or not status.replicas):
        return None  # without supervisord the other notice says it all
    processes = {one.process for one in status.replicas}
    needs = [one for one in needs if one.kind in _TOLD and one.subject not in processes]
    if not needs:
        return None
    first = needs[0]
    more = f" ({format_number(len(needs) - 1)} more)" if len(needs) > 1 else ""
    text = visible_line(sentence(first.sentence)) + more
    if first.kind != "queue":
        return Notice("warning", text, "Show worker", "show", first.worker) if first.worker else Notice("warning", text)
    if not first.worker:
        return Notice("warning", text, "Add worker", "add", first.subject)
    return Notice("warning", text, f"Start {visible_line(first.worker)}", "start", first.worker)
