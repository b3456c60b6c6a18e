"""The rates as an SVG chart: bars per contender, a panel per part. Written by hand, readable on light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tests.benchmarks.machine import Machine
from tests.benchmarks.measures import significant
from tests.benchmarks.results import PartResult, Row

_WIDTH, _MARGIN = 860, 20
_LABEL_WIDTH, _VALUE_WIDTH = 190, 80
_BAR, _GAP, _TITLE, _PANEL_GAP = 16, 6, 30, 18
_STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .head { font-weight: 600; font-size: 15px } .title { font-weight: 600 } .dim { fill: #59636e }
    .value { font-variant-numeric: tabular-nums }
    .ours { fill: #0969da } .other { fill: #afb8c1 } .limit { fill: none; stroke: #59636e; stroke-dasharray: 4 3 }
    .paper { fill: #ffffff }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .dim { fill: #9198a1 } .paper { fill: #0d1117 }
      .ours { fill: #4493f8 } .other { fill: #484f58 } .limit { stroke: #9198a1 }
    }"""


def chart(parts: Sequence[PartResult], machine: Machine) -> str:
    """A whole SVG file; parts without bars are left out."""
    panels = [(part, bars) for part in parts if (bars := _bars(part))]
    height = 2 * _MARGIN + 2 * _TITLE
    body: list[str] = []
    for part, bars in panels:
        body += _panel(part, bars, height)
        height += _TITLE + len(bars) * (_BAR + _GAP) + _PANEL_GAP
    how = (
        f"{machine.date} · {machine.processor}, {machine.cores} cores · {machine.file_system} · "
        f"one flush {machine.flush.p50_us:.0f} µs"
    )
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    title = "Messages per second, durable unless it says relaxed; longer is better"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="head">',
        f"  <style>{_STYLE}\n  </style>",
        f'  <rect class="paper" width="{_WIDTH}" height="{height}"/>',
        f'  <text id="head" class="head" x="{_MARGIN}" y="{_MARGIN + 15}">{title}</text>',
        f'  <text class="dim" x="{_MARGIN}" y="{_MARGIN + 36}">{escape(how)}</text>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bars(part: PartResult) -> list[tuple[Row, float]]:
    if part.bars is None:
        return []
    rows = [(row, row.cells.get(part.bars)) for row in part.rows]
    return [(row, value) for row, value in rows if isinstance(value, float) and value > 0]


def _panel(part: PartResult, bars: list[tuple[Row, float]], top: int) -> Iterator[str]:
    """The limit may be ten times the longest bar: then it is cut, and its value tells."""
    yield f'  <text class="title" x="{_MARGIN}" y="{top + 14}">{escape(part.title)}</text>'
    room = _WIDTH - 2 * _MARGIN - _LABEL_WIDTH - _VALUE_WIDTH
    longest = max((value for row, value in bars if not _is_limit(row)), default=max(value for _, value in bars))
    for number, (row, value) in enumerate(bars):
        y = top + _TITLE + number * (_BAR + _GAP) - 6
        width = max(1.0, min(1.0, value / longest) * room)
        more = " →" if value > longest else ""
        kind = "limit" if _is_limit(row) else "ours" if row.who.startswith("PQDesk") else "other"
        x = _MARGIN + _LABEL_WIDTH
        yield f'  <text x="{x - 8}" y="{y + 13}" text-anchor="end">{escape(row.who)}</text>'
        yield f'  <rect class="{kind}" x="{x}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
        yield f'  <text class="value" x="{x + width + 6:.1f}" y="{y + 13}">{significant(value)}{more}</text>'


def _is_limit(row: Row) -> bool:
    return row.who.startswith("bare")
