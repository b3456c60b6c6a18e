"""The dialog in which a worker is defined: what it is, how it runs, a try before it counts, the file it becomes."""

from __future__ import annotations

from pqdesk.gui.dialogs.worker.worker_dialog import WorkerDialog

__all__ = ["WorkerDialog"]
