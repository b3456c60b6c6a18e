"""Adding a worker, and editing one: the form, the preview, the test, and saving. Nothing happens before Save."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from pqdesk.errors import PQDeskError
from pqdesk.gui.dialogs.questions import ask_discard
from pqdesk.gui.dialogs.worker.as_command import add_worker_command
from pqdesk.gui.dialogs.worker.preview_pane import PreviewPane
from pqdesk.gui.dialogs.worker.trial_pane import TRIAL_S, TrialPane
from pqdesk.gui.dialogs.worker.worker_form import WorkerForm
from pqdesk.gui.notices import sentence
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import SaveRequest
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import Hairline, PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.processes.try_out import WORK_S
from pqdesk.supervision.records import Saved, TryOut

_TYPING_MS = 200
_SIZE = QSize(880, 660)


class WorkerDialog(QDialog):
    """Asks by signals and is told the answers; it never waits.

    Signals:
        preview_asked: The WorkerDefinition whose file is to be shown.
        trial_asked: A TrialRequest.
        save_asked: A SaveRequest.
        done_saving: The name of the worker and its Saved; the dialog closes.
    """

    preview_asked = Signal(object)
    trial_asked = Signal(object)
    save_asked = Signal(object)
    done_saving = Signal(str, object)

    def __init__(self, theme: Theme, taken: Collection[str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("worker_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme = theme
        self._theirs: WorkerDefinition | None = None  # what somebody else made of it meanwhile
        self._is_touched = self._is_saving = False
        self._form = WorkerForm(theme, self._choose_folder, taken, self)
        self._preview = PreviewPane(theme)
        self._form.tabs.addTab(self._preview, "Preview")
        self._conflict = Banner(theme, "worker_conflict", self)
        self._trial = TrialPane(theme, self)
        self._problem = PlainLabel("", self, look="error", objectName="worker_problem", wordWrap=True)
        self._problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._test = make_button("Test", "test_worker", self)
        self._test.setToolTip(as_tooltip("Try it; under the fields it says how"))
        self._copy = make_button("Copy as command", "copy_as_command", self, look="link")
        self._cancel = make_button("Cancel", "cancel_button", self)
        self._save = make_button("Add", "save_worker", self, look="primary")
        self._save.setDefault(True)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask_preview)
        self._form.changed.connect(self._on_changed)
        self._conflict.pressed.connect(self._on_reload)
        self._test.clicked.connect(self._on_test)
        self._copy.clicked.connect(self._on_copy)
        self._cancel.clicked.connect(self.reject)
        self._save.clicked.connect(self._on_save)
        room = self.screen().availableSize() - QSize(40, 80)
        self.resize(_SIZE.boundedTo(room))

    def _lay_out(self) -> None:
        foot = hbox(
            self._test, self._copy, (self._problem, 1), self._cancel, self._save, margins=(20, 12, 20, 14), spacing=8
        )
        vbox(self._conflict, (self._form, 1), self._trial, Hairline(self), foot, on=self, spacing=0)

    # --- what it is opened for --------------------------------------------------------------------

    def begin_new(self, queue: str = "") -> None:
        self.setWindowTitle("Add a worker")
        self._form.begin(queue)
        self._begin()

    def begin_edit(self, definition: WorkerDefinition) -> None:
        """`definition` as it was read just now, with its version."""
        self.setWindowTitle(f"Edit {visible_line(definition.name)}")
        self._save.setText("Save")
        self._form.show_definition(definition)
        self._begin()

    def begin_copy(self, definition: WorkerDefinition) -> None:
        self.setWindowTitle(f"Duplicate {visible_line(definition.name)}")
        self._form.show_definition(definition, is_copy=True)
        self._begin()

    def _begin(self) -> None:
        self._is_touched = False
        self._form.focus_first()
        self._ask_preview()

    # --- answers ----------------------------------------------------------------------------------

    def show_preview(self, answer: str | PQDeskError) -> None:
        """The text of the file, or why there can be none."""
        if isinstance(answer, PQDeskError):
            self._show_problem(str(answer))
            return
        self._show_problem("")
        self._preview.show_text(answer)

    def show_trial(self, answer: TryOut | PQDeskError) -> None:
        self._test.setEnabled(True)
        if isinstance(answer, PQDeskError):
            self._trial.show_problem(str(answer))
        else:
            self._trial.show_result(answer)

    def show_saved(self, answer: Saved | PQDeskError) -> None:
        """Saved: the dialog closes; else the reason is shown and everything stays."""
        self._set_saving(False)
        if isinstance(answer, PQDeskError):
            self._show_problem(str(answer))
            return
        self._is_touched = False
        definition = self._form.definition()
        self.done_saving.emit(definition.name if definition is not None else "", answer)
        self.accept()

    def show_conflict(self, theirs: WorkerDefinition) -> None:
        """Somebody else has saved it since it was read here."""
        self._set_saving(False)
        self._theirs = theirs
        text = (
            f"{theirs.name} was changed by another window or by hand since you opened it. "
            "Reload shows that and drops your edits; Save over it keeps yours."
        )
        self._conflict.show_text("warning", visible_line(text), "Reload")
        self._save.setText("Save over it")

    # --- what the user does -----------------------------------------------------------------------

    def reject(self) -> None:
        """Unsaved edits are not lost by a key; the worker runs on as it is in any case."""
        if not self._is_touched:
            super().reject()
            return
        ask_discard(self, self._discard)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._is_touched and not self._is_saving:
            event.ignore()
            self.reject()
        else:
            super().closeEvent(event)

    def _discard(self) -> None:
        self._is_touched = False
        super().reject()

    def _on_changed(self) -> None:
        self._is_touched = True
        self._timer.start(_TYPING_MS)

    def _ask_preview(self) -> None:
        definition = self._form.definition()
        self._copy.setEnabled(definition is not None)
        if definition is None:
            self._show_problem("")
            self._preview.show_nothing()
        else:
            self.preview_asked.emit(definition)

    def _on_test(self) -> None:
        definition = self._checked()
        if definition is not None:
            self._test.setEnabled(False)
            request = self._form.trial_of(definition)
            self._trial.begin(WORK_S if definition.kind != "command" else TRIAL_S)
            self.trial_asked.emit(request)

    def _on_copy(self) -> None:
        definition = self._checked()
        if definition is not None:
            QGuiApplication.clipboard().setText(add_worker_command(definition, is_started=self._form.is_started))
            self._copy.setText("Copied")
            QTimer.singleShot(2_000, self, lambda: self._copy.setText("Copy as command"))

    def _on_save(self) -> None:
        definition = self._checked()
        if definition is None or self._is_saving:
            return
        self._set_saving(True)
        self._show_problem("")
        self.save_asked.emit(
            SaveRequest(
                definition,
                is_new=self._form.is_new,
                is_started=self._form.is_started,
                is_forced=self._theirs is not None,
            )
        )

    def _on_reload(self) -> None:
        if self._theirs is not None:
            theirs, self._theirs = self._theirs, None
            self._conflict.hide()
            self.begin_edit(theirs)

    def _checked(self) -> WorkerDefinition | None:
        """What the fields make; if they make nothing, the first that is wrong gets the focus."""
        definition = self._form.definition()
        if definition is None:
            self._form.insist()
        return definition

    def _set_saving(self, is_saving: bool) -> None:
        self._is_saving = is_saving
        self._save.setEnabled(not is_saving)
        self._form.setEnabled(not is_saving)

    def _show_problem(self, problem: str) -> None:
        self._problem.setText(visible_line(sentence(problem)) if problem else "")

    def _choose_folder(self, field: QLineEdit) -> None:
        dialog = QFileDialog(self, "Choose a folder", field.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(field.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
