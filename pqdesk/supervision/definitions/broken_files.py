"""Workers' files that supervisord refuses, out of its way while it starts, and back as soon as it has.

A running supervisord goes on when a file is broken; one that starts gives up, and with it every worker. So such a file
has another name for the moment of a start. It is read, and told as wrong, at the next change or start of a worker.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Self

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.reading import UnfitName, definition_files, read_definitions, workers_of

_ENDING = ".held"  # no *.conf, so supervisord does not include it


class BrokenFiles:
    """A context, inside which the files set aside are hidden. Belongs to whoever holds the lock of the start."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._folder = paths.workers

    def __enter__(self) -> Self:
        self._put_back()  # of a start that was killed
        for file in definition_files(self._paths):
            try:
                workers_of(file, self._paths)
            except UnfitName:  # supervisord would take it
                self._hide(file)
            except SupervisorError:
                continue  # it says itself what it does not take
        return self

    def __exit__(self, *exc: object) -> None:
        self._put_back()

    def set_aside(self, reason: str) -> bool:
        """Hide the worker's file that supervisord named as its reason not to start; False when there is none such."""
        told = (reason, *read_definitions(self._paths).problems)  # it does not name each one that it cannot read
        for name in re.findall(r"/workers/([^/'\"]+\.conf)['\")]", " ".join(told)):
            if self._hide(self._folder / name):
                return True
        return False

    @staticmethod
    def _hide(file: Path) -> bool:
        try:
            os.rename(file, file.with_name(file.name + _ENDING))
        except OSError:
            return False  # set aside already, or not to be changed
        return True

    def _put_back(self) -> None:
        try:
            names = [name for name in os.listdir(self._folder) if name.endswith(f".conf{_ENDING}")]
        except OSError:
            return
        for name in names:
            hidden, file = self._folder / name, Path(self._folder / name.removesuffix(_ENDING))
            if not file.exists():
                os.rename(hidden, file)
