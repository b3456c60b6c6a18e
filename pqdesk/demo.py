"""The sample that is real: a producer walks files of this machine, a consumer reads, counts and hashes them.

    pqdesk produce code --handler pqdesk.demo:files
    pqdesk consume code text data --handler pqdesk.demo:count

The files are the Python standard library's own; in a bundle, which has none, those of a folder of the system. One
message in fifty fails on its first delivery, on purpose, and waits in `failed` for a person's Retry, which then
completes it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from pqdesk.messages.records import Outgoing, QueueConfiguration
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.queues.message import Message
from pqdesk.workers.handlers import Fail, consumer, producer

QUEUES = ("code", "text", "data")
FAILS_FIRST = {"demo": "fails-first"}

_PAUSE_S = 0.05  # about 20 messages a second
_MARKED_EVERY = 50
_CODE = (".py", ".pyi", ".c", ".h", ".cpp", ".hpp", ".rs", ".js", ".sh", ".pl")
_TEXT = (".txt", ".md", ".rst", ".html", ".xml", ".csv", ".json", ".conf", ".cfg", ".toml", ".yaml", ".yml")
_PER_KIND = 2000
_KEEP_COMPLETED_S = 86_400
_LARGEST_BYTES = 4 * 1024 * 1024
_LOOKED_AT = 50_000
_SYSTEM_FOLDERS = ("/usr/share", "/etc", "/usr/lib")


class FailedOnPurpose(Exception):
    """One demo message in fifty, on its first delivery."""


@producer("code")
def files() -> Iterator[Outgoing]:
    """A message per file, kind after kind, over and over."""
    if os.environ.get(WORKSPACE_VARIABLE):  # a sample written by hand, as a checkout's, never met write_demo
        keep_small()
    found = find_files()
    kinds = [(kind, cycle(paths)) for kind, paths in found.items() if paths]
    pace = threading.Event()  # nobody sets it; its wait ends at once when the worker is asked to stop
    for number, (kind, paths) in enumerate(cycle(kinds), start=1):
        is_marked = number % _MARKED_EVERY == 0
        yield Outgoing(
            {"path": next(paths)},
            queue=kind,
            type="file.count",
            headers=FAILS_FIRST if is_marked else None,
            max_attempts=1 if is_marked else None,
        )
        pace.wait(_PAUSE_S)


@consumer("code")
def count(message: Message) -> dict[str, Any]:
    """Lines, words, bytes and SHA-256 of the file."""
    if message.headers.get("demo") == FAILS_FIRST["demo"] and message.attempt == 1:
        raise FailedOnPurpose("failed on purpose: press Retry and it completes")
    path = message.payload.get("path") if isinstance(message.payload, dict) else None
    if not isinstance(path, str):
        raise Fail('the payload names no file; it looks like {"path": "/etc/hostname"}')
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as exc:
        raise Fail(f"cannot read {path!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return {
        "lines": data.count(b"\n"),
        "words": len(data.split()),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def find_files() -> dict[str, list[str]]:
    """Readable files by kind, at most 2,000 of each, and some of each kind wherever the machine has them."""
    found: dict[str, list[str]] = {kind: [] for kind in QUEUES}
    own = () if getattr(sys, "frozen", False) else (sysconfig.get_path("stdlib"),)
    for folder in (*own, *_SYSTEM_FOLDERS):
        missing = [kind for kind in QUEUES if not found[kind]]
        for kind, path in _walk(folder) if missing else ():
            if kind in missing and len(found[kind]) < _PER_KIND:
                found[kind].append(path)
    return found


def write_demo(paths: WorkspacePaths) -> None:
    """Write the workspace's supervisord.conf and the two workers of the demo: producer and consumer.

    Raises:
        SupervisorError: A file cannot be written.
        WorkspaceError: The workspace cannot be used.
    """
    from pqdesk.supervision.definitions.definition import WorkerDefinition
    from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration

    write_supervisor_configuration(paths)
    produce = ("pqdesk", "produce", QUEUES[0], "--handler", "pqdesk.demo:files")
    consume = ("pqdesk", "consume", *QUEUES, "--handler", "pqdesk.demo:count")
    write_definition(paths, WorkerDefinition(name="producer", command=produce))
    write_definition(paths, WorkerDefinition(name="consumer", command=consume, restart="always"))
    keep_small(paths)


def keep_small(paths: WorkspacePaths | None = None) -> None:
    """Keep completed messages of the demo's queues for a day, unless they are configured already.

    With the 7 days of a queue that matters, a forgotten demo would fill gigabytes. Raises WorkspaceError.
    """
    from pqdesk.workspace import Workspace  # above the handlers, which need only their message

    with Workspace(None if paths is None else paths.root) as workspace:
        for queue in map(workspace.queue, QUEUES):
            if queue.configuration == QueueConfiguration():
                queue.configure(keep_completed=_KEEP_COMPLETED_S)


def _walk(folder: str) -> Iterator[tuple[str, str]]:
    """Kind and path of the regular files that are readable and not large, at most 50,000 looked at."""
    left = _LOOKED_AT
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("site-packages", "dist-packages", "__pycache__"))
        for name in sorted(names):
            left -= 1
            path = os.path.join(parent, name)
            if _is_usable(path):
                yield _kind(name), path
        if left <= 0:
            return


def _is_usable(path: str) -> bool:
    try:
        path.encode("utf-8")
        return os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_BYTES and os.access(path, os.R_OK)
    except (OSError, UnicodeEncodeError):
        return False


def _kind(name: str) -> str:
    suffix = os.path.splitext(name)[1].lower()
    return "code" if suffix in _CODE else "text" if suffix in _TEXT else "data"
