"""Environment variables that nobody else shall see: a file of NAME='value' lines, 0600, beside the workers' files.

The worker's command becomes `/bin/sh -c 'set -a; . "$0"; exec "$@"' FILE COMMAND…`: the shell reads the file and
then is the command, so the values are in no configuration and in no list of processes, and plain supervisord by hand
works too. A change makes a file of another name, so that one step, the rename of the .conf, changes both together.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pqdesk.errors import InvalidInput
from pqdesk.opening import read_plain
from pqdesk.paths import WORKSPACE_VARIABLE, WorkspacePaths
from pqdesk.supervision.definitions.quoting import check_variable, is_variable

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.env")
_SCRIPT = 'set -a; . "$0"; exec "$@"'
_LARGEST_BYTES = 1024 * 1024
_WRAP = ("/bin/sh", "-c", _SCRIPT)
_HEAD = "# Secrets of a PQDesk worker: NAME='value' lines, read by sh. After a change by hand, restart the worker.\n"


def secrets_text(variables: Mapping[str, str], *, besides: Mapping[str, str]) -> str:
    """The file's text. `besides`: the worker's other variables, which may not have the same names.

    Raises InvalidInput: a name or value that cannot be. No value is told in the error.
    """
    for name, value in variables.items():
        check_variable(name)
        if name == WORKSPACE_VARIABLE or name in besides:
            raise InvalidInput(f"the secret {name} is an environment variable of the worker already; choose one")
        if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise InvalidInput(f"the value of secret {name} holds a character that no variable can hold; remove it")
    return _HEAD + "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def new_secrets_file(paths: WorkspacePaths, worker: str) -> Path:
    """A name for a file that is not there yet."""
    return paths.secrets / f"{worker}.{secrets.token_hex(4)}.env"


def forget_secrets(file: Path | None) -> None:
    """Remove a file that no worker uses any more."""
    try:
        if file is not None:
            os.unlink(file)
    except OSError:
        pass  # it is private, and read by nobody


def forget_old_secrets(paths: WorkspacePaths, worker: str, *, keep: Collection[Path | None]) -> None:
    """Remove the files that PQDesk made for `worker`, but for these."""
    ours = re.compile(re.escape(worker) + r"\.[0-9a-f]{8}\.env")
    try:
        found = [paths.secrets / name for name in os.listdir(paths.secrets) if ours.fullmatch(name)]
    except OSError:
        return
    for file in found:
        if file not in keep:
            forget_secrets(file)


def read_secrets(file: Path | None) -> dict[str, str]:
    """The variables in the file; none when it cannot be read, as the worker's own log says then."""
    if file is None:
        return {}
    try:
        words = shlex.split(read_secrets_text(file), comments=True)  # not as text: it has all line ends
    except (OSError, ValueError):
        return {}
    found = (word.partition("=") for word in words)
    return {name: value for name, sign, value in found if sign and is_variable(name)}


def read_secrets_text(file: Path) -> str:
    """The text of the file. Raises OSError, UnicodeDecodeError."""
    return read_plain(file, _LARGEST_BYTES).decode("utf-8")


def secrets_setting(file: Path) -> str:
    """The beginning of the value of `command=`, before the command itself."""
    return f'{shlex.join(_WRAP)} "%(here)s/../secrets/{file.name}" '


def unwrap(command: Sequence[str], folder: Path) -> tuple[tuple[str, ...], Path | None]:
    """The worker's own command, and its file of secrets if there is one; `folder` is that of the configuration.

    A file elsewhere, or of another kind of name, is none of ours: then the shell that reads it is the command.
    """
    words = tuple(command)
    if words[: len(_WRAP)] != _WRAP or len(words) < len(_WRAP) + 2:
        return words, None
    rest = words[len(_WRAP) + 1 :]
    file = Path(os.path.normpath(folder / words[len(_WRAP)]))
    return (words, None) if _FILE.fullmatch(file.name) is None or file.parent.name != "secrets" else (rest, file)
