"""Which processes a person stopped: supervisor/stopped.conf, plain configuration that supervisord.conf includes last.

    [program:importer]
    autostart=false

supervisord reads it over what the worker's own file says, so a stop survives its restart, also by hand and without
PQDesk; the worker's file stays as somebody wrote it. A start takes the section out again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.quoting import WRITTEN_NAME
from pqdesk.supervision.definitions.sections import read_configuration
from pqdesk.supervision.private_files import write_private_file
from pqdesk.supervision.waiting import held_lock

FILE_NAME = "stopped.conf"
HEAD = """\
; Workers that somebody stopped, so that they do not start with supervisord. PQDesk writes this file: start a worker
; with `pqdesk start NAME`, or take its section out.
"""
_SECTION = re.compile(r"^\[program:([^\]\r\n]+)\]", re.MULTILINE)
_LOCK_S = 10.0


class StoppedByHand:
    """The programs (sections) that stay stopped until a person starts them. Keeps nothing open."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._file = paths.supervisor / FILE_NAME

    def read(self) -> frozenset[str]:
        """Their names; none when the file is missing or cannot be read."""
        return frozenset(filter(WRITTEN_NAME.fullmatch, _SECTION.findall(self._text())))

    def add(self, programs: Collection[str]) -> None:
        """Raises SupervisorError, DiskFull."""
        self._change(lambda before: before | set(programs))

    def discard(self, programs: Collection[str]) -> None:
        """Raises SupervisorError, DiskFull."""
        self._change(lambda before: before - set(programs))

    def keep_only(self, programs: Collection[str]) -> None:
        """Forget all that are not defined any more: supervisord would refuse a section without a command."""
        self._change(lambda before: before & set(programs))

    def _change(self, changed: Callable[[frozenset[str]], frozenset[str]]) -> None:
        """Whatever else is in the file does not stay: supervisord would obey it."""
        with held_lock(self._paths.run / "stopped.lock", _LOCK_S, "stopping workers"):
            after = sorted(filter(WRITTEN_NAME.fullmatch, changed(self.read())))
            text = HEAD + "".join(f"\n[program:{name}]\nautostart=false\n" for name in after)
            if text != self._text():
                write_private_file(self._file, text)

    def _text(self) -> str:
        try:
            return read_configuration(self._file)
        except SupervisorError:
            return ""
