"""Programs that a worker runs: each in a process group of its own, and none that outlives the worker.

The group lets a timeout end a program with all that it started, and keeps the terminal's Ctrl-C and supervisord's
group signals from programs that are to finish their message. It also means that whoever kills the worker with
`kill -9` does not reach them, while the message is already running elsewhere. So a worker has a guard: a tiny shell
that knows the live groups and kills them when the pipe from the worker closes, by whatever death.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from pqdesk.errors import InvalidInput
from pqdesk.paths import PASS_VARIABLE, VERSION_VARIABLE, WORKSPACE_VARIABLE

_SHEBANG_BYTES = 256  # what Linux looks at, too
_FOR_OTHERS = (
    *("PQDESK_ID", "PQDESK_QUEUE", "PQDESK_TYPE", "PQDESK_ATTEMPT", "PQDESK_RECEIPT", "PQDESK_PAYLOAD_FILE"),
    *(PASS_VARIABLE, VERSION_VARIABLE),
)

_GUARD = r"""
live=
while read -r sign group; do
    rest=
    for one in $live; do [ "$one" = "$group" ] || rest="$rest $one"; done
    live=$rest
    [ "$sign" = + ] && live="$live $group"
done
for one in $live; do kill -s KILL -- "-$one"; done
"""


class ChildGuard:
    """Kills the children of this process when it dies. Thread-safe; starts its shell before the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None
        self._has_tried = False

    def begin(self) -> None:
        """To be called before a child is started: until its shell is there, nobody would end the child."""
        with self._lock:
            if not self._has_tried:
                self._has_tried = True
                self._shell = self._start()

    def watch(self, pid: int) -> None:
        self._tell(f"+ {pid}\n")

    def forget(self, pid: int) -> None:
        """To be called before anything else can get the pid, that is, right after it was reaped."""
        self._tell(f"- {pid}\n")

    def close(self) -> None:
        """End the guard; children that are still watched are killed."""
        with self._lock:
            if self._shell is not None:
                self._shell.communicate()
                self._shell = None

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._shell is None or self._shell.stdin is None:
                return
            try:
                self._shell.stdin.write(line.encode("ascii"))
                self._shell.stdin.flush()
            except OSError:
                pass  # somebody ended the guard; programs go on without one

    @staticmethod
    def _start() -> subprocess.Popen[bytes] | None:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARD],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},  # nothing by which supervisord's orphans are recognised
                start_new_session=True,
            )
        except OSError:
            return None


class Child:
    """One running program in its own process group. Belongs to one thread, but for `signal`."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        guard: ChildGuard,
        *,
        has_stdin: bool = False,
        kept_open: Sequence[int] = (),
    ) -> None:
        """`kept_open`: descriptors that the program has, too."""
        self._guard = guard
        guard.begin()
        self._popen = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            pass_fds=kept_open,
            bufsize=0,
        )
        guard.watch(self._popen.pid)
        self.exit_descriptor = self._open_exit_descriptor()

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._popen.stdin

    @property
    def outputs(self) -> tuple[IO[bytes], IO[bytes]]:
        """stdout and stderr."""
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        return self._popen.stdout, self._popen.stderr

    def has_ended(self) -> bool:
        if self._popen.returncode is None and self._popen.poll() is not None:
            self._guard.forget(self._popen.pid)
        return self._popen.returncode is not None

    @property
    def status(self) -> int:
        """The exit status once it has ended; -N after signal N."""
        assert self._popen.returncode is not None
        return self._popen.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and all that it started, as long as it has not ended."""
        if self._popen.returncode is None:
            try:
                os.killpg(self._popen.pid, number)
            except ProcessLookupError:
                pass

    def kill_group(self) -> None:
        """KILL what the program has left running in its group; also right after it has ended."""
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def close(self) -> None:
        """Let go of the pipes; a program that still runs is killed."""
        self.signal(signal.SIGKILL)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()
        if self.exit_descriptor is not None:
            os.close(self.exit_descriptor)
            self.exit_descriptor = None
        if self._popen.returncode is None:
            self._popen.wait()
            self._guard.forget(self._popen.pid)

    def _open_exit_descriptor(self) -> int | None:
        """Readable when the program has ended; None where the system has no such thing."""
        try:
            return os.pidfd_open(self._popen.pid)
        except (AttributeError, OSError):
            return None


def find_program(command: Sequence[str]) -> list[str]:
    """The command with its program's place. Raises InvalidInput when there is none that can be run."""
    if not command or not command[0]:
        raise InvalidInput("no command given; write it after --")
    if any("\0" in word for word in command):
        raise InvalidInput(f"command {command[0]!r} has a NUL character in its arguments")
    place = shutil.which(command[0])
    if place is None:
        reason = "is not an executable file" if os.path.exists(command[0]) else "is not found here or in $PATH"
        raise InvalidInput(f"command {command[0]!r} {reason}; nothing was started")
    problem = script_problem(place)
    if problem is not None:
        raise InvalidInput(f"command {command[0]!r} cannot be run: {problem}; nothing was started")
    return [os.path.abspath(place), *command[1:]]


def why_not_run(program: str, error: OSError) -> str | None:
    """Why the system cannot run this program at all; None when it could not just now."""
    if error.errno == errno.ENOEXEC:
        return script_problem(program) or "it is no program; a script begins with a line like #!/bin/sh"
    if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ELOOP):
        return script_problem(program) or error.strerror
    return None


def script_problem(program: str) -> str | None:
    """What is wrong with the first line of a script; None for nothing, and for what is no script."""
    try:
        with open(program, "rb") as file:
            line = file.readline(_SHEBANG_BYTES)
    except OSError:
        return None
    if not line.startswith(b"#!"):
        return None
    if line.endswith(b"\r\n"):
        return "its first line ends as on Windows, which no interpreter is named as; make its line ends LF (dos2unix)"
    interpreter = os.fsdecode(line[2:].split()[0]) if line[2:].split() else ""
    if not os.path.isabs(interpreter) or os.access(interpreter, os.X_OK):
        return None
    return f"its interpreter {interpreter!r} is not there, or cannot be run"


def child_environment(workspace: Path | None, values: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `values`, without what others were told: a surrounding command, supervisord."""
    environment = {name: value for name, value in os.environ.items() if not _is_for_others(name)}
    if workspace is not None:
        environment[WORKSPACE_VARIABLE] = str(workspace)
    environment.update(values)
    return environment


def _is_for_others(name: str) -> bool:
    return name.startswith("PQDESK_HEADER_") or name in _FOR_OTHERS


def describe_status(status: int) -> str:
    """`exit status 3`, `ended by SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
