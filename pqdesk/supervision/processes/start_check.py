"""Whether a worker could start: the check that it makes itself, run before its file counts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from pqdesk.errors import InvalidInput
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import split_program
from pqdesk.supervision.processes.try_out import SAID_BY_US, environment_of, run_for

_CHECK = "--check"
_LONGEST_S = 20.0  # somebody's module takes its time to be imported; what takes longer is not known to be wrong


def check_start(definition: WorkerDefinition, paths: WorkspacePaths) -> None:
    """Have `consume` or `produce` check its handler, command, folder and variables, in the worker's own place.

    Of another command its program is looked for.

    Raises:
        InvalidInput: It could not start, with the reason that it gives itself.
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
