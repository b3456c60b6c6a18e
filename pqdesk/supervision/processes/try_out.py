"""Running a worker's command for a moment, to see whether it runs at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from pqdesk.attending import attend
from pqdesk.bundle import path_with_program
from pqdesk.clock import SystemClock
from pqdesk.errors import InvalidInput
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.planning import normal_definition
from pqdesk.supervision.definitions.recipes import split_program
from pqdesk.supervision.definitions.secret_files import secrets_text
from pqdesk.supervision.definitions.writing import definition_text
from pqdesk.supervision.logs.likely_cause import likely_cause
from pqdesk.supervision.logs.log_files import readable
from pqdesk.supervision.records import TryOut, WorkerKind

OUTPUT_LIMIT_BYTES = 64 * 1024
WORK_S = 30.0  # the longest that one message or one run of a producer is waited for
SAID_BY_US = "pqdesk: error: "

_GRACE_MS = 5000
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
            bufsize=0,
        )
    except OSError as exc:
        return _unstarted(wanted, exc)
    clock, output, was_running = SystemClock(), bytearray(), False
    act_ms = clock.awake_ms() + seconds * 1000

    def look() -> float:
        nonlocal act_ms, was_running
        now_ms = clock.awake_ms()
        if now_ms >= act_ms:
            _signal(process, signal.SIGKILL if was_running else getattr(signal, f"SIG{wanted.stop_signal}"))
            was_running, act_ms = True, now_ms + _GRACE_MS
        return (act_ms - now_ms) / 1000

    def keep(chunk: bytes) -> None:
        output.extend(chunk)
        del output[:-OUTPUT_LIMIT_BYTES]

    assert process.stdout is not None
    with process.stdout as pipe:
        try:
            attend(lambda: process.poll() is not None, {pipe: keep}, look)
        finally:
            _signal(process, signal.SIGKILL)  # what is left of it and its children
            process.wait()
    lines = bytes(output).removesuffix(b"\n").split(b"\n")
    return _outcome(
        None if was_running else process.returncode, "\n".join(text for one in lines for text in readable(one))
    )


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


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


_CHECK = "--check"
_LONGEST_S = 20.0  # somebody's module takes its time to be imported; what takes longer is not known to be wrong


def check_start(definition: WorkerDefinition, paths: WorkspacePaths) -> None:
    """Have `consume` or `produce` check its handler, command, folder and variables, in the worker's own place.

    Of another command its program is looked for. Raises InvalidInput: it could not start, with the reason that it
    gives itself.
    """
    found = split_program(definition.command)
    if found is None:
        _check_program(definition, paths)
        return
    program, verb, words = found
    outcome = run_for(replace(definition, command=(*program, verb, _CHECK, *words)), paths, _LONGEST_S)
    if outcome.exit_code in (None, 0) or f"No such option: {_CHECK}" in outcome.output:  # a PQDesk of before
        return
    said = [line for line in outcome.output.splitlines() if line.strip()]
    told = next((line for line in said if line.startswith(SAID_BY_US)), (said or [outcome.likely_cause or "?"])[-1])
    raise InvalidInput(_refusal(definition, told.removeprefix(SAID_BY_US)))


def _check_program(definition: WorkerDefinition, paths: WorkspacePaths) -> None:
    program = definition.command[0]
    place = os.path.join(definition.folder or paths.root, program) if "/" in program else program
    if shutil.which(place, path=environment_of(definition, paths).get("PATH")) is None:
        raise InvalidInput(_refusal(definition, f"command {program!r} is not found, or not executable"))


def _refusal(definition: WorkerDefinition, reason: str) -> str:
    return f"worker {definition.name!r} could not start so: {reason}; nothing was changed"
