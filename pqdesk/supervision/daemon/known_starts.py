"""Whether this user has started workers in a workspace before.

A workspace can come from anywhere: an archive, a repository, a colleague. Its workers are commands, so the window shows
them before the first start; the terminal's `start` names what it does. What was started once is known from then on,
by its path and inode, in the user's state folder: it is nothing that the workspace itself could say.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pqdesk.errors import PQDeskError
from pqdesk.messages.json_text import load_json
from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths, state_folder
from pqdesk.supervision.private_files import write_private_file

_LARGEST_BYTES = 1024 * 1024
_MOST = 1000


def was_started_here(paths: WorkspacePaths) -> bool:
    """Whether this user has started workers in this very workspace before, or said that they may be."""
    identity = _identity(paths)
    return identity is not None and _known().get(str(paths.root)) == identity


def remember_start(paths: WorkspacePaths) -> None:
    """This user has seen what it runs, or started it. Where that cannot be kept, they are asked again."""
    identity = _identity(paths)
    known = _known()
    if identity is None or known.get(str(paths.root)) == identity:
        return
    known.pop(str(paths.root), None)
    known[str(paths.root)] = identity
    newest = dict(list(known.items())[-_MOST:])
    try:
        write_private_file(_file(), json.dumps(newest, indent=1))
    except (PQDeskError, OSError, ValueError):
        pass


def _file() -> Path:
    return state_folder() / "started.json"


def _identity(paths: WorkspacePaths) -> str | None:
    try:
        status = os.stat(paths.root)
    except OSError:
        return None
    return f"{status.st_dev}:{status.st_ino}"


def _known() -> dict[str, str]:
    try:
        kept = load_json(read_plain(_file(), _LARGEST_BYTES))
    except (PQDeskError, OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {path: identity for path, identity in kept.items() if isinstance(identity, str)}
