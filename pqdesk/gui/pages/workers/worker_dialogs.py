"""The dialogs of the workers page: what opens them, what they ask of the threads, and the answers back to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from pqdesk.errors import PQDeskError
from pqdesk.gui.dialogs import questions
from pqdesk.gui.dialogs.scale import ScaleDialog
from pqdesk.gui.dialogs.start_at_login import StartAtLoginDialog
from pqdesk.gui.dialogs.worker import WorkerDialog
from pqdesk.gui.notices import who
from pqdesk.gui.pages.workers.selected_workers import SelectedWorkers, is_up_or_stopping
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Order, Workers
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import ReplicaRecord, Saved, TryOut

_Open = Callable[[WorkerDialog, WorkerDefinition], None]


class WorkerDialogs(QObject):
    """Each question to a thread carries the number of its dialog, which the answer brings back.

    Signals:
        order_asked: An Order.
        worker_saved: The name of a worker that was added or changed.
        told, failed: One sentence for the toast.
    """

    order_asked = Signal(object)
    worker_saved = Signal(str)
    told = Signal(str)
    failed = Signal(str)

    _definition_asked = Signal(str, int)
    _preview_asked = Signal(object, int)
    _trial_asked = Signal(object, int)
    _save_asked = Signal(object, int)

    def __init__(self, link: SupervisorLink, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._parent, self._link = theme, parent, link
        self._replicas: Sequence[ReplicaRecord] = ()
        self._last = 0
        self._dialogs: dict[int, WorkerDialog] = {}
        self.edited: set[str] = set()  # workers that were changed here
        self._waiting: dict[int, _Open] = {}  # to be opened with the definition that was asked for
        self._definition_asked.connect(link.read_definition)
        self._preview_asked.connect(link.preview)
        self._save_asked.connect(link.save)
        self._trial_asked.connect(link.side.try_out)
        link.definition_read.connect(self._on_definition_read)
        link.preview_made.connect(self._on_preview_made)
        link.saved.connect(self._on_saved)
        link.conflict_found.connect(self._on_conflict_found)
        link.side.tried_out.connect(self._on_tried_out)

    def set_replicas(self, replicas: Sequence[ReplicaRecord]) -> None:
        """What there is by now; names that are taken."""
        self._replicas = replicas

    # --- opening ----------------------------------------------------------------------------------

    def open(self, action: str, selected: SelectedWorkers) -> None:
        """`scale`, `edit`, `duplicate`, `remove` or `copy_command` what is selected."""
        match action:
            case "scale":
                self._scale(selected)
            case "edit":
                self.edit(selected.workers[0])
            case "duplicate":
                self._open_with(selected.workers[0], WorkerDialog.begin_copy)
            case "remove":
                self._remove(selected)
            case "copy_command":
                QGuiApplication.clipboard().setText(selected.replicas[0].command)
                self.told.emit("Command copied")

    def add(self, queue: str = "") -> None:
        """A new worker, perhaps for a queue that has none."""
        self._last += 1
        self._make(self._last).begin_new(queue)
        self._dialogs[self._last].open()

    def edit(self, worker: str) -> None:
        """Read it anew, then show it; what it runs has the focus."""
        self._open_with(worker, WorkerDialog.begin_edit)

    def send_signal(self, selected: SelectedWorkers, name: str) -> None:
        """KILL only after a question."""
        running = [one for one in selected.replicas if one.pid is not None]
        if not running:
            return
        target = Workers(tuple(one.process for one in running), name)
        order = Order("signal", target)
        if name == "KILL":
            names = [who(target.names)] if len(running) > 3 else list(target.names)
            questions.ask_kill(self._parent, names, len(selected.message_ids), partial(self.order_asked.emit, order))
        else:
            self.order_asked.emit(order)

    @Slot()
    def show_login(self) -> None:
        """The start of this workspace's workers at login."""
        StartAtLoginDialog(self._link.side, self._parent).open()

    def _scale(self, selected: SelectedWorkers) -> None:
        worker = selected.workers[0]
        replicas = [one for one in self._replicas if one.worker == worker]
        is_up = any(one.state.is_up for one in replicas)
        dialog = ScaleDialog(worker, len(replicas), is_up=is_up, parent=self._parent)
        dialog.scale_asked.connect(lambda count: self.order_asked.emit(Order("scale", Workers((worker,), count))))
        dialog.open()

    def _remove(self, selected: SelectedWorkers) -> None:
        names = selected.whole_workers
        running = tuple(dict.fromkeys(one.worker for one in selected.replicas if is_up_or_stopping(one.state)))
        remove = partial(self.order_asked.emit, Order("remove", Workers(names)))
        if running:
            questions.ask_remove_worker(self._parent, running, remove)
        else:
            remove()

    def _open_with(self, worker: str, begin: _Open) -> None:
        self._last += 1
        self._waiting[self._last] = begin
        self._definition_asked.emit(worker, self._last)

    def _make(self, number: int) -> WorkerDialog:
        taken = {one.worker for one in self._replicas}
        dialog = WorkerDialog(self._theme, taken, self._parent)
        dialog.preview_asked.connect(lambda definition: self._preview_asked.emit(definition, number))
        dialog.trial_asked.connect(lambda request: self._trial_asked.emit(request, number))
        dialog.save_asked.connect(lambda request: self._save_asked.emit(request, number))
        dialog.done_saving.connect(self._on_done_saving)
        dialog.finished.connect(lambda _: self._dialogs.pop(number, None))
        self._dialogs[number] = dialog
        return dialog

    # --- answers ----------------------------------------------------------------------------------

    @Slot(int, object)
    def _on_definition_read(self, number: int, answer: WorkerDefinition | PQDeskError) -> None:
        begin = self._waiting.pop(number, None)
        if begin is None:
            return
        if isinstance(answer, PQDeskError):
            self.failed.emit(str(answer))
            return
        dialog = self._make(number)
        begin(dialog, answer)
        dialog.open()

    @Slot(int, object)
    def _on_preview_made(self, number: int, answer: str | PQDeskError) -> None:
        if number in self._dialogs:
            self._dialogs[number].show_preview(answer)

    @Slot(int, object)
    def _on_tried_out(self, number: int, answer: TryOut | PQDeskError) -> None:
        if number in self._dialogs:
            self._dialogs[number].show_trial(answer)

    @Slot(int, object)
    def _on_saved(self, number: int, answer: Saved | PQDeskError) -> None:
        if number in self._dialogs:
            self._dialogs[number].show_saved(answer)

    @Slot(int, object)
    def _on_conflict_found(self, number: int, theirs: WorkerDefinition) -> None:
        if number in self._dialogs:
            self._dialogs[number].show_conflict(theirs)

    @Slot(str, object)
    def _on_done_saving(self, name: str, saved: Saved) -> None:
        if any(one.worker == name for one in self._replicas):
            self.edited.add(name)
        if saved.problem:
            self.failed.emit(f"{name} is saved, but {saved.problem}")
        elif saved.restarting:
            self.told.emit(f"Saved {name}. Restarting {who(saved.restarting)}")
        else:
            self.told.emit(f"Saved {name}")
        self.worker_saved.emit(name)
