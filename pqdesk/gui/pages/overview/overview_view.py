"""The Overview: a tile per state, throughput, what needs attention, workers, queues."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from pqdesk.gui.formatting import format_rate
from pqdesk.gui.pages.overview.attention_list import AttentionList
from pqdesk.gui.pages.overview.queue_actions import QueueActions
from pqdesk.gui.pages.overview.queues_table import QueuesTable
from pqdesk.gui.pages.overview.workers_strip import WorkersStrip
from pqdesk.gui.palette import Role
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.card import Card
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.gui.widgets.sparkline import RateChart
from pqdesk.gui.widgets.tile import StateTile
from pqdesk.messages.records import Counts
from pqdesk.messages.states import State
from pqdesk.services.rates import BIN_S, BINS

TILES = (
    State.READY,
    State.RUNNING,
    State.RETRYING,
    State.SCHEDULED,
    State.FAILED,
    State.COMPLETED,
    State.CANCELLED,
)
_BINS_AT_FIRST = 30  # one minute, while there is no more to show
_MARGIN = 16
_GAP = 12


class OverviewView(QScrollArea):
    """Shows what the controller hands to it.

    Signals:
        state_chosen: The State whose messages are asked for.
    """

    state_chosen = Signal(object)

    def __init__(self, of_queue: QueueActions, actions: ActionSet, theme: Theme) -> None:
        """`of_queue` is what can be done to the chosen queue, `actions` what to the workspace."""
        super().__init__()
        self.setObjectName("overview")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._theme = theme
        content = QWidget(self)
        content.setObjectName("overview_content")
        self.strip_place = QVBoxLayout()
        self.attention = AttentionList(theme, content)
        self.workers = WorkersStrip(theme, content)
        self.queues = QueuesTable(of_queue, theme, content)
        self.start_all = actions.button("start_all", content, has_icon=False)
        self.stop_all = actions.button("stop_all", content, has_icon=False)
        self._test = actions.button("test_message", content, has_icon=False)
        self._chart = RateChart(theme, "throughput_chart", content)
        self._came, self._went = PlainLabel("", content), PlainLabel("", content)
        self._tiles = {state: StateTile(state, theme, content) for state in TILES}
        for tile in self._tiles.values():
            tile.clicked.connect(lambda _checked=False, tile=tile: self.state_chosen.emit(tile.state))
        vbox(
            self.strip_place,
            self._tile_row(),
            (self._cards(content), 1),
            on=content,
            margins=(_MARGIN, _MARGIN, _MARGIN, _MARGIN),
            spacing=_GAP,
        )
        self.setWidget(content)

    def show_counts(self, counts: Counts) -> None:
        for state, tile in self._tiles.items():
            tile.set_count(counts.of(state))
        self._empty.setVisible(not counts.total)
        self.queues.setVisible(bool(counts.total))

    def show_rates(self, came: list[float], went: list[float], average: tuple[float, float]) -> None:
        """Series oldest first, and the averages of the last seconds."""
        bins = BINS if len(came) > _BINS_AT_FIRST else _BINS_AT_FIRST
        self._chart.set_series(((came, Role.ACCENT), (went, Role.HEALTHY)), bins, int(bins * BIN_S))
        self._came.setText(f"In {format_rate(average[0])}/s")
        self._went.setText(f"Out {format_rate(average[1])}/s")

    def _tile_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(_GAP)
        for tile in self._tiles.values():
            row.addWidget(tile, 1)
        return row

    def _cards(self, content: QWidget) -> QGridLayout:
        throughput = Card("Throughput", self._theme, "throughput", content)
        throughput.header.add(self._legend(throughput))
        throughput.body.addWidget(self._chart)
        attention = Card("Needs attention", self._theme, "needs_attention", content)
        attention.body.addWidget(self.attention)
        attention.body.addStretch(1)
        workers = Card("Workers", self._theme, "workers_card", content)
        workers.header.add(self.start_all)
        workers.header.add(self.stop_all)
        workers.body.addWidget(self.workers)
        workers.body.addStretch(1)
        queues = Card("Queues", self._theme, "queues_card", content)
        queues.body.addWidget(self.queues)
        queues.body.addWidget(self._no_messages(queues))
        queues.body.addStretch(1)
        grid = QGridLayout()
        grid.setSpacing(_GAP)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 2)
        grid.addWidget(throughput, 0, 0)
        grid.addWidget(attention, 0, 1)
        grid.addWidget(queues, 1, 0)
        grid.addWidget(workers, 1, 1)
        for card in (throughput, attention, workers, queues):
            card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        return grid

    def _legend(self, parent: QWidget) -> QWidget:
        legend = QWidget(parent)
        row = hbox(on=legend, spacing=4)
        for role, label in ((Role.ACCENT, self._came), (Role.HEALTHY, self._went)):
            mark = QLabel(legend)
            self._theme.picture(mark, "live", role)
            row.addSpacing(12)
            row.addWidget(mark)
            row.addWidget(label)
        return legend

    def _no_messages(self, parent: QWidget) -> QWidget:
        self._empty = QWidget(parent)
        hbox((PlainLabel("There are no messages yet.", self._empty, look="muted"), 1), self._test, on=self._empty)
        return self._empty
