"""How lines of a log look: colours, fonts, the columns before the text; draws the few lines that can be seen.

Each line that is seen is laid out once, with its colours; that is kept until it is out of sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextLine,
    QTextOption,
)

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import shorten_middle
from pqdesk.gui.widgets.ansi import parse_ansi
from pqdesk.gui.widgets.astral import code_points, units
from pqdesk.gui.widgets.log.lines import TAB_CELLS, LogLine, is_plain

MARGIN_PX = 14
_BAR_PX = 3
_RING_PX = 2
_ROW_GAP_PX = 2
_LAYOUTS_KEPT = 400
LONG_LINE = 512  # characters; of what is longer, only what is in sight is laid out
_STEP = 64  # characters, so that scrolling to the side finds most of it laid out
_LONGEST_PREFIX = 28
_TIME_FORMAT = "%H:%M:%S"
_TIME_CELLS = 8
_HIT_ALPHA = 0.30
_STREAMS = ("out", "err")


@dataclass(frozen=True, slots=True)
class LogColumns:
    """What stands before the text of each line."""

    has_time: bool = False
    has_source: bool = False
    prefix_cells: int = 0

    def head(self, line: LogLine) -> str:
        """Time, name and stream of a line, as they are shown before it."""
        parts = []
        if self.has_time:
            parts.append(line.read_at.strftime(_TIME_FORMAT) if line.read_at is not None else " " * _TIME_CELLS)
        if line.prefix:
            parts.append(shorten_middle(line.prefix, _LONGEST_PREFIX))
        if self.has_source:
            parts.append(_STREAMS[line.is_error])
        return "".join(f"{part}  " for part in parts)

    @property
    def cells(self) -> int:
        name = min(self.prefix_cells, _LONGEST_PREFIX)
        return sum(cells + 2 for cells in (_TIME_CELLS * self.has_time, name, 3 * self.has_source) if cells)


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a line with a background; `end` beyond the line marks its line end too. `ink` is of the text."""

    start: int
    end: int
    role: Role
    alpha: float = 1.0
    ink: Role | None = None


def hit_mark(start: int, end: int, *, is_current: bool) -> Mark:
    """The one that Find stands on is turned round, so that it is seen among the others."""
    return Mark(start, end, Role.WARNING, ink=Role.BASE) if is_current else Mark(start, end, Role.WARNING, _HIT_ALPHA)


class LogPainter:
    """Draws rows and finds places in them. Everything in logical pixels of the viewport."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self.columns = LogColumns()
        self._layouts: dict[tuple[int, int, int], QTextLayout] = {}
        self.take_looks()

    def take_looks(self) -> None:
        """Colours and fonts anew."""
        self._font = self._theme.fixed_font()
        self._bold = QFont(self._font)
        self._bold.setBold(True)
        metrics = QFontMetricsF(self._font)
        self.cell_px = metrics.horizontalAdvance("0")
        self.row_px = ceil(metrics.height()) + _ROW_GAP_PX
        self._ascent_px = metrics.ascent() + _ROW_GAP_PX / 2
        self._option = QTextOption()
        self._option.setWrapMode(QTextOption.WrapMode.NoWrap)
        self._option.setTabStopDistance(TAB_CELLS * self.cell_px)
        self._formats: dict[tuple[Role | None, bool], QTextCharFormat] = {}
        self.forget()

    def forget(self) -> None:
        """Rows are other ones now."""
        self._layouts.clear()

    @property
    def body_px(self) -> float:
        """Where the text begins, when it is not scrolled to the side."""
        return MARGIN_PX + self.columns.cells * self.cell_px

    # --- drawing ----------------------------------------------------------------------------------

    def fill(self, painter: QPainter, rect: QRectF, role: Role = Role.BASE) -> None:
        painter.fillRect(rect, self._theme.color(role))

    def draw_focus(self, painter: QPainter, rect: QRectF) -> None:
        """The ring of what has the keyboard."""
        inset = _RING_PX / 2
        painter.setPen(QPen(self._theme.color(Role.ACCENT), _RING_PX))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(inset, inset, -inset, -inset))

    def draw_bars(self, painter: QPainter, top: float, line: LogLine, *, has_keyboard: bool) -> None:
        """At the left edge: where the keyboard is, and whose line it is."""
        if has_keyboard:
            painter.fillRect(QRectF(0, top, _BAR_PX, self.row_px), self._theme.color(Role.ACCENT))
        if line.prefix or line.is_error:
            role = line.role if line.prefix else Role.ERROR
            painter.fillRect(QRectF(_BAR_PX + 2, top, _BAR_PX, self.row_px), self._theme.color(role))

    def draw_head(self, painter: QPainter, top: float, line: LogLine) -> None:
        """The columns before the text."""
        at, baseline = float(MARGIN_PX), top + self._ascent_px
        if self.columns.has_time:
            if line.read_at is not None:
                self._draw(painter, at, baseline, line.read_at.strftime(_TIME_FORMAT), Role.MUTED)
            at += (_TIME_CELLS + 2) * self.cell_px
        if self.columns.prefix_cells:
            role = Role.ERROR if line.is_error else line.role
            self._draw(painter, at, baseline, shorten_middle(line.prefix, _LONGEST_PREFIX), role, is_bold=True)
            at += (min(self.columns.prefix_cells, _LONGEST_PREFIX) + 2) * self.cell_px
        if self.columns.has_source:
            self._draw(painter, at, baseline, _STREAMS[line.is_error], Role.ERROR if line.is_error else Role.MUTED)

    def draw_row(
        self,
        painter: QPainter,
        place: QPointF,
        number: int,
        line: LogLine,
        span: tuple[int, int],
        marks: Sequence[Mark],
    ) -> None:
        """The characters `span` of the line with their marks."""
        layout = self._layout(number, line, span)
        text, ranges = layout.text(), []
        for mark in marks:
            start, end = max(mark.start - span[0], 0), min(mark.end - span[0], len(text))
            color = self._theme.color(mark.role)
            color.setAlphaF(mark.alpha)
            if end > start:
                ink = None if mark.ink is None else self._theme.color(mark.ink)
                ranges.append(_range(text, start, end - start, _with_background(color, ink)))
            if mark.end - span[0] > len(text):  # the line end is in it
                width = layout.lineAt(0).naturalTextWidth()
                painter.fillRect(QRectF(place.x() + width, place.y(), self.cell_px, self.row_px), color)
        painter.setPen(self._theme.color(Role.TEXT))
        layout.draw(painter, place, ranges)

    def seen_span(self, text: str, left: float, width: float) -> tuple[int, int]:
        """What of a long line is in sight, a little more: laying out all of it takes a millisecond."""
        start, end = (int(x / self.cell_px) // _STEP for x in (left, left + width))
        if not is_plain(text):
            start = 0  # how wide what comes before is only the font knows
        return min(start * _STEP, len(text)), min((end + 2) * _STEP, len(text))

    def column_at(self, x: float, number: int, line: LogLine, span: tuple[int, int]) -> int:
        """The place between characters of the line that is nearest to `x`, from the beginning of the text on."""
        if span[1] - span[0] > LONG_LINE and is_plain(line.plain):
            return span[0] + min(max(0, round(x / self.cell_px)), span[1] - span[0])
        layout = self._layout(number, line, span)
        unit = layout.lineAt(0).xToCursor(x, QTextLine.CursorPosition.CursorBetweenCharacters)
        return span[0] + code_points(layout.text(), unit)

    # --- laying out -------------------------------------------------------------------------------

    def _layout(self, number: int, line: LogLine, span: tuple[int, int]) -> QTextLayout:
        key = (number, *span)
        found = self._layouts.get(key)
        if found is None:
            if len(self._layouts) >= _LAYOUTS_KEPT:
                self._layouts.clear()
            found = self._layouts[key] = self._laid_out(line, span)
        return found

    def _laid_out(self, line: LogLine, span: tuple[int, int]) -> QTextLayout:
        plain, stretches = parse_ansi(line.text)
        text = plain[span[0] : span[1]]
        layout = QTextLayout(text, self._font)
        layout.setCacheEnabled(True)
        layout.setTextOption(self._option)
        ranges = []
        for one in stretches:
            start, end = max(one.start - span[0], 0), min(one.start + one.length - span[0], len(text))
            if end > start:
                ranges.append(_range(text, start, end - start, self._format(one.role, one.is_bold)))
        if ranges:
            layout.setFormats(ranges)
        layout.beginLayout()
        row = layout.createLine()
        row.setLineWidth(1e6)
        row.setPosition(QPointF(0, self._ascent_px - row.ascent()))  # a taller font in it does not move the baseline
        layout.endLayout()
        return layout

    def _format(self, role: Role | None, is_bold: bool) -> QTextCharFormat:
        found = self._formats.get((role, is_bold))
        if found is None:
            found = self._formats[role, is_bold] = QTextCharFormat()
            if role is not None:
                found.setForeground(self._theme.color(role))
            if is_bold:
                found.setFontWeight(QFont.Weight.Bold)
        return found

    def _draw(
        self, painter: QPainter, x: float, baseline: float, text: str, role: Role, *, is_bold: bool = False
    ) -> None:
        painter.setFont(self._bold if is_bold else self._font)
        painter.setPen(self._theme.color(role))
        painter.drawText(QPointF(x, baseline), text)


def _range(text: str, start: int, length: int, text_format: QTextCharFormat) -> QTextLayout.FormatRange:
    one = QTextLayout.FormatRange()
    one.start = units(text, start)
    one.length = units(text, start + length) - one.start
    one.format = text_format
    return one


def _with_background(color: QColor, ink: QColor | None) -> QTextCharFormat:
    text_format = QTextCharFormat()
    text_format.setBackground(color)
    if ink is not None:
        text_format.setForeground(ink)
    return text_format
