"""The workers of a workspace for both front doors: supervision that asks the queue file whether people may act.

What they do is written down there, as an activity that Workspace.undo takes back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from pqdesk.errors import PQDeskError
from pqdesk.messages.activities import NewActivity, WorkerDeed
from pqdesk.messages.commands import command_line
from pqdesk.messages.origin import Origin
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.start_at_login import LoginStart
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import RemovedWorker, Saved, WorkerState
from pqdesk.supervision.supervision import Names, Supervision

__all__ = ["LoginStart", "Supervision", "login_start_of", "workers_of"]

_log = logging.getLogger(__name__)


class _Note(NamedTuple):
    """What was done, as a command line says it, and what undoes it and does it again."""

    action: str
    names: tuple[str, ...]
    words: tuple[str, ...]
    back: WorkerDeed | None
    again: WorkerDeed | None


class RecordedSupervision(Supervision):
    """Supervision for people, who are told on: look-only holds them, the activity has what they did.

    Attributes:
        activity_id: Of what was done last; None where that left none.
    """

    def __init__(self, paths: WorkspacePaths, program: str) -> None:
        super().__init__(paths, is_look_only=lambda: is_look_only(paths))
        self._program = program
        self.activity_id: int | None = None
        self._notes: list[_Note] | None = None  # those of one order, which is one activity

    def do(self, verb: str, names: Sequence[str], value: int | str | bool | None = None) -> None:
        self._notes, self.activity_id = [], None
        try:
            super().do(verb, names, value)
        finally:
            notes, self._notes = self._notes, None
            if notes:
                self._write(notes)

    def start(self, name: Names) -> None:
        resting = self._addresses(name, lambda state: state.is_at_rest)
        super().start(name)
        self._note("start", name, ("stop", resting, None))

    def stop(self, name: Names, **options: Any) -> None:
        up = self._addresses(name, lambda state: state.is_up)
        super().stop(name, **options)
        self._note("stop", name, ("start", up, None))

    def stop_now(self, names: Names) -> None:
        up = self._addresses(names, lambda state: state.is_up or state is WorkerState.STOPPING)
        super().stop_now(names)
        self._note("stop", names, ("start", up, None), "--now", again="stop_now")

    def restart(self, name: Names, **options: Any) -> None:
        super().restart(name, **options)
        self._note("restart", name, None)

    def signal(self, name: Names, number: int | str) -> None:
        super().signal(name, number)
        self._note("signal", name, None, str(number))

    def add(self, definition: WorkerDefinition, *, start: bool, is_replacing: bool = False) -> Saved:
        before = [one.version for one in self.definitions() if is_replacing and one.name == definition.name]
        saved = super().add(definition, start=start, is_replacing=is_replacing)
        if before:
            self._note_change("add-worker", definition.name, before[0])
        else:
            names = (definition.name,)
            self._note("add-worker", names, ("remove", names, None), again="bring_back")
        return saved

    def change(self, definition: WorkerDefinition, **options: Any) -> Saved:
        before = self.definition(definition.name).version
        saved = super().change(definition, **options)
        self._note_change("edit-worker", definition.name, before)
        return saved

    def remove(self, name: str, **options: Any) -> RemovedWorker:
        removed = super().remove(name, **options)
        self._note("remove-worker", name, ("bring_back", (name,), None), again="remove")
        return removed

    def bring_back(self, removed: RemovedWorker) -> Saved:
        saved = super().bring_back(removed)
        self._note("remove-worker", removed.name, ("remove", (removed.name,), None), "--undo", again="bring_back")
        return saved

    def scale(self, name: str, count: int, **options: Any) -> Saved:
        before = self.definition(name).replicas
        saved = super().scale(name, count, **options)
        names = (name,) if count != before else ()
        self._note("scale", name, ("scale", names, before), str(count), again="scale", value=count)
        return saved

    def set_autostart(self, names: Names, on: bool) -> None:
        wanted = {names} if isinstance(names, str) else set(names)
        other = tuple(
            one.name for one in self.definitions() if wanted & {"all", one.name} and one.is_autostart is not on
        )
        super().set_autostart(names, on)
        word = "--autostart" if on else "--no-autostart"
        self._note("edit-worker", names, ("autostart", other, not on), word, again="autostart", value=on)

    def _addresses(self, names: Names, suits: Callable[[WorkerState], bool]) -> tuple[str, ...]:
        wanted = {names} if isinstance(names, str) else set(names)
        replicas = self.status().replicas
        meant = [one for one in replicas if wanted & {"all", one.worker, one.process, one.address}]
        return tuple(one.address for one in meant if suits(one.state))

    def _note_change(self, action: str, name: str, before: str | None) -> None:
        after = self.definition(name).version
        back = ("take_back", (name,) if after != before else (), f"{before} {after}")
        self._note(action, name, back, again="take_back", value=f"{after} {before}")

    def _note(
        self, action: str, names: Names, back: WorkerDeed | None, *words: str, again: str = "", value: Any = None
    ) -> None:
        """Write down what was done, which stays done where that fails; nothing where it has changed nothing.

        Args:
            back: What undoes it; None: nothing does.
            again: The verb that does it again, to the same and with `value`; empty: `action`.
        """
        if back is not None and not back[1]:
            self.activity_id = None
            return
        listed = (names,) if isinstance(names, str) else tuple(sorted(names))
        again_deed = None if back is None else (again or action, back[1], value)
        note = _Note(action, listed, words, back, again_deed)
        if self._notes is None:
            self._write([note])
        else:
            self._notes.append(note)

    def _write(self, notes: Sequence[_Note]) -> None:
        """One activity for what one order has done."""
        self.activity_id = None
        if not self.paths.database.exists():
            return
        action, words = notes[0].action, notes[0].words
        names = [name for note in notes for name in note.names]
        back = [note.back for note in reversed(notes) if note.back is not None]
        again = [note.again for note in notes if note.again is not None]
        before = {"workers": {"back": back, "again": again}} if back else None
        why_not = None if back else f"a {action} leaves nothing to take back"
        new = NewActivity(action, command_line(action, *names, *words), before=before, why_not=why_not)
        from pqdesk.workspace import Workspace  # nor SQLite for looking at workers

        try:
            with Workspace(self.paths.location, program=self._program) as workspace:
                self.activity_id = workspace.store.operating.record_activity(new)
        except PQDeskError as exc:  # beside a damaged or a full file workers are stopped all the same
            _log.warning("it is not in the activity: %s", exc)


def workers_of(paths: WorkspacePaths, program: str = "library") -> RecordedSupervision:
    """`program` is who acts, as Workspace takes it."""
    return RecordedSupervision(paths, program)


def login_start_of(paths: WorkspacePaths) -> LoginStart:
    return LoginStart(paths, lambda: is_look_only(paths))


def is_look_only(paths: WorkspacePaths) -> bool:
    """Whether people may only look; read anew at each call, for anybody may set and lift it. It does not bind workers.

    Where there is no queue file, or it cannot be read, nothing is locked: workers can be stopped also beside a damaged
    one.
    """
    if Origin.here().is_worker or not paths.database.exists():
        return False
    from pqdesk.storage import open_inspection  # SQLite is not loaded for looking at workers

    try:
        with closing(open_inspection(paths)) as inspection:
            return inspection.is_look_only()
    except PQDeskError:
        return False
