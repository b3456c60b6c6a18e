"""All fields of a worker together, and the definition that they make."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QRadioButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from pqdesk.errors import InvalidInput
from pqdesk.gui.dialogs.worker.form_fields import TextRow, TickRow
from pqdesk.gui.dialogs.worker.kind_fields import KindFields
from pqdesk.gui.dialogs.worker.kinds import KINDS
from pqdesk.gui.dialogs.worker.option_rows import ChooseFolder
from pqdesk.gui.dialogs.worker.run_fields import RunFields
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import TrialRequest
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.gui.widgets.labels import Hairline, PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.quoting import check_worker_name
from pqdesk.supervision.definitions.recipes import recipe_of, with_recipe
from pqdesk.supervision.processes.try_out import trial_story
from pqdesk.supervision.records import WorkerKind
from pqdesk.worker_options import CONSUMERS, PRODUCERS

_ID = re.compile(r"#(\d{1,18})")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class WorkerForm(QWidget):
    """Kinds at the left; what the chosen one does, and how it runs, in two tabs.

    Signals:
        changed: Something was changed by the user.
    """

    changed = Signal()

    def __init__(self, theme: Theme, choose: ChooseFolder, taken: Collection[str], parent: QWidget) -> None:
        super().__init__(parent)
        self._taken = frozenset(taken)
        self._original: WorkerDefinition | None = None
        self._is_filling = False
        self._name = TextRow(
            "Name", "worker_name", placeholder="letters, digits, . _ -", check=lambda text: self._check_name(text)
        )
        self._story = PlainLabel("", self, look="muted", wordWrap=True)
        self._kinds = QButtonGroup(self)
        self._stack = QStackedWidget()
        self._fields: list[KindFields] = []
        self._sample = TextRow("Test with", "worker_sample", placeholder="a payload, or #17 for a copy of message 17")
        self._trial_story = PlainLabel("", self, look="muted", objectName="trial_story", wordWrap=True)
        self._start_now = TickRow("Start it now", "worker_start_now")
        self._start_now.set_on(True)
        self._run = RunFields(theme, choose)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("worker_tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Parts of the worker")
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lay_out(choose)
        self._name.changed.connect(self._on_changed)
        self._run.changed.connect(self._on_changed)
        self._sample.changed.connect(self._tell_trial)
        self._start_now.changed.connect(self._on_changed)
        self._kinds.idClicked.connect(self._on_kind)
        self._show_kind(0)

    def _lay_out(self, choose: ChooseFolder) -> None:
        kinds = vbox(PlainLabel("What it is", self, look="muted"), margins=(18, 14, 14, 12), spacing=4)
        for at, (kind, (title, story)) in enumerate(KINDS.items()):
            button = QRadioButton(title, self)
            button.setObjectName(f"kind_{kind}")
            button.setAccessibleDescription(story)
            button.setToolTip(as_tooltip(story))
            self._kinds.addButton(button, at)
            kinds.addWidget(button)
            fields = KindFields(kind, choose)
            fields.changed.connect(self._on_changed)
            self._fields.append(fields)
            self._stack.addWidget(fields)
        kinds.addStretch(1)
        left = QWidget(self)
        left.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        left.setLayout(kinds)
        what = QWidget()
        vbox(
            self._story,
            self._name,
            self._stack,
            self._start_now,
            self._sample,
            self._trial_story,
            None,
            on=what,
            margins=(16, 14, 16, 12),
            spacing=10,
        )
        how = QWidget()
        vbox(self._run, on=how, margins=(16, 14, 16, 12))
        for page, title, name in ((what, "What it does", "what_page"), (how, "How it runs", "how_page")):
            self.tabs.addTab(_scrolled(page, name, title), title)
        hbox(left, Hairline(self, is_vertical=True), (self.tabs, 1), on=self, spacing=0)

    # --- what the dialog asks ---------------------------------------------------------------------

    @property
    def is_new(self) -> bool:
        return self._original is None or self._original.version is None

    @property
    def is_started(self) -> bool:
        """A new one is to be started at once."""
        return self._start_now.is_on

    def begin(self, queue: str) -> None:
        """Nothing is known but perhaps the queue that wants a worker."""
        self._is_filling = True
        self._run.show_definition(WorkerDefinition(name="x", command=("x",)))
        for fields in self._fields:
            fields.set_queue(queue)
        self._show_kind(1 if queue else 0)
        self._is_filling = False

    def show_definition(self, definition: WorkerDefinition, *, is_copy: bool = False) -> None:
        """Fill the fields; a copy gets a name of its own."""
        self._is_filling = True
        recipe = recipe_of(definition.command)
        at = list(KINDS).index(recipe.kind)
        self._fields[at].show_recipe(recipe)
        self._show_kind(at)
        self._run.show_definition(definition)
        self._original = replace(definition, version=None, processes=(), file=None) if is_copy else definition
        self._name.set_text(self._free_name(definition.name) if is_copy else definition.name)
        self._name.field.setEnabled(is_copy)
        self._start_now.setVisible(is_copy)
        self._is_filling = False

    def focus_first(self) -> None:
        self._fields[self._stack.currentIndex()].first_field.setFocus()

    def definition(self) -> WorkerDefinition | None:
        """What the fields make; None while one of them is wrong."""
        fields = self._fields[self._stack.currentIndex()]
        are_good = [fields.validate(), self._name.validate(), self._run.validate()]
        if not all(are_good):
            return None
        base = self._original or WorkerDefinition(name=self._name.text, command=())
        try:
            command = with_recipe(base.command, fields.recipe())
        except InvalidInput as exc:  # of the fields together; each alone is good
            self._story.setText(str(exc))
            return None
        return self._run.filled_in(replace(base, name=self._name.text, command=command))

    def insist(self) -> None:
        """The user wants to go on: blame what is missing, and go to the first that is wrong."""
        fields = self._fields[self._stack.currentIndex()]
        fields.insist()
        self._name.insist()
        wrong = fields.problem_field() or (None if self._name.validate() else self._name.field)
        self.tabs.setCurrentIndex(0 if wrong is not None else 1)
        if wrong is not None:
            wrong.setFocus()

    # --- what the user does -----------------------------------------------------------------------

    def _on_kind(self, at: int) -> None:
        self._show_kind(at)
        if self.is_new:
            self._run.set_restart("always" if list(KINDS)[at] in CONSUMERS else "if it fails")
        self._on_changed()

    def _show_kind(self, at: int) -> None:
        self._kinds.button(at).setChecked(True)
        self._stack.setCurrentIndex(at)
        for page, fields in enumerate(self._fields):  # those behind do not keep their room
            policy = QSizePolicy.Policy.Preferred if page == at else QSizePolicy.Policy.Ignored
            fields.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self._story.setText(list(KINDS.values())[at][1])
        self._sample.set_asked(list(KINDS)[at] in CONSUMERS)
        self._tell_trial()

    def trial_of(self, definition: WorkerDefinition) -> TrialRequest:
        """What Test is to do."""
        return TrialRequest(definition, *self._trial_on())

    def _trial_on(self) -> tuple[str | None, int | None]:
        """A payload, or the id of a message."""
        text = self._sample.text if self._sample.is_asked else ""
        match = _ID.fullmatch(text)
        return (text or None, None) if match is None else (None, int(match[1]))

    def _tell_trial(self) -> None:
        kind = list(KINDS)[self._stack.currentIndex()]
        word: WorkerKind = "consumer" if kind in CONSUMERS else "producer" if kind in PRODUCERS else "command"
        asked = self._trial_on()
        self._trial_story.setText(f"Test: {visible_line(trial_story(word, *asked))}.")

    def _on_changed(self) -> None:
        if self._is_filling:
            return
        self._propose_name()
        self.changed.emit()

    def _propose_name(self) -> None:
        """Until the user has typed one."""
        if self._original is not None or self._name.is_edited:
            return
        proposed = self._fields[self._stack.currentIndex()].proposed_name()
        name = _NOT_IN_NAME.sub("-", proposed).strip("-._")[:48]
        self._name.set_text(self._free_name(name) if name else "")

    def _free_name(self, name: str) -> str:
        """`name`, or with a letter after it when there is one already: digits are for replicas."""
        stem = re.sub(r"-[0-9]+$", "", name) or "worker"
        names = [stem, *(f"{stem}-{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")]
        return next((one for one in names if one not in self._taken and one != "all"), stem)

    def _check_name(self, text: str) -> None:
        if not self.is_new:
            return
        if not text:
            raise InvalidInput("give it a name: letters, digits, '.', '_' and '-'")
        check_worker_name(text)
        if text in self._taken:
            raise InvalidInput(f"there is a worker {text!r} already; choose another name")


def _scrolled(content: QWidget, object_name: str, name: str) -> QScrollArea:
    area = QScrollArea()
    area.setObjectName(object_name)
    area.setAccessibleName(name)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    area.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return area
