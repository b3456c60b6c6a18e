"""The colours: one table of roles, light and dark, and Qt's palette made of it.

Each text colour has at least 4.5:1 on base, window, alternate rows and the selection, borders and icons 3:1;
tests/gui/test_palette.py computes it.
"""

from __future__ import annotations

from enum import Enum

from PySide6.QtGui import QColor, QPalette

from pqdesk.messages.states import State
from pqdesk.supervision.records import WorkerState


class Role(Enum):
    """What a colour is for: light, dark."""

    BASE = ("#FFFFFF", "#1B1D21")
    WINDOW = ("#F6F7F9", "#24272C")
    ALTERNATE = ("#F3F4F6", "#202328")
    SELECTION = ("#DCE8FF", "#1F3A66")
    HAIRLINE = ("#DFE2E7", "#363A41")  # between panes and around cards; carries no meaning
    HOVER = ("#EAEDF2", "#2E3239")
    TEXT = ("#1A1D21", "#E8EAED")
    MUTED = ("#565E6B", "#A9B1BD")
    ACCENT = ("#1D5FBF", "#7FB2FF")  # Ready, links, focus, the primary button
    ON_ACCENT = ("#FFFFFF", "#12161C")
    SCHEDULED = ("#5B4BB7", "#B3A6FF")
    RUNNING = ("#006880", "#5CCFE6")
    WARNING = ("#855600", "#F2B84B")  # Retrying, Backing off, stalled
    HEALTHY = ("#1B7038", "#6FD08C")  # Completed, a worker that runs
    ERROR = ("#B3261E", "#FF9C93")  # Failed, Crash-looping
    PAUSED = ("#7A4A1E", "#E0A878")
    INPUT_BORDER = ("#7C8594", "#7A8391")

    @property
    def light(self) -> str:
        return self.value[0]

    @property
    def dark(self) -> str:
        return self.value[1]


# state → (icon, role of its colour); the word shown is State.word, capitalized
STATE_LOOKS: dict[State, tuple[str, Role]] = {
    State.SCHEDULED: ("scheduled", Role.SCHEDULED),
    State.READY: ("ready", Role.ACCENT),
    State.RUNNING: ("running", Role.RUNNING),
    State.RETRYING: ("retrying", Role.WARNING),
    State.COMPLETED: ("completed", Role.HEALTHY),
    State.FAILED: ("failed", Role.ERROR),
    State.CANCELLED: ("cancelled", Role.MUTED),
}

WORKER_LOOKS: dict[WorkerState, tuple[str, Role]] = {
    WorkerState.STOPPED: ("stopped", Role.MUTED),
    WorkerState.STARTING: ("starting", Role.ACCENT),
    WorkerState.RUNNING: ("running", Role.HEALTHY),
    WorkerState.STOPPING: ("stopping", Role.WARNING),
    WorkerState.EXITED: ("exited", Role.MUTED),
    WorkerState.BACKING_OFF: ("retrying", Role.WARNING),
    WorkerState.CRASH_LOOPING: ("crash-looping", Role.ERROR),
    WorkerState.FAILED_TO_START: ("failed", Role.ERROR),
    WorkerState.UNKNOWN: ("unknown", Role.MUTED),
}


def make_palette(*, is_dark: bool) -> QPalette:
    """Fusion's palette in the roles of the table above."""

    def color(role: Role) -> QColor:
        return QColor(role.dark if is_dark else role.light)

    group = QPalette.ColorRole
    palette = QPalette()
    for target, role in {
        group.Window: Role.WINDOW,
        group.WindowText: Role.TEXT,
        group.Base: Role.BASE,
        group.AlternateBase: Role.ALTERNATE,
        group.Text: Role.TEXT,
        group.Button: Role.WINDOW,
        group.ButtonText: Role.TEXT,
        group.BrightText: Role.ERROR,
        group.Highlight: Role.SELECTION,
        group.HighlightedText: Role.TEXT,
        group.Link: Role.ACCENT,
        group.LinkVisited: Role.ACCENT,
        group.ToolTipBase: Role.BASE,
        group.ToolTipText: Role.TEXT,
        group.PlaceholderText: Role.MUTED,
        group.Accent: Role.ACCENT,
        group.Light: Role.BASE,
        group.Midlight: Role.HOVER,
        group.Mid: Role.HAIRLINE,
        group.Dark: Role.INPUT_BORDER,
        group.Shadow: Role.HAIRLINE,
    }.items():
        palette.setColor(target, color(role))
    for target in (group.WindowText, group.Text, group.ButtonText, group.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, color(Role.INPUT_BORDER))
    palette.setColor(QPalette.ColorGroup.Disabled, group.Highlight, color(Role.HOVER))
    return palette
