"""What the workers page says across its top: supervisord is gone or silent, a queue has no worker. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pqdesk.gui.formatting import format_count
from pqdesk.gui.notices import sentence
from pqdesk.gui.pages.workers.selected_workers import TROUBLED
from pqdesk.gui.visible_text import visible_line
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus
from pqdesk.supervision.trouble import Alarm

Remedy = Literal["start_daemon", "restart_daemon", "add", "start", "show", ""]

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


def alarm_notice(alarms: Sequence[Alarm], status: SupervisionStatus) -> Notice | None:
    """The first alarm, with how many more there are."""
    if not (status.is_running or not status.replicas):
        return None  # without supervisord the other notice says it all
    alarms = [one for one in alarms if not _is_told_otherwise(one, status.replicas)]
    if not alarms:
        return None
    first = alarms[0]
    more = f" ({format_count(len(alarms) - 1, 'more alarm')})" if len(alarms) > 1 else ""
    text = visible_line(sentence(first.text)) + more
    if first.kind != "no worker":
        return Notice("warning", text, "Show worker", "show", first.subject)
    worker = _consumer_of(first.subject, status.replicas)
    if worker is None:
        return Notice("warning", text, "Add worker", "add", first.subject)
    return Notice("warning", text, f"Start {visible_line(worker)}", "start", worker)


def _consumer_of(queue: str, replicas: Sequence[ReplicaRecord]) -> str | None:
    return next((one.worker for one in replicas if one.kind == "consumer" and queue in one.queues), None)


def _is_told_otherwise(alarm: Alarm, replicas: Sequence[ReplicaRecord]) -> bool:
    """Its worker crash-loops: the row says so, and starting it would not help."""
    consumers = [one for one in replicas if one.kind == "consumer" and alarm.subject in one.queues]
    return alarm.kind == "no worker" and any(one.state in TROUBLED for one in consumers)
