"""Adding, changing, scaling and removing workers: their files first, then what supervisord runs of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.client import DaemonDown, Fault
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.definitions.definition import WorkerDefinition, process_names
from pqdesk.supervision.definitions.planning import Change
from pqdesk.supervision.definitions.reading import ALL
from pqdesk.supervision.definitions.recipes import split_program
from pqdesk.supervision.definitions.validation import located
from pqdesk.supervision.definitions.worker_files import WorkerFiles
from pqdesk.supervision.processes.control import Control, Progress
from pqdesk.supervision.processes.replicas import ProcessInfo
from pqdesk.supervision.processes.try_out import check_start
from pqdesk.supervision.records import RemovedWorker, Saved, WorkerState
from pqdesk.worker_options import MOST_REPLICAS

_STARTED_BY = ("command", "environment", "secrets", "folder")


@dataclass(frozen=True, slots=True)
class Editing:
    """Changes workers of one workspace, and has supervisord take that in. Belongs to one thread."""

    paths: WorkspacePaths
    files: WorkerFiles
    daemon: Daemon
    control: Control

    def add(self, definition: WorkerDefinition, *, start: bool, is_replacing: bool) -> Saved:
        is_known = is_replacing and self.files.has(definition.name)
        if not is_known:
            self.files.check_new(definition)
        if start and split_program(definition.command) is not None:  # another program fails where all can see it
            check_start(definition, self.paths)
        if is_known:
            saved = self.change(definition, None, None)
            return self._started(definition) if start and saved.problem is None else saved
        known_problem = self._problem_now()
        file = self.files.add(definition)
        if known_problem is None:
            refused = self._reload()
            if refused is not None:
                self.files.take_back_new(file)
                raise InvalidInput(f"supervisord does not take worker {definition.name!r}: {refused}")
        return self._started(definition) if start else Saved()

    def _started(self, definition: WorkerDefinition) -> Saved:
        processes = process_names(definition.name, definition.replicas)
        try:
            self.control.start(definition.name)
        except SupervisorError as exc:
            return Saved(processes, str(exc))
        return Saved(processes)

    def change(self, definition: WorkerDefinition, wait_s: float | None, on_progress: Progress | None) -> Saved:
        self._check_start(definition)
        known_problem = self._problem_now()
        wait_s = self.control.limit_s(wait_s)  # what runs may take as long as the old file lets it
        change = self.files.change(definition)
        if change.after == change.before:
            return Saved()
        try:
            return self._take_in(definition.name, change, known_problem, wait_s, on_progress)
        except DaemonDown:
            return Saved()

    def scale(self, name: str, count: int, wait_s: float | None, on_progress: Progress | None) -> Saved:
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_REPLICAS:
            raise InvalidInput(f"a worker has 1 to {MOST_REPLICAS} replicas, not {count!r}")
        return self.change(replace(self.files.read(name), replicas=count), wait_s, on_progress)

    def set_autostart(self, names: Collection[str], on: bool) -> None:
        """By name of worker; only the files change, as it is at its next start that supervisord asks."""
        self._refuse_foreign()
        for name in names:
            self.files.change(replace(self.files.read(name), is_autostart=on))

    def remove(self, name: str, wait_s: float | None, on_progress: Progress | None) -> RemovedWorker:
        self._refuse_foreign()
        processes = [one.process for one in self.files.read(name).processes]
        infos = {one.process: one for one in self._infos() if one.process in processes}
        wait_s = self.control.limit_s(wait_s)  # by its own file too, while that is there
        removed = self.files.remove(name, [one for one in processes if one in infos and infos[one].is_up])
        try:
            self.control.stop_processes(list(infos), remove=list(infos))
            self.control.finish(list(infos), wait_s=wait_s, on_progress=on_progress)
        except DaemonDown:
            self.control.end_orphans(processes)
        return removed

    def bring_back(self, removed: RemovedWorker) -> Saved:
        self._refuse_foreign()
        self.files.bring_back(removed)
        if not removed.running:
            return Saved()
        try:
            self.control.ensure_daemon_without(removed.running)
            self.control.start_processes(removed.running)
        except SupervisorError as exc:
            return Saved(removed.running, str(exc))
        return Saved(removed.running)

    # --- supervisord's side -------------------------------------------------------------------------

    def _take_in(
        self, name: str, change: Change, known_problem: str | None, wait_s: float | None, on_progress: Progress | None
    ) -> Saved:
        answer = self.daemon.reload()
        if isinstance(answer, Fault):
            reason = located(answer.reason)
            if known_problem is None:
                self.files.take_back(change)
                raise InvalidInput(f"supervisord does not take that for worker {name!r}: {reason}; nothing was changed")
            return Saved((), f"saved, and used as soon as supervisord can read its files again: {reason}")
        _, changed, _ = answer
        infos = self.daemon.infos()
        restarting = _up(infos, [group for group in change.changed if group in changed])
        surplus = [one.process for one in infos if one.group in change.removed]
        is_up = bool(_up(infos, [*change.changed, *change.removed]) or _up(infos, self._groups(name)))
        added = list(change.added) if is_up else []
        self.control.stop_processes([*surplus, *restarting], start=restarting, remove=surplus)
        try:
            if added:
                self.control.start_processes(added)
            self.control.finish([*surplus, *restarting], wait_s=wait_s, on_progress=on_progress)
        except DaemonDown:
            raise
        except SupervisorError as exc:
            return Saved((*restarting, *added), str(exc))
        return Saved((*restarting, *added))

    def _check_start(self, definition: WorkerDefinition) -> None:
        """Refuse what would take down what is up now."""
        old = self.files.read(definition.name)
        differs = any(getattr(old, one) != getattr(definition, one) for one in _STARTED_BY)
        if differs and _up(self._infos(), self._groups(definition.name)):
            check_start(definition, self.paths)

    def _groups(self, name: str) -> list[str]:
        return list(dict.fromkeys(one.process.partition(":")[0] for one in self.files.read(name).processes))

    def _problem_now(self) -> str | None:
        """Why supervisord cannot read its files already now; None when it can, or when there is none.

        Raises SupervisorError: it does not answer, or is not this workspace's; nothing is changed then.
        """
        self._refuse_foreign()
        return self._reload()

    def _reload(self) -> str | None:
        try:
            answer = self.daemon.reload()
        except DaemonDown:
            return None
        return located(answer.reason) if isinstance(answer, Fault) else None

    def _refuse_foreign(self) -> None:
        try:
            is_foreign = self.daemon.is_foreign()
        except DaemonDown:
            return
        if is_foreign:
            raise SupervisorError(
                "the supervisord that runs here has another configuration than this workspace's, so its workers are "
                "not changed; starting and stopping them works; change its files by hand"
            )

    def _infos(self) -> list[ProcessInfo]:
        try:
            return self.daemon.infos()
        except DaemonDown:
            return []


def workers_named(names: str | Collection[str], known: Sequence[str]) -> list[str]:
    """The workers meant by `names`, `all` being each."""
    wanted = [names] if isinstance(names, str) else list(names)
    return list(known) if ALL in wanted else list(dict.fromkeys(wanted))


def _up(infos: Sequence[ProcessInfo], groups: Collection[str]) -> list[str]:
    # what was tried and given up is worth another try with other settings
    wanted = [one for one in infos if not one.is_settled or one.state is WorkerState.FAILED_TO_START]
    return [one.process for one in wanted if one.group in groups]
