"""What a configuration file defines: workers and their processes, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pqdesk.errors import NotFound, SupervisorError
from pqdesk.supervision.definitions.recipes import kind_of, queues_of
from pqdesk.supervision.records import RestartPolicy, WorkerKind

USUAL_START_S = 3


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """One process of a worker, as its file has it.

    Attributes:
        process: supervisord's name for it: `NAME`, or `group:process` where the two differ.
    """

    process: str
    replica: int
    stdout_log: Path
    stderr_log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDefinition:
    """A worker: what it runs, how often and how.

    Attributes:
        name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, not ending in `-` and digits, not `all`.
        command: Program and arguments; no shell reads them.
        is_autostart: Starts with supervisord.
        environment: Besides PQDESK_WORKSPACE, which is always set. Anybody who may read the file sees it.
        secrets: More of it, kept in a file of their own (0600), not in the .conf file and in no list of processes.
            Values may hold anything but NUL. Not in repr().
        folder: Where it runs, an absolute path; None is the workspace.
        restart: After which ends supervisord starts it again; usual_restart() has a proposal.
        stop_signal: The name, without SIG, of the signal that asks it to end.
        stop_wait_s: How long it may take to end after that before it is killed.
        start_s: How long it must stay up to count as started; of meaning only for one that is always started again.
        log_bytes, log_backups: Size at which each log file is rotated (0: never), and how many old ones are kept.
        processes: As read from a file; empty in a definition that is to be written.
        file: Where it was read from.
        secrets_file: Where the secrets were read from; of no meaning in a definition that is to be written.
        breaks_policy: Its file, written by hand, has supervisord run again what `restart` wants to have ended. A
            change to False mends that, as one of `restart` does.
        version: Names the state of the file as read; Supervision.change() refuses when it is another by then.
    """

    name: str
    command: tuple[str, ...]
    replicas: int = 1
    is_autostart: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    restart: RestartPolicy = "if it fails"
    stop_signal: str = "TERM"
    stop_wait_s: int = 30
    start_s: int = USUAL_START_S
    log_bytes: int = 1024 * 1024
    log_backups: int = 3
    processes: tuple[ProcessDefinition, ...] = ()
    file: Path | None = None
    secrets_file: Path | None = None
    breaks_policy: bool = False
    version: str | None = None

    @property
    def kind(self) -> WorkerKind:
        """By what it runs: `pqdesk consume …`, `pqdesk produce …`, or anything else."""
        return kind_of(self.command)

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues named in a `pqdesk consume` or `pqdesk produce` command."""
        return queues_of(self.command)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All workers of a workspace, by name, and what is wrong with its files, a sentence each.

    Attributes:
        unfit: By file, why supervisord is not to read it, or does not take it.
        warnings: What it takes, and does other than the file means to say.
    """

    workers: tuple[WorkerDefinition, ...]
    unfit: Mapping[Path, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with files, a sentence each."""
        return tuple(self.unfit.values())

    @property
    def programs(self) -> frozenset[str]:
        """The sections that define their processes."""
        return frozenset(each.process.partition(":")[0] for one in self.workers for each in one.processes)

    def unknown(self, name: str) -> NotFound | SupervisorError:
        """Why nothing of this name can be acted on: to be raised."""
        for problem in self.problems:
            if f"/{name}.conf'" in problem:
                return SupervisorError(problem)
        names = ", ".join(one.name for one in self.workers)
        there = f"the workers are {names}" if names else "this workspace has none"
        return NotFound("; ".join((f"there is no worker {name!r}; {there}", *self.problems)))


def process_names(name: str, replicas: int) -> tuple[str, ...]:
    """NAME, NAME-2, NAME-3 …"""
    return (name, *(process_name(name, number) for number in range(2, replicas + 1)))


def process_name(name: str, replica: int) -> str:
    """supervisord's name for a replica; 1 is the first."""
    return name if replica == 1 else f"{name}-{replica}"
