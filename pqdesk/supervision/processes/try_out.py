"""Running a worker's command for a moment, to see whether it runs at all."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from pqdesk.bundle import path_with_program
from pqdesk.clock import Clock, SystemClock
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.planning import normal_definition
from pqdesk.supervision.definitions.recipes import split_program
from pqdesk.supervision.definitions.rendering import definition_text
from pqdesk.supervision.definitions.secret_files import secrets_text
from pqdesk.supervision.logs.likely_cause import likely_cause
from pqdesk.supervision.logs.log_files import readable
from pqdesk.supervision.records import TryOut, WorkerKind

OUTPUT_LIMIT_BYTES = 64 * 1024
WORK_S = 30.0  # the longest that one message or one run of a producer is waited for
SAID_BY_US = "pqdesk: error: "

_GRACE_S = 5.0
_REST_S = 1.0  # for what is left in the pipe of a program that has ended
_CHUNK_BYTES = 64 * 1024
_LAST_LINES = 20
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as shells have it


def try_out(
    definition: WorkerDefinition, paths: WorkspacePaths, seconds: float, sample: str | None, message_id: int | None
) -> TryOut:
    """As Supervision.try_out()."""
    found = split_program(definition.command)
    if found is None:
        return run_for(definition, paths, seconds)
    program, verb, words = found
    extra = ("--try",)
    if verb == "consume" and sample is not None:
        extra = (f"--try={sample}",)
    elif verb == "consume":
        extra = ("--check",) if message_id is None else (f"--try-message={message_id}",)
    outcome = run_for(replace(definition, command=(*program, verb, *extra, *words)), paths, WORK_S)
    if outcome.is_still_running:
        return replace(outcome, verdict=f"it was still at work after {WORK_S:.0f} s, and was ended")
    said = [line for line in outcome.output.splitlines() if line.strip()]
    verdict = said[-1].removeprefix(SAID_BY_US) if said else outcome.likely_cause
    if extra == ("--check",) and outcome.exit_code == 0:
        verdict = "it could start; its work was not tried, for want of a payload or a message"
    return replace(outcome, output="\n".join(said[:-1]), verdict=verdict)


def trial_story(kind: WorkerKind, sample: str | None, message_id: int | None) -> str:
    """What try_out() will do with a worker of this kind, to be said before."""
    if kind == "producer":
        return "It runs once, and what it would put is told; nothing is put. What it does elsewhere it really does"
    if kind == "command":
        return "It really runs for some seconds, in this workspace, and is ended then"
    if sample is None and message_id is None:
        return "It is checked whether it could start. With a payload, or the id of a message, its work is tried on that"
    what = "this payload" if sample is not None else f"a copy of message {message_id}"
    return (
        f"It works once on {what}; no message of this workspace is taken or put. What it does elsewhere it really does"
    )


def run_for(definition: WorkerDefinition, paths: WorkspacePaths, seconds: float) -> TryOut:
    """Run its command for so long, as supervisord would."""
    wanted = normal_definition(definition, paths)
    definition_text(replace(wanted, file=None))  # what could not be saved is not tried
    secrets_text(wanted.secrets, besides=wanted.environment)
    try:
        process = subprocess.Popen(
            wanted.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=wanted.folder or (paths.root if paths.root.is_dir() else None),
            env=environment_of(wanted, paths),
            start_new_session=True,
        )
    except OSError as exc:
        return _unstarted(wanted, exc)
    run = _Run(process, SystemClock())
    try:
        has_ended = run.read(seconds)
        code = process.returncode if has_ended else None
        run.end(getattr(signal, f"SIG{wanted.stop_signal}"))
    finally:
        run.close()
    return _outcome(code, run.text)


def environment_of(definition: WorkerDefinition, paths: WorkspacePaths) -> Mapping[str, str]:
    """The variables that a worker finds."""
    environment = clean_environment()  # as supervisord has it
    environment["PATH"] = path_with_program(environment)
    environment[WORKSPACE_VARIABLE] = str(paths.root)
    return {**environment, **definition.environment, **definition.secrets}


def _unstarted(definition: WorkerDefinition, exc: OSError) -> TryOut:
    if definition.folder is not None and not definition.folder.is_dir():
        reason = f"couldn't chdir to {definition.folder}: {exc.strerror}"
        return TryOut(_NOT_FOUND, None, reason, likely_cause(reason, ()))
    program = definition.command[0]
    if isinstance(exc, FileNotFoundError):
        return TryOut(
            _NOT_FOUND, None, f"{program}: command not found", likely_cause(f"can't find command '{program}'", ())
        )
    return TryOut(_NOT_EXECUTABLE, None, f"{program}: {exc.strerror}", likely_cause("exit status 126", ()))


def _outcome(code: int | None, output: str) -> TryOut:
    if code is None:
        return TryOut(None, None, output, None)
    lines = output.splitlines()[-_LAST_LINES:]
    if code >= 0:
        return TryOut(code, None, output, likely_cause(f"exit status {code}", lines) or None)
    try:
        name = signal.Signals(-code).name.removeprefix("SIG")
    except ValueError:
        name = str(-code)
    return TryOut(None, name, output, likely_cause(f"signal {name}", lines) or None)


class _Run:
    """One running program, its output read so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[bytes], clock: Clock) -> None:
        assert process.stdout is not None
        self._process = process
        self._pipe = process.stdout
        self._clock = clock
        self._output = bytearray()
        self._is_open = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)
        os.set_blocking(self._pipe.fileno(), False)

    @property
    def text(self) -> str:
        return "\n".join(line for one in bytes(self._output).removesuffix(b"\n").split(b"\n") for line in readable(one))

    def read(self, seconds: float) -> bool:
        """Read for so long, or until the program has ended; whether it has."""
        ends_ms = self._clock.awake_ms() + seconds * 1000
        while self._process.poll() is None:
            left_s = (ends_ms - self._clock.awake_ms()) / 1000
            if left_s <= 0:
                return False
            if self._is_open:
                self._take(min(left_s, 0.05))
            else:
                self._wait(min(left_s, 0.05))
        return True

    def end(self, number: int) -> None:
        """Ask it to end, kill what is left of it and its children, and read the rest of what it wrote."""
        if self._process.poll() is None:
            self._kill(number)
            self.read(_GRACE_S)
        self._kill(signal.SIGKILL)
        self._process.wait()
        ends_ms = self._clock.awake_ms() + _REST_S * 1000
        while self._is_open and self._clock.awake_ms() < ends_ms and self._take(0.05):
            pass

    def close(self) -> None:
        if self._process.poll() is None:
            self._kill(signal.SIGKILL)
            self._process.wait()
        self._selector.close()
        self._pipe.close()

    def _kill(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _take(self, wait_s: float) -> bool:
        """Read what is there, waiting for it; False when nothing came."""
        if not self._selector.select(wait_s):
            return False
        chunk = os.read(self._pipe.fileno(), _CHUNK_BYTES)
        if not chunk:
            self._is_open = False
            self._selector.unregister(self._pipe)
        self._output += chunk
        del self._output[:-OUTPUT_LIMIT_BYTES]
        return bool(chunk)

    def _wait(self, wait_s: float) -> None:
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            pass
