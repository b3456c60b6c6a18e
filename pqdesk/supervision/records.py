"""Frozen records of workers and of their supervisord. Instants are aware UTC datetimes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Literal

WorkerKind = Literal["consumer", "producer", "command"]
RestartPolicy = Literal["always", "if it fails", "never"]
DaemonStateWord = Literal["running", "not running", "stopping", "not answering", "foreign"]


class WorkerState(Enum):
    """How one process of a worker stands; the value is the word shown to people.

    They follow supervisord's states (STOPPED … FATAL), except: CRASH_LOOPING is a process that is restarted again and
    again, and FAILED_TO_START is FATAL, or a program that cannot be run at all.
    """

    STOPPED = "Stopped"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    EXITED = "Exited"
    BACKING_OFF = "Backing off"
    CRASH_LOOPING = "Crash-looping"
    FAILED_TO_START = "Failed to start"
    UNKNOWN = "Unknown"

    @property
    def word(self) -> str:
        return self.value

    @property
    def is_up(self) -> bool:
        """It is to run, and supervisord sees to it: it runs, or is started again after each end."""
        return self in (WorkerState.STARTING, WorkerState.RUNNING, WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING)

    @property
    def is_at_rest(self) -> bool:
        """There is no process, and none comes by itself."""
        return self in (WorkerState.STOPPED, WorkerState.EXITED, WorkerState.FAILED_TO_START)

    @property
    def is_in_trouble(self) -> bool:
        """It is to run, and does not."""
        return self in (WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START)

    @property
    def has_process(self) -> bool:
        """There is a process, which may still take and finish messages."""
        return self in (WorkerState.STARTING, WorkerState.RUNNING, WorkerState.STOPPING)


@dataclass(frozen=True, slots=True)
class LastExit:
    """How a process last ended: by a code or by a signal, one of the two is None.

    Attributes:
        signal: Its name without SIG: "KILL"; a number where it has no name.
        is_expected: It was asked to stop, or ended with a code that its configuration counts as well done.
    """

    code: int | None
    signal: str | None
    at: datetime
    is_expected: bool = False

    @property
    def text(self) -> str:
        """`code 1`, `signal KILL`."""
        return f"code {self.code}" if self.signal is None else f"signal {self.signal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRecord:
    """One process of a worker, as supervisord tells of it, or as its .conf file does when that is not running.

    Attributes:
        process: supervisord's name for it: `NAME`, `NAME-2`, or `group:process` for hand-written groups.
        worker: The worker that it is a replica of.
        replica: 1 is the first.
        uptime_s: Since the start, by supervisord's clock; None unless there is a process.
        restarts: New processes seen by this client that nobody asked it for.
        description: supervisord's own words, or why nothing more is known.
        exit_text: Why it ended or cannot start; None while all is well.
        restarts_last_hour, restarts_total: Times that supervisord started it again by itself, whoever looked; the
            total is kept in the workspace across windows and restarts of supervisord.
        last_exit: None if it never ended, as far as is known.
        stop_wait_s: How long it may take to end after its stop signal.
        stop_deadline_s: While it is stopping, how long until supervisord kills it; None otherwise.
        is_autostart: It starts with supervisord.
        is_held: Somebody stopped it, so it does not start with supervisord until somebody starts it.
        has_request: Something that was asked for is still to be done: a stop, a start after that.
        restart: After which ends supervisord starts it again; None when no file is known.
        queues: What a consumer takes from, or a producer puts to.
        command: As written in the .conf file; empty when no file is known.
    """

    process: str
    worker: str
    kind: WorkerKind
    replica: int
    state: WorkerState
    pid: int | None = None
    started_at: datetime | None = None
    uptime_s: float | None = None
    restarts: int = 0
    description: str = ""
    exit_text: str | None = None
    queues: tuple[str, ...] = ()
    command: str = ""
    restarts_last_hour: int = 0
    restarts_total: int = 0
    last_exit: LastExit | None = None
    stop_wait_s: int = 10
    stop_deadline_s: float | None = None
    is_autostart: bool = True
    restart: RestartPolicy | None = None
    is_held: bool = False
    has_request: bool = False
    stdout_log: Path
    stderr_log: Path

    @property
    def address(self) -> str:
        """Names this process alone: the first of several has the name of its worker, which means all of them."""
        return self.process if ":" in self.process else f"{self.process}:{self.process}"

    @property
    def is_in_trouble(self) -> bool:
        """It does not do what it should, and will not by itself; one that ended otherwise than it should too."""
        if self.state is not WorkerState.EXITED:
            return self.state.is_in_trouble
        return self.last_exit is None or not self.last_exit.is_expected


@dataclass(frozen=True, slots=True)
class SupervisionStatus:
    """supervisord of a workspace and its processes, by worker and replica.

    Attributes:
        is_running: It answers and is not on its way out.
        state_word: "foreign" is one that runs on another configuration than this workspace's.
        problem: One sentence on what is wrong, with what to do; None when nothing is.
        version: Of the PQDesk that started it; None when it was started by hand, or is not there.
        is_outdated: Another PQDesk than this one started it; Supervision.restart_daemon() brings it up to date.
    """

    is_running: bool
    state_word: DaemonStateWord
    pid: int | None
    replicas: tuple[ReplicaRecord, ...]
    problem: str | None = None
    version: str | None = None
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving a worker's definition. The file is written in any case.

    Attributes:
        restarting: supervisord's names of the running processes that have to be, or were, restarted for it.
        problem: Why supervisord could not take it in yet, one sentence; None when it has, or is not running.
    """

    restarting: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RemovedWorker:
    """A worker that was taken out, with what is needed to bring it back.

    Attributes:
        text: Its sections of the file, as they were.
        secrets: The text of its `secrets_file`; empty when it had none. Not in repr().
        running: supervisord's names of its processes that were up.
    """

    name: str
    file: Path
    text: str
    secrets: str = field(default="", repr=False)
    secrets_file: Path | None = None
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TryOut:
    """What came of running a worker's command for a moment.

    Attributes:
        exit_code: None when it was ended by a signal, or did not end by itself.
        signal: Its name without SIG, when one ended it that was not ours.
        output: stdout and stderr as they came, at most the last 64 KiB, safe to show.
        likely_cause: One sentence on why it does not run; None while all is well.
        verdict: Of a consumer or producer, what came of its work: `handled after 3 ms`, `failed: …`; its last line.
    """

    exit_code: int | None
    signal: str | None
    output: str
    likely_cause: str | None
    verdict: str | None = None

    @property
    def is_still_running(self) -> bool:
        """It ran for the whole time, which is what most workers should do; it was ended after that."""
        return self.exit_code is None and self.signal is None

    @property
    def is_good(self) -> bool:
        """It did its work; of a command that is kept running: it ran for the whole time, or ended with 0."""
        return self.exit_code == 0 or (self.is_still_running and self.verdict is None)
