"""What `doctor` finds: one line each, with what to do where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `todo` says what to do; empty when all is well."""

    subject: str
    verdict: Verdict
    text: str
    todo: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, "ok", text)


def warning(subject: str, text: str, todo: str = "") -> Finding:
    return Finding(subject, "warning", text, todo)


def problem(subject: str, text: str, todo: str = "") -> Finding:
    return Finding(subject, "problem", text, todo)
