"""What is kept of a removed worker, held against what it may be before anything of it is written."""

from __future__ import annotations

import re
import shlex
from typing import Any

from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.quoting import is_variable
from pqdesk.supervision.definitions.reading import workers_in
from pqdesk.supervision.definitions.sections import parse_sections
from pqdesk.supervision.records import RemovedWorker

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.conf")


def removed_worker(kept: Any, name: str, paths: WorkspacePaths) -> RemovedWorker:
    """The worker `name` in `kept`, which is JSON out of its file.

    Raises:
        ValueError, KeyError, TypeError, SupervisorError: It is not what PQDesk keeps: it would write another file, or
            another worker.
    """
    file, text, secrets, secrets_file = (_text(kept, key) for key in ("file", "text", "secrets", "secrets_file"))
    if kept["name"] != name or not _FILE.fullmatch(file):
        raise ValueError("it is of another worker")
    if secrets_file and not re.fullmatch(re.escape(name) + r"\.[0-9a-f]{8}\.env", secrets_file):
        raise ValueError("its secrets are of another worker")
    if not all(sign and is_variable(word) for word, sign, _ in map(_parted, shlex.split(secrets, comments=True))):
        raise ValueError("its secrets are no variables")
    path = paths.workers / file
    if any(not one.name.startswith("program:") for one in parse_sections(text, path)):
        raise ValueError("it holds other sections")
    workers = list(workers_in(text, path, paths))
    if [one.name for one in workers] != [name]:
        raise ValueError("it holds other workers")
    running = kept["running"]
    if not isinstance(running, list) or not {one.process for one in workers[0].processes}.issuperset(running):
        raise ValueError("it had no such processes")
    return RemovedWorker(
        name=name,
        file=path,
        text=text,
        secrets=secrets,
        secrets_file=paths.secrets / secrets_file if secrets_file else None,
        running=tuple(running),
    )


def _text(kept: Any, key: str) -> str:
    value = kept[key]
    if value is None and key == "secrets_file":
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _parted(word: str) -> tuple[str, str, str]:
    return word.partition("=")
