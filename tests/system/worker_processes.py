"""Real worker processes, driven by their Python entry points; the commands have tests of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pqdesk import Workspace
from pqdesk.messages.records import MessageDetail
from tests.processes import end_child
from tests.support import wait_until

_CONSUME = """
import sys
from pqdesk import Workspace
from pqdesk.errors import PQDeskError
from pqdesk.workers.command_consumer import CommandTarget
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.handlers import load_handler
workspace = Workspace({workspace!r})
target = CommandTarget({command!r}, {is_piped!r}) if {command!r} else load_handler({handler!r})
try:
    queues = [workspace.queue(name) for name in {queues!r}]
    code = run_consumer(queues, target, workspace=workspace.paths, **{options!r})
except PQDeskError as exc:
    sys.exit(str(exc))
workspace.close()
sys.exit(code)
"""
_PRODUCE = """
import sys
from pathlib import Path
from pqdesk import Workspace
from pqdesk.errors import PQDeskError
from pqdesk.workers.command_consumer import CommandTarget
from pqdesk.workers.folder import FolderTarget
from pqdesk.workers.handlers import load_handler
from pqdesk.workers.producer import run_producer
workspace = Workspace({workspace!r})
command, folder = {command!r}, {folder!r}
target = CommandTarget(command) if command else FolderTarget(Path(folder)) if folder else load_handler({handler!r})
try:
    code = run_producer(workspace.queue({queue!r}), target, workspace=workspace.paths, **{options!r})
except PQDeskError as exc:
    sys.exit(str(exc))
workspace.close()
sys.exit(code)
"""


class WorkerProcess:
    """A consumer or producer; its lines are in files, so that no pipe can fill."""

    def __init__(self, program: str, folder: Path, name: str) -> None:
        self.out, self.err = folder / f"{name}.out.log", folder / f"{name}.err.log"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._popen = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", program],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self, timeout_s: float = 20) -> int:
        """Its exit code; -N when signal N ended it."""
        return self._popen.wait(timeout_s)

    def stop(self) -> int:
        """TERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        end_child(self._popen)

    def lines(self) -> list[str]:
        return self.out.read_text(encoding="utf-8", errors="replace").splitlines()

    def errors(self) -> str:
        return self.err.read_text(encoding="utf-8", errors="replace")


class Workers:
    """Starts worker processes on the workspace at `path`, with handlers in `folder`."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self.folder = folder
        self._started: list[WorkerProcess] = []

    def handler(self, code: str, name: str = "handlers.py") -> Path:
        """Write a file of handlers; `code` may use all names of pqdesk, and `here`, this folder."""
        head = "import os, sys, threading, time\nfrom pathlib import Path\nfrom pqdesk import *\n"
        head += f"here = Path({str(self.folder)!r})\n"
        file = self.folder / name
        file.write_text(head + code, encoding="utf-8")
        return file

    def consume(
        self,
        queues: str | Sequence[str],
        handler: str = "",
        *,
        command: Sequence[str] = (),
        is_piped: bool = False,
        **options: Any,
    ) -> WorkerProcess:
        names = [queues] if isinstance(queues, str) else list(queues)
        return self._start(
            _CONSUME.format(
                workspace=str(self._path),
                command=tuple(command),
                is_piped=is_piped,
                handler=handler,
                queues=names,
                options=options,
            )
        )

    def produce(
        self, queue: str, handler: str = "", *, command: Sequence[str] = (), folder: str = "", **options: Any
    ) -> WorkerProcess:
        return self._start(
            _PRODUCE.format(
                workspace=str(self._path),
                command=tuple(command),
                folder=folder,
                handler=handler,
                queue=queue,
                options=options,
            )
        )

    def end(self) -> None:
        for process in self._started:
            process.end()

    def _start(self, program: str) -> WorkerProcess:
        process = WorkerProcess(program, self.folder, f"worker-{len(self._started) + 1}")
        self._started.append(process)
        return process


@contextmanager
def workers_on(path: Path, folder: Path) -> Iterator[Workers]:
    """Workers that are ended at the end."""
    workers = Workers(path, folder)
    try:
        yield workers
    finally:
        workers.end()


def wait_for_state(workspace: Workspace, message_id: int, word: str, *, logs: Path) -> MessageDetail:
    """The message once it is in that state."""
    wait_until(
        lambda: workspace.message(message_id).state.word == word,
        reason=f"message {message_id} to be {word}, it is {workspace.message(message_id)}",
        logs=logs,
    )
    return workspace.message(message_id)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, zombies left out."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
