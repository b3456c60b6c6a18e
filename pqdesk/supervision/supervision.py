"""The workers of one workspace: how they are, and starting, stopping, restarting them.

The way to supervisord for the window and the commands alike. A worker is addressed by its name, one of its processes
by supervisord's name for it (`NAME-2`; the first alone is `NAME:NAME`), all of them as `all`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pqdesk.clock import SystemClock
from pqdesk.door import check_workspace
from pqdesk.errors import InvalidInput, SupervisorError, WorkspaceError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.client import DaemonDown
from pqdesk.supervision.daemon.known_starts import remember_start, was_started_here
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.daemon.status import StatusReader
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import ConfiguredWorkers, beside_workers
from pqdesk.supervision.definitions.worker_files import WorkerFiles
from pqdesk.supervision.look_only import IsLookOnly, never, refuse_look_only
from pqdesk.supervision.private_files import make_private_folder
from pqdesk.supervision.processes.changing_workers import Editing, workers_named
from pqdesk.supervision.processes.control import Control, Names, Progress
from pqdesk.supervision.processes.requests import RequestsFile
from pqdesk.supervision.processes.try_out import try_out
from pqdesk.supervision.records import RemovedWorker, Saved, SupervisionStatus, TryOut, WorkerState

__all__ = ["Names", "Progress", "Supervision"]

# Of what `do` takes: what starts supervisord, and what starts processes where it runs.
_STARTS = frozenset({"start", "restart", "start_daemon", "restart_daemon"})
_STARTS_MORE = frozenset({"scale", "bring_back", "take_back", "undo_edit"})


class Supervision:
    """One workspace's workers and their supervisord. Belongs to one thread; keeps nothing open.

    In a workspace that is set to look only, all that people do to workers raises LookOnly. What runs goes on, and
    ensure_running(), with which a login begins, still starts what starts with supervisord.

    Raises, where it is asked to do something:
        NotFound: There is no such worker.
        InvalidInput: A value cannot be, or a worker's own check says that it could not start so; nothing was changed.
        SupervisorError: supervisord cannot be started, does not answer, or runs on another configuration; a process
            cannot be started, while the others were; what was to end has not in time; or a file is not one that may be
            written, or was changed meanwhile, and nothing was changed.
        DiskFull: Nothing was changed.

    `wait_s` is how long to wait until what was asked for is done, which it is in any case. 0: do not wait; None: as
    long as the workers' configuration lets them take. `on_progress` is called as each process is done.
    """

    def __init__(self, paths: WorkspacePaths, *, timeout_s: float = 2.0, is_look_only: IsLookOnly = never) -> None:
        """`timeout_s`: how long supervisord may take to answer. `is_look_only`: as services.workers asks for it."""
        self.paths = paths
        self._is_look_only = is_look_only
        self._daemon = Daemon(paths, timeout_s)
        self._configured = ConfiguredWorkers(paths)
        requests, clock = RequestsFile(paths), SystemClock()
        self._reader = StatusReader(paths, self._configured, requests, clock)
        self._files = WorkerFiles(paths)
        self._control = Control(paths, self._daemon, self._configured, self._reader, requests, clock, timeout_s)
        self._editing = Editing(paths, self._files, self._daemon, self._control)

    # --- looking, which changes nothing --------------------------------------------------------------

    def status(self) -> SupervisionStatus:
        """How supervisord and all processes are, also those that only their files know of. Never raises for it.

        What a restart, a stop or a removal with wait_s=0 leaves to be done is done meanwhile by a process of its own,
        and is in has_request of the records until then.
        """
        try:
            check_workspace(self.paths)
            return self._reader.read(self._daemon.client(), address_of(self.paths))
        except (SupervisorError, WorkspaceError) as exc:  # there is no way to the socket, or none that may be used
            return self._reader.without_daemon("not answering", WorkerState.UNKNOWN, str(exc))

    def unseen_before(self, verb: str) -> tuple[WorkerDefinition, ...]:
        """`unseen_workers`, where what `do` takes as `verb` may start one."""
        may_start = verb in _STARTS or (verb in _STARTS_MORE and self.status().is_running)
        return self.unseen_workers() if may_start else ()

    def unseen_workers(self) -> tuple[WorkerDefinition, ...]:
        """What starting would run, where this user has never started workers in this workspace; else nothing."""
        return () if was_started_here(self.paths) else (*self.definitions(), *beside_workers(self.paths))

    def definition(self, name: str) -> WorkerDefinition:
        """A worker as its file has it now, with the `version` that change() wants back."""
        return self._files.read(name)

    def definitions(self) -> tuple[WorkerDefinition, ...]:
        """All workers as their files have them, by name."""
        return self._configured.read().workers

    def previous_definition(self, name: str) -> WorkerDefinition:
        """A worker as it was before its last change, for change()."""
        return self._files.previous(name)

    def removed_worker(self, name: str) -> RemovedWorker:
        """The last worker of this name that was removed, by whomever."""
        return self._files.removed(name)

    def orphans(self) -> dict[int, str]:
        """What a supervisord that is gone left running: by pid, the name that it had for the process."""
        return self._control.orphans()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files of workers, so that nothing of them is started, a sentence each."""
        return self._configured.read().problems

    def warnings(self) -> tuple[str, ...]:
        """What the files of workers make supervisord do other than they mean to say, a sentence each."""
        return self._configured.read().warnings

    def definition_preview(self, definition: WorkerDefinition) -> str:
        """The text of the file as add() or change() would write it; secrets are not in it."""
        return self._files.preview(definition)

    # --- processes -----------------------------------------------------------------------------------

    def restore_logs(self) -> None:
        """Make the logs' folder anew where it is gone, and have what runs write to files in it; as a start does."""
        check_workspace(self.paths)
        try:
            infos = self._daemon.infos()
        except DaemonDown:
            make_private_folder(self.paths.logs)
        else:
            self._daemon.restore_logs(infos)

    def allow_starts(self) -> None:
        """This user has seen what starting would run."""
        remember_start(self.paths)

    def ensure_running(self) -> SupervisionStatus:
        """Attach to the workspace's supervisord, or start it; workers marked so start with it."""
        self._control.ensure_daemon()
        return self.status()

    def start(self, name: Names) -> None:
        """Ask for workers, processes or all to be started, supervisord first if need be. Does not wait for them.

        Configuration that was added, or changed while its process is stopped, is read first. What is up stays as it
        is, what is backing off is tried at once, what is still stopping is started when it has stopped.
        """
        refuse_look_only(self.paths, self._is_look_only, "started")
        self._control.start(name)

    def stop(self, name: Names, *, wait_s: float | None = 0, on_progress: Progress | None = None) -> None:
        """Ask workers, processes or all to stop; each finishes what it has in hand.

        They stay stopped, also when supervisord is started anew, until somebody starts them. What they leave over,
        their children and programs with sessions of their own, is ended after them.
        Without a supervisord, what a killed one left running is ended, and waited for.
        """
        refuse_look_only(self.paths, self._is_look_only, "stopped")
        self._control.stop(name, wait_s, on_progress)

    def stop_now(self, names: Names) -> None:
        """Kill processes with all their children, also while they finish something. Messages in hand run again."""
        refuse_look_only(self.paths, self._is_look_only, "stopped")
        self._control.stop(names, 0, None, is_now=True)

    def restart(self, name: Names, *, wait_s: float | None = None) -> None:
        """Stop workers, processes or all, and start each as soon as it has stopped; supervisord if need be."""
        refuse_look_only(self.paths, self._is_look_only, "restarted")
        self._control.restart(name, wait_s)

    def signal(self, name: Names, number: int | str) -> None:
        """Send 10, "10", "USR1", "SIGUSR1" or signal.SIGUSR1 to workers, processes or all."""
        refuse_look_only(self.paths, self._is_look_only, "signalled")
        self._control.signal(name, number)

    def carry_on(self) -> None:
        """Go on with what was asked for and is not done yet, until nothing is left, or another process does that."""
        self._control.carrying.run()

    # --- what the workers are ------------------------------------------------------------------------

    def add(self, definition: WorkerDefinition, *, start: bool, is_replacing: bool = False) -> Saved:
        """Write a new worker's file, and start it if asked (supervisord too, if it does not run).

        With `is_replacing`, one of this name is made to be this one, and restarted.
        """
        refuse_look_only(self.paths, self._is_look_only, "added")
        return self._editing.add(definition, start=start, is_replacing=is_replacing)

    def change(
        self, definition: WorkerDefinition, *, wait_s: float | None = None, on_progress: Progress | None = None
    ) -> Saved:
        """Change a worker's file in place, and restart those of its processes that run with other settings.

        `definition` is that of definition(), with what is to be different replaced. Comments, order and keys that
        PQDesk does not know stay. A process whose own section is the same as before, or differs only in whether it
        starts with supervisord, is not touched; one that does not run takes the new settings when it is started. More
        or fewer replicas: as scale().
        """
        refuse_look_only(self.paths, self._is_look_only, "changed")
        return self._editing.change(definition, wait_s, on_progress)

    def take_back_change(self, name: str, before: str, after: str) -> Saved:
        """Make a worker what it was at the version `before`, where it still is what it was at `after`.

        Raises:
            NotFound: There is no such worker, or what it was is not kept any more.
            SupervisorError: It was changed since; or as change().
        """
        if self.definition(name).version != after:
            raise SupervisorError(f"worker {name!r} was changed since, so that is not taken back; see edit-worker")
        return self.change(self._files.previous(name, before), wait_s=0)

    def remove(self, name: str, *, wait_s: float | None = None, on_progress: Progress | None = None) -> RemovedWorker:
        """Take a worker out: its file at once, its processes when they have finished what they have in hand.

        Its logs stay. What is removed is also kept in supervisor/removed/ until a worker of the same name is
        removed again, for removed_worker().
        """
        refuse_look_only(self.paths, self._is_look_only, "removed")
        return self._editing.remove(name, wait_s, on_progress)

    def bring_back(self, removed: RemovedWorker) -> Saved:
        """Undo remove(): its file as it was, and what was up is started again."""
        refuse_look_only(self.paths, self._is_look_only, "brought back")
        return self._editing.bring_back(removed)

    def scale(
        self, name: str, count: int, *, wait_s: float | None = None, on_progress: Progress | None = None
    ) -> Saved:
        """Run a worker in `count` processes, from 1 to 500; the others are not touched.

        New ones are started if any of its processes is up. Of too many, those with the highest numbers finish what
        they have in hand and end.
        """
        refuse_look_only(self.paths, self._is_look_only, "scaled")
        return self._editing.scale(name, count, wait_s, on_progress)

    def set_autostart(self, names: Names, on: bool) -> None:
        """Whether workers start with supervisord. What runs now is unaffected."""
        refuse_look_only(self.paths, self._is_look_only, "changed")
        self._editing.set_autostart(workers_named(names, [one.name for one in self._configured.read().workers]), on)

    def try_out(
        self,
        definition: WorkerDefinition,
        seconds: float = 3.0,
        *,
        sample: str | None = None,
        message_id: int | None = None,
    ) -> TryOut:
        """Try a worker as supervisord would run it, and tell what came of it. trial_story() says it before.

        A consumer works on one payload (`sample`, as `put` takes it) or on a copy of one message; without either it is
        only checked whether it could start. A producer runs once. Of both no message of the workspace is taken, and
        none is put. Any other command really runs: it is asked to end after `seconds`, killed 5 s later, and nothing of
        it is left when this returns.
        """
        refuse_look_only(self.paths, self._is_look_only, "run")
        return try_out(definition, self.paths, seconds, sample, message_id)

    def do(self, verb: str, names: Sequence[str], value: int | str | bool | None = None) -> None:
        """What an order or an undo says, without waiting for it: `verb` is a method of this class, mostly.

        "bring_back" is what was removed last of each name, "undo_edit" what was changed last, "take_back" what was
        changed between two versions.
        """
        each = names[0] if len(names) == 1 else tuple(names)
        match verb:
            case "start":
                self.start(each)
            case "stop":
                self.stop(each)
            case "stop_now":
                self.stop_now(each)
            case "restart":
                self.restart(each, wait_s=0)
            case "signal":
                self.signal(each, str(value))
            case "autostart":
                self.set_autostart(each, bool(value))
            case "start_daemon":
                self.ensure_running()
            case "restart_daemon":
                self.restart_daemon()
            case _:
                for name in names:
                    self._do_to_one(verb, name, value)

    def _do_to_one(self, verb: str, name: str, value: int | str | bool | None) -> None:
        match verb:
            case "scale":
                self.scale(name, int(value or 1), wait_s=0)
            case "remove":
                self.remove(name, wait_s=0)
            case "bring_back":
                self.bring_back(self.removed_worker(name))
            case "take_back" if len(versions := str(value).split()) == 2:
                self.take_back_change(name, *versions)
            case "undo_edit":
                self.change(self.previous_definition(name), wait_s=0)
            case _:
                raise InvalidInput(f"nothing that can be done to workers is called {verb!r}")

    # --- supervisord itself --------------------------------------------------------------------------

    def restart_daemon(self, *, on_progress: Progress | None = None) -> SupervisionStatus:
        """Stop all workers and supervisord, start supervisord anew, from the PQDesk of now, and what was up.

        Workers that were stopped stay so.
        """
        refuse_look_only(self.paths, self._is_look_only, "restarted")
        self._control.restart_daemon(on_progress)
        return self.status()

    def shutdown(self, *, wait_s: float | None = None, on_progress: Progress | None = None) -> None:
        """Stop all workers at once, then supervisord, and return when it is gone; also when it was not there."""
        refuse_look_only(self.paths, self._is_look_only, "stopped")
        self._control.shutdown(wait_s, on_progress)
