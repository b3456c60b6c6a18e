"""The status bar: queue file, supervisord, messages in and out per second."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QWidget

from pqdesk.gui.formatting import format_rate
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox
from pqdesk.supervision.records import SupervisionStatus, WorkerState


class StatusLine(QStatusBar):
    """Each part is an icon and words; colour comes third."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status_line")
        self.setSizeGripEnabled(False)
        self._theme = theme
        self._parts: dict[str, tuple[QLabel, PlainLabel]] = {}
        row_widget = QWidget(self)
        row = hbox(on=row_widget, margins=(12, 0, 12, 0), spacing=6)
        for name in ("file", "supervisord"):
            self._add_part(row, row_widget, name)
        row.addStretch(1)
        self._rates = PlainLabel("", row_widget, look="muted", objectName="status_rates", font=theme.font(92))
        row.addWidget(self._rates)
        self.addWidget(row_widget, 1)
        self.show_file(is_readable=True)
        self.show_rates(0, 0)
        self._show("supervisord", "unknown", Role.MUTED, "supervisord …")

    def show_file(self, *, is_readable: bool, is_there: bool = True) -> None:
        if not is_readable:
            self._show("file", "warning", Role.ERROR, "queue file cannot be read")
        elif is_there:
            self._show("file", "completed", Role.HEALTHY, "queue file ok")
        else:
            self._show("file", "file", Role.MUTED, "no queues yet")

    def show_status(self, status: SupervisionStatus) -> None:
        if status.problem:
            self._show("supervisord", "warning", Role.ERROR, f"supervisord {status.state_word}")
        elif not status.is_running:
            self._show("supervisord", "stopped", Role.MUTED, f"supervisord {status.state_word}")
        else:
            counts = Counter(one.state for one in status.replicas)
            words = [f"{count} {state.word.lower()}" for state, count in sorted(counts.items(), key=_order)]
            is_bad = any(state.is_in_trouble for state in counts)
            is_up = counts[WorkerState.RUNNING] or not status.replicas
            well = ("running", Role.HEALTHY) if is_up else ("stopped", Role.MUTED)
            icon, role = ("crash-looping", Role.ERROR) if is_bad else well
            self._show("supervisord", icon, role, f"supervisord {', '.join(words) or 'running, no workers'}")

    def show_rates(self, came: float, went: float) -> None:
        self._rates.setText(f"{format_rate(came)} in/s   ·   {format_rate(went)} out/s")

    def _add_part(self, row: QHBoxLayout, parent: QWidget, name: str) -> None:
        icon, text = QLabel(parent), PlainLabel("", parent, look="muted")
        text.setObjectName(f"status_{name}")
        text.setFont(self._theme.font(92))
        self._parts[name] = (icon, text)
        row.addWidget(icon)
        row.addWidget(text)
        row.addSpacing(14)

    def _show(self, name: str, icon: str, role: Role, text: str) -> None:
        self._parts[name][1].setText(text)
        self._theme.picture(self._parts[name][0], icon, role, 14)


def _order(entry: tuple[WorkerState, int]) -> int:
    return list(WorkerState).index(entry[0]) if entry[0] is not WorkerState.RUNNING else -1
