"""The command line that adds the same worker. Secrets are not in it: a command line is no place for them."""

from __future__ import annotations

import shlex

from pqdesk.supervision.definitions import WorkerDefinition


def add_worker_command(definition: WorkerDefinition) -> str:
    """`pqdesk add-worker NAME … -- COMMAND…`."""
    usual = WorkerDefinition(name=definition.name, command=definition.command)
    words = ["pqdesk", "add-worker", definition.name]
    if definition.replicas != usual.replicas:
        words += ["--replicas", str(definition.replicas)]
    return shlex.join([*words, "--", *definition.command])
