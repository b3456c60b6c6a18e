"""The workers of a workspace's files, read again only when a file has changed."""

from __future__ import annotations

import os
from pathlib import Path

from pqdesk.errors import NotFound, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.writing import Definitions, definition_files, read_definitions
from pqdesk.supervision.records import RestartPolicy

ALL = "all"

_Signature = tuple[tuple[Path, int, int, int], ...]


class ConfiguredWorkers:
    """Reads the definitions for one who asks twice a second. Belongs to one thread."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._seen: _Signature | None = None
        self._definitions = Definitions(())

    def read(self) -> Definitions:
        signature = tuple(map(_state_of, (self._paths.supervisor_configuration, *definition_files(self._paths))))
        if signature != self._seen:
            self._definitions, self._seen = read_definitions(self._paths), signature
        return self._definitions

    def workers_of_processes(self) -> dict[str, str]:
        """By supervisord's name for each process, the worker that it belongs to."""
        return {process.process: worker.name for worker in self.read().workers for process in worker.processes}

    def policies(self) -> dict[str, RestartPolicy]:
        """By supervisord's name for each process, after which ends it is started again."""
        return {process.process: worker.restart for worker in self.read().workers for process in worker.processes}

    def longest_stop_s(self) -> float:
        """How long a process may take to stop before supervisord kills it, at most."""
        return max((worker.stop_wait_s for worker in self.read().workers), default=10)

    def file_of(self, process: str) -> Path | None:
        """Where a process is defined."""
        return next(
            (one.file for one in self.read().workers if process in (each.process for each in one.processes)), None
        )

    def unknown(self, name: str) -> Exception:
        """Why nothing of this name can be acted on: to be raised."""
        for problem in self.read().problems:
            if f"/{name}.conf'" in problem:
                return SupervisorError(problem)
        names = ", ".join(worker.name for worker in self.read().workers)
        return NotFound(
            f"no worker {name!r} in '{self._paths.root}'; " + (f"there are: {names}" if names else "there are none yet")
        )


def _state_of(file: Path) -> tuple[Path, int, int, int]:
    try:
        info = os.stat(file)
    except OSError:
        return file, 0, 0, 0
    return file, info.st_mtime_ns, info.st_size, info.st_ino
