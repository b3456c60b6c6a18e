"""Why a worker does not stay up, in words: it is the workers' own; here for those who looked for it on the page."""

from __future__ import annotations

from pqdesk.supervision.likely_cause import likely_cause

__all__ = ["likely_cause"]
