"""Decides what the workers page shows: passes orders to supervisord's link, and its answers to the view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.gui.pages.workers.trouble_panel import LAST_LINES
from pqdesk.gui.pages.workers.worker_actions import AT_REST, AT_WORK, TROUBLED
from pqdesk.gui.pages.workers.workers_model import WorkersModel
from pqdesk.gui.pages.workers.workers_view import STREAMS, WorkersView
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.log_buffer import LogBuffer
from pqdesk.gui.widgets.log_text import LogLine
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState

_WHO = "workers page"
_TICK_MS = 1_000
_CAN_BE_STARTED = ("not running", "not answering")


class WorkersController(QObject):
    """Joins the view, the model, supervisord's link and the log reader.

    Signals:
        start_asked, stop_asked, restart_asked: The name of a process, or `all`.
        daemon_asked: supervisord shall be started.
        follow_asked: For the log reader: who asks, and the paths.
    """

    start_asked = Signal(str)
    stop_asked = Signal(str)
    restart_asked = Signal(str)
    daemon_asked = Signal()
    follow_asked = Signal(str, object)
    poll_asked = Signal()

    def __init__(self, view: WorkersView, model: WorkersModel, link: SupervisorLink, clock: Clock) -> None:
        super().__init__(view)
        self._view, self._model, self._clock = view, model, clock
        self._buffer = LogBuffer()
        self._status: SupervisionStatus | None = None
        self._shown: ReplicaRecord | None = None
        self._followed: tuple[Path, ...] = ()
        self._wanted: str | None = None  # selected as soon as it is there
        self._stopping_since_ms: dict[str, int] = {}
        self._is_live = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_tick)
        self._connect_view()
        link.status_changed.connect(self._on_status_changed)
        link.logs.tail_read.connect(self._on_tail_read)
        link.logs.lines_read.connect(self._on_lines_read)
        link.logs.failed.connect(self._on_log_failed)
        self.start_asked.connect(link.start)
        self.stop_asked.connect(link.stop)
        self.restart_asked.connect(link.restart)
        self.daemon_asked.connect(link.start_daemon)
        self.poll_asked.connect(link.poll)
        self.follow_asked.connect(link.logs.follow)

    def _connect_view(self) -> None:
        view = self._view
        view.table.selectionModel().selectionChanged.connect(lambda *_: self._on_selection_changed())
        view.actions_on_workers.asked.connect(self._on_asked)
        view.start_all.clicked.connect(lambda: self.start_asked.emit("all"))
        view.stop_all.clicked.connect(lambda: self.stop_asked.emit("all"))
        view.banner.pressed.connect(self.daemon_asked)
        view.trouble.stop_asked.connect(self.stop_asked)
        view.trouble.errors_asked.connect(lambda: view.stream.setCurrentText(STREAMS[1]))
        view.stream.currentIndexChanged.connect(lambda _: self._show_log())
        view.log.cleared.connect(self._on_cleared)

    def set_live(self, is_live: bool) -> None:
        """Ask for everything anew when it becomes live."""
        if is_live and not self._is_live:
            self.poll_asked.emit()
            self._timer.start(_TICK_MS)
        self._is_live = is_live
        if not is_live:
            self._timer.stop()
        self._follow()

    def show_worker(self, name: str) -> None:
        """Select the process, or the first of the worker, called so."""
        self._wanted = name
        self._select_wanted()

    # --- what supervisord says --------------------------------------------------------------------

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        self._model.merge(status.replicas)
        self._note_stopping(status.replicas)
        self._select_wanted()
        self._on_selection_changed()
        self._update_banner(status)
        self._update_all_buttons(status.replicas)
        if status.replicas:
            self._view.empty.hide()
        else:
            self._view.empty.show_text(
                "No workers defined",
                "Each file supervisor/workers/NAME.conf of this workspace is a worker.",
                icon="workers",
            )

    def _update_banner(self, status: SupervisionStatus) -> None:
        if status.is_running and not status.problem:
            self._view.banner.hide()
            return
        button = "Start supervisord" if status.state_word in _CAN_BE_STARTED and status.replicas else ""
        if status.problem:
            self._view.banner.show_text("error", f"Cannot reach supervisord: {status.problem}", button)
        elif status.state_word == "stopping":
            self._view.banner.show_text("info", "supervisord is stopping; it ends the workers first")
        else:
            text = "supervisord does not run, so no worker does. Messages wait in their queues."
            self._view.banner.show_text("warning", text, button)

    def _update_all_buttons(self, replicas: Sequence[ReplicaRecord]) -> None:
        can_start = any(one.state in AT_REST for one in replicas)
        can_stop = any(one.state in AT_WORK for one in replicas)
        self._view.start_all.setEnabled(can_start)
        self._view.start_all.setToolTip("Start every worker that does not run" if can_start else "Every worker runs")
        self._view.stop_all.setEnabled(can_stop)
        tip = "Stop every worker; each finishes the message in hand first" if can_stop else "No worker runs"
        self._view.stop_all.setToolTip(tip)

    def _note_stopping(self, replicas: Sequence[ReplicaRecord]) -> None:
        now_ms = self._clock.awake_ms()
        stopping = [one.process for one in replicas if one.state is WorkerState.STOPPING]
        self._stopping_since_ms = {name: self._stopping_since_ms.get(name, now_ms) for name in stopping}

    @Slot()
    def _on_tick(self) -> None:
        if self._stopping_since_ms:
            now_ms = self._clock.awake_ms()
            self._model.tell_stopping({name: (now_ms - at) // 1000 for name, at in self._stopping_since_ms.items()})

    # --- what the user does -----------------------------------------------------------------------

    @Slot(str, object)
    def _on_asked(self, action: str, names: tuple[str, ...]) -> None:
        ask = {"start": self.start_asked, "stop": self.stop_asked, "restart": self.restart_asked}[action]
        for name in names:
            ask.emit(name)

    def _select_wanted(self) -> None:
        if self._wanted is not None:
            row = self._model.row_of(self._wanted)
            if row is None:
                return
            self._wanted = None
            self._view.select(row)
        elif self._model.rowCount() and not self._view.selected():
            self._view.select(0)

    def _on_selection_changed(self) -> None:
        selected = self._view.selected()
        self._view.actions_on_workers.set_selected(selected)
        shown = selected[0] if selected else None
        is_other = (shown and shown.process) != (self._shown and self._shown.process)
        self._shown = shown
        if is_other:
            self._view.log_title.setText(visible_line(shown.process) if shown else "")
            self._follow()
            self._show_log()
        self._show_trouble()

    # --- the log ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        shown = self._shown
        paths = (shown.stdout_log, shown.stderr_log) if shown is not None and self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(_WHO, paths)

    @property
    def _path(self) -> Path | None:
        if self._shown is None:
            return None
        is_errors = self._view.stream.currentText() == STREAMS[1]
        return self._shown.stderr_log if is_errors else self._shown.stdout_log

    def _show_log(self) -> None:
        path = self._path
        lines = [] if path is None else self._buffer.lines(path)
        nothing = "No errors yet" if self._view.stream.currentText() == STREAMS[1] else "No output yet"
        self._view.log.set_lines([LogLine(line) for line in lines], nothing if path else "Select a worker")

    @Slot(object, object)
    def _on_lines_read(self, path: Path, lines: list[str]) -> None:
        if path in self._followed:
            self._buffer.add(path, lines)
            self._append(path, lines)

    @Slot(str, object, object)
    def _on_tail_read(self, who: str, path: Path, lines: list[str]) -> None:
        if who == _WHO and path in self._followed:
            self._append(path, self._buffer.add_tail(path, lines))

    def _append(self, path: Path, lines: Sequence[str]) -> None:
        if path == self._path:
            self._view.log.append_lines([LogLine(line) for line in lines])
        if self._shown is not None and path == self._shown.stderr_log:
            self._show_trouble()

    @Slot(object, str)
    def _on_log_failed(self, path: Path, why: str) -> None:
        if path == self._path:
            self._view.log.append_lines([LogLine(f"cannot read {path}: {why}")])

    def _on_cleared(self) -> None:
        if self._path is not None:
            self._buffer.clear([self._path])

    def _show_trouble(self) -> None:
        shown = self._shown
        if shown is None or shown.state not in TROUBLED:
            self._view.trouble.hide()
        else:
            self._view.trouble.show_trouble(shown, self._buffer.lines(shown.stderr_log)[-LAST_LINES:])
