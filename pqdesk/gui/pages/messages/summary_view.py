"""The first tab of the detail pane: what happened to the message, and its fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from pqdesk.clock import local_time
from pqdesk.gui.formatting import format_absolute, format_number, format_size
from pqdesk.gui.pages.messages.timeline import Moment, timeline
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.gui.widgets.labels import ElidedLabel, PlainLabel
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.masking import masked
from pqdesk.messages.records import MessageDetail

_RAIL_PX = 24
_SIDE_BY_SIDE_PX = 640


class TimelineView(QWidget):
    """Moments below each other beside a rail with a dot for each. All of it is labels, so it can be read out."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._moments: tuple[Moment, ...] = ()
        self._lines: list[tuple[ElidedLabel, PlainLabel, ElidedLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(_RAIL_PX, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_moments(self, moments: tuple[Moment, ...]) -> None:
        """Show `moments`, touching only what differs."""
        if moments == self._moments:
            return
        self._moments = moments
        while len(self._lines) < len(moments):
            self._add_line()
        for at, line in enumerate(self._lines):
            for label in line:
                label.setVisible(at < len(moments))
        for (text, when, note), moment in zip(self._lines, moments, strict=False):
            text.setText(moment.text)
            when.setText(_clock_time(moment.at) if moment.at else "")
            when.setToolTip(as_tooltip(format_absolute(moment.at)) if moment.at else "")
            parts = " · ".join(part for part in (moment.gap, moment.note) if part)
            note.setText(parts)
            note.setVisible(bool(parts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middles = [line[0].geometry().center().y() for line, _ in zip(self._lines, self._moments, strict=False)]
        if len(middles) > 1:
            painter.setPen(QPen(self._theme.color(Role.HAIRLINE), 2))
            painter.drawLine(7, middles[0], 7, middles[-1])
        for middle, moment in zip(middles, self._moments, strict=False):
            painter.setPen(QPen(self._theme.color(Role.BASE), 3))
            painter.setBrush(self._theme.color(moment.role))
            painter.drawEllipse(1, middle - 6, 13, 13)
        painter.end()

    def _add_line(self) -> None:
        row = 2 * len(self._lines)
        text, when, note = (
            ElidedLabel("", self),
            PlainLabel("", self, look="muted"),
            ElidedLabel("", self, look="muted"),
        )
        note.setContentsMargins(0, 0, 0, 6)
        self._grid.addWidget(text, row, 0)
        self._grid.addWidget(when, row, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(note, row + 1, 0, 1, 2)
        self._grid.setRowMinimumHeight(row, 22)
        self._lines.append((text, when, note))


class FieldsView(QWidget):
    """Names and values below each other; values can be selected and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, tuple[PlainLabel, PlainLabel]] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)

    def show_fields(self, fields: dict[str, str]) -> None:
        """Show these; one with an empty value is left out."""
        for name, value in fields.items():
            if name not in self._values:
                self._add(name)
            for label in self._values[name]:
                label.setVisible(bool(value))
            if self._values[name][1].text() != value:
                self._values[name][1].setText(value)

    def _add(self, name: str) -> None:
        row = len(self._values)
        label, value = PlainLabel(name, self, look="muted"), PlainLabel("", self)
        value.setWordWrap(True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._values[name] = (label, value)


class SummaryView(QScrollArea):
    """The timeline and the fields, side by side where there is room."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_summary")
        self.setAccessibleName("Summary")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        content.setObjectName("message_summary_content")
        self._timeline = TimelineView(theme, content)
        self._fields = FieldsView(content)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, content)
        self._box.setContentsMargins(16, 12, 16, 12)
        self._box.setSpacing(20)
        for widget in (self._timeline, self._fields):
            holder = QVBoxLayout()
            holder.addWidget(widget)
            holder.addStretch(1)
            self._box.addLayout(holder, 1)
        self.setWidget(content)
        self.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)

    def show_detail(self, detail: MessageDetail, acts: Sequence[ActivityRecord], now: datetime) -> None:
        """Only what differs is touched, so that it can be called as time passes."""
        self._timeline.show_moments(timeline(detail, acts, now))
        self._fields.show_fields(_fields(detail))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self.viewport().width() >= _SIDE_BY_SIDE_PX
        direction = QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        self._box.setDirection(direction)
        self._box.setSpacing(32 if is_wide else 20)


def _fields(detail: MessageDetail) -> dict[str, str]:
    headers = ", ".join(f"{name}: {value}" for name, value in masked(detail.headers).items())
    return {
        "Queue": visible_line(detail.queue),
        "Type": visible_line(detail.type or ""),
        "Attempts": f"{detail.attempt} of {detail.max_attempts}",
        "Worker": visible_line(detail.worker or ""),
        "Priority": format_number(detail.priority) if detail.priority else "",
        "Group": visible_line(detail.group or ""),
        "Key": visible_line(detail.key or ""),
        "Expires": "" if detail.expires_at is None else format_absolute(detail.expires_at),
        "Size": format_size(detail.payload_size),
        "Headers": visible_line(headers),
    }


def _clock_time(at: datetime) -> str:
    """The local time of day with milliseconds; the date is in the tooltip."""
    local = local_time(at)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
