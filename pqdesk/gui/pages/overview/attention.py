"""What needs a person, as lines of the Overview: an icon and a way out for each of the needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pqdesk.gui.visible_text import visible_line
from pqdesk.services.health import Health, Need


class Remedy(Enum):
    """What the button of an item does; the value is the button's text."""

    SHOW_LOG = "Show log"
    SHOW_FAILED = "Show messages"
    SHOW_WORKERS = "Show workers"
    START_ALL = "Start workers"
    START_WORKER = "Start worker"
    RESUME = "Resume queue"


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One line of the list. `subject` is the worker or queue concerned, else empty. Icon names as in resources."""

    key: str
    icon: str
    severity: int  # 0 is worst
    text: str
    detail: str
    remedy: Remedy | None
    subject: str = ""


_ICONS = {"queue": "stopped", "failed": "failed", "paused": "paused", "schedule": "scheduled"}
_REMEDIES = {
    "supervisord": Remedy.START_ALL,
    "orphan": Remedy.SHOW_WORKERS,
    "worker": Remedy.SHOW_LOG,
    "folder": Remedy.SHOW_WORKERS,
    "failed": Remedy.SHOW_FAILED,
    "paused": Remedy.RESUME,
}


def attention_items(health: Health) -> tuple[AttentionItem, ...]:
    """Worst first."""
    return tuple(map(_item, health.needs))


def _item(need: Need) -> AttentionItem:
    remedy = _REMEDIES.get(need.kind)
    if need.kind == "queue":
        remedy = Remedy.START_WORKER if need.worker else Remedy.SHOW_WORKERS
    subject = need.subject if remedy in (Remedy.SHOW_FAILED, Remedy.RESUME) else need.worker
    detail = need.detail or ("" if remedy is not None else need.todo)
    return AttentionItem(
        key=f"{need.kind} {need.subject}",
        icon=_icon(need),
        severity=need.severity,
        text=visible_line(need.text),
        detail=visible_line(detail),
        remedy=remedy,
        subject=subject,
    )


def _icon(need: Need) -> str:
    if need.kind == "worker":
        return "crash-looping" if need.severity == 0 else "retrying"
    if need.kind == "supervisord":
        return "warning" if need.severity == 0 else "stopped"
    return _ICONS.get(need.kind, "warning")
