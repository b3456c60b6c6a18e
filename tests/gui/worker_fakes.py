"""A supervision that answers from memory, and the workers page over it, in one thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from shiboken6 import delete

from pqdesk.errors import NotFound, PQDeskError, SupervisorError
from pqdesk.gui.pages.workers.workers_page import WorkersPage
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.tray_state import TrayFacts
from pqdesk.gui.workspace_actions import WorkspaceActions
from pqdesk.messages.records import QueueRecord
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import RemovedWorker, ReplicaRecord, Saved, SupervisionStatus, TryOut
from tests.gui.shell_fakes import FakeClock, FakeSupervision, make_health, make_status


class FakeWorkers(FakeSupervision):
    """Keeps definitions by name; each change makes another version of it."""

    def __init__(self, *replicas: ReplicaRecord) -> None:
        super().__init__(make_status(*replicas))
        self.definitions: dict[str, WorkerDefinition] = {}
        self.tried: TryOut | PQDeskError = TryOut(None, None, "hello\n", None)
        self.tried_on: dict[str, Any] = {}
        self.saved = Saved()
        self.leaves: int | None = None  # the activity of what is done next
        self._versions = 0

    def keep(self, definition: WorkerDefinition) -> None:
        self._versions += 1
        self.definitions[definition.name] = replace(definition, version=f"v{self._versions}")

    def definition(self, name: str) -> WorkerDefinition:
        if name not in self.definitions:
            raise NotFound(f"there is no worker {name!r}")
        return self.definitions[name]

    def definition_preview(self, definition: WorkerDefinition) -> str:
        return f"[program:{definition.name}]\ncommand={' '.join(definition.command)}\n"

    def add(self, definition: WorkerDefinition, *, start: bool) -> Saved:
        self.told.append(("add", definition.name, start))
        self.keep(definition)
        return self.saved

    def change(self, definition: WorkerDefinition, **_options: Any) -> Saved:
        if self.definition(definition.name).version != definition.version:
            raise SupervisorError(f"worker {definition.name!r} was changed meanwhile")
        if self.error is not None:
            raise self.error
        self.told.append(("change", definition.name))
        self.keep(definition)
        return self.saved

    def previous_definition(self, name: str) -> WorkerDefinition:
        self.told.append(("previous", name))
        return self.definition(name)

    def remove(self, name: str, **_options: Any) -> RemovedWorker:
        self.told.append(("remove", name))
        self.activity_id = self.leaves
        definition = self.definition(name)
        return RemovedWorker(name, definition.file or self.answer.replicas[0].stdout_log, "text")

    def try_out(self, definition: WorkerDefinition, **asked: Any) -> TryOut:
        self.told.append(("try_out", definition.name))
        self.tried_on = asked
        if isinstance(self.tried, PQDeskError):
            raise self.tried
        return self.tried


class WorkersRig:
    """The page, live, whose threads are never started: every question is answered at once."""

    def __init__(self, theme: Theme, clock: FakeClock, *replicas: ReplicaRecord) -> None:
        self.supervision = FakeWorkers(*replicas)
        self.link = SupervisorLink(lambda: self.supervision)  # type: ignore[arg-type,return-value]
        self.reader = Reader(lambda: None)
        self.clock = clock
        self.actions = WorkspaceActions(QWidget(), theme)
        self.actions.order_asked.connect(self.link.carry_out)
        self.link.status_changed.connect(lambda status: self.actions.show_facts(TrayFacts(status=status)))
        self.page = WorkersPage(self.link, self.reader, self.actions, theme, clock)
        self.page.order_asked.connect(self.link.carry_out)
        self.followed: list[tuple[str, ...]] = []
        self.page.controller._log.follow_asked.connect(
            lambda _who, paths: self.followed.append(tuple(path.name for path in paths))
        )
        self.page.resize(1060, 720)
        self.page.show()
        self.page.set_live(True)

    def close(self) -> None:
        """Delete the page at once: each theme of a later test goes over every widget there is."""
        self.page.close()
        delete(self.page)

    def tell(self, *replicas: ReplicaRecord, status: SupervisionStatus | None = None) -> None:
        """supervisord says so from now on."""
        self.supervision.answer = status or make_status(*replicas)
        self.link.poll()

    def tell_queues(self, *queues: QueueRecord) -> None:
        self.reader.counts_loaded.emit(queues)
        self.page.show_health(make_health(self.supervision.answer, *queues))

    def names(self) -> list[str]:
        model = self.page.table.model()
        return [model.index(row, 0).data() for row in range(model.rowCount())]

    def cells(self, name: str) -> dict[str, str]:
        """The first row of that name, by the header."""
        model = self.page.table.model()
        row = self.names().index(name)
        return {
            model.headerData(at, Qt.Orientation.Horizontal): model.index(row, at).data()
            for at in range(model.columnCount())
        }

    @property
    def told(self) -> list[tuple[Any, ...]]:
        return self.supervision.told
