"""Workers' files that supervisord refuses or must not read, out of its way while it starts, and back when it has.

A running supervisord is not asked to read its files while one is unfit. One that starts reads them all, gives up over
one that is broken, and with it every worker. So such a file has another name for the moment of a start.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Self

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.reading import read_definitions

_ENDING = ".held"  # no *.conf, so supervisord does not include it


class BrokenFiles:
    """A context, inside which the files set aside are hidden. Belongs to whoever holds the lock of the start."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._folder = paths.workers

    def __enter__(self) -> Self:
        self._put_back()  # of a start that was killed
        try:
            for file, problem in read_definitions(self._paths).unfit.items():
                if file.parent != self._folder or not (self._hide(file) or not os.path.lexists(file)):
                    raise SupervisorError(f"supervisord is not started: {problem}; messages are unaffected")
        except BaseException:
            self._put_back()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._put_back()

    def set_aside(self, reason: str) -> bool:
        """Hide the worker's file that supervisord named as its reason not to start; False when there is none such."""
        named = re.findall(r"/workers/([^/'\"]+\.conf)['\")]", reason)
        return any(self._hide(self._folder / name) for name in named)

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
