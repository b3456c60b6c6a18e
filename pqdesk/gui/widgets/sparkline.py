"""A small chart of two rates over the last minutes, drawn with QPainter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from pqdesk.gui.formatting import format_rate
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme

_AXIS_PX = 44
_FOOT_PX = 20
_AT_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class RateChart(QWidget):
    """In and out per second, oldest at the left; the right edge is now."""

    def __init__(self, theme: Theme, object_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self._theme = theme
        self._series: tuple[tuple[Sequence[float], Role], ...] = ()
        self._span_s = 0
        self._capacity = 2
        self.setMinimumHeight(110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(480, 140)

    def set_series(self, series: tuple[tuple[Sequence[float], Role], ...], capacity: int, span_s: int) -> None:
        """`series` of values with their colours; `capacity` values span the whole width, which is `span_s` seconds."""
        self._series, self._capacity, self._span_s = series, max(capacity, 2), span_s
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font(88))
        area = QRectF(_AXIS_PX, 8, self.width() - _AXIS_PX - 4, self.height() - _FOOT_PX - 10)
        top = nice_top(max((max(values, default=0) for values, _ in self._series), default=0))
        self._draw_axes(painter, area, top)
        for values, role in self._series:
            if len(values) >= 2:
                self._draw_line(painter, area, top, values, self._theme.color(role))
        painter.end()

    def _draw_axes(self, painter: QPainter, area: QRectF, top: float) -> None:
        muted, line = self._theme.color(Role.MUTED), QPen(self._theme.color(Role.HAIRLINE), 1)
        for share in (0.0, 0.5, 1.0):
            y = round(area.bottom() - share * area.height()) + 0.5
            painter.setPen(line)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(muted)
            label = QRectF(0, y - 10, _AXIS_PX - 8, 20)
            painter.drawText(label, _AT_RIGHT, _axis_text(top * share))
        foot = QRectF(area.left(), area.bottom() + 4, area.width(), _FOOT_PX)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, f"{self._span_s // 60} min ago")
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, "now")

    def _draw_line(self, painter: QPainter, area: QRectF, top: float, values: Sequence[float], color: QColor) -> None:
        step = area.width() / (self._capacity - 1)
        first = area.right() - step * (len(values) - 1)
        points = [
            QPointF(first + at * step, area.bottom() - min(value / top, 1) * area.height())
            for at, value in enumerate(values)
        ]
        under = QPainterPath(QPointF(points[0].x(), area.bottom()))
        for point in points:
            under.lineTo(point)
        under.lineTo(points[-1].x(), area.bottom())
        fill = QColor(color)
        fill.setAlphaF(0.10)
        painter.fillPath(under, fill)
        painter.setPen(QPen(color, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(QPolygonF(points))


def _axis_text(value: float) -> str:
    return f"{value:g}" if value < 10_000 else format_rate(value)


def nice_top(highest: float) -> float:
    """The end of the axis: the next of 2, 4, 6, 8, 10, 20, 40 … that is not below `highest`; halves are round too."""
    scale = 1.0
    while scale * 10 < highest:
        scale *= 10
    return next(scale * step for step in (2, 4, 6, 8, 10) if scale * step >= highest)
