"""Frozen records of workers and of their supervisord. Instants are aware UTC datetimes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Literal

WorkerKind = Literal["consumer", "producer", "command"]
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
    stdout_log: Path
    stderr_log: Path


@dataclass(frozen=True, slots=True)
class SupervisionStatus:
    """supervisord of a workspace and its processes, by worker and replica.

    Attributes:
        is_running: It answers and is not on its way out.
        state_word: "foreign" is one that runs on another configuration than this workspace's.
        problem: One sentence on what is wrong, with what to do; None when nothing is.
    """

    is_running: bool
    state_word: DaemonStateWord
    pid: int | None
    replicas: tuple[ReplicaRecord, ...]
    problem: str | None = None
