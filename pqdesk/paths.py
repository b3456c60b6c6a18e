"""Where everything lives: workspaces and their addresses, their files, the app's own folders. Opens no file."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pqdesk.errors import InvalidInput
from pqdesk.later import Later
from pqdesk.opening import check_private_folder

if TYPE_CHECKING:
    import hashlib

    import platformdirs
else:
    hashlib, platformdirs = Later("hashlib"), Later("platformdirs")  # most programs name their workspace

APP_NAME = "pqdesk"
WORKSPACE_VARIABLE = "PQDESK_WORKSPACE"
PASS_VARIABLE = "PQDESK_PASS"  # names that are passed on to what outlives the shell, with blanks or commas between
VERSION_VARIABLE = "PQDESK_DAEMON_VERSION"  # in supervisord's environment: which PQDesk started it

_BESIDE = "-pqdesk"
_SUFFIXES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

# supervisord binds SOCKET.PID before it links it into place; with the longest pid that has to stay
# below the 108 bytes of sockaddr_un (unix(7)). Measured with supervisor 4.3.0.
_LONGEST_SOCKET_PATH_BYTES = 95


@contextmanager
def variable_set(name: str, value: str) -> Iterator[None]:
    """Have this variable in the environment of this process and its children, until the block is left."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class WorkspacePaths(NamedTuple):
    """The files of the workspace at `root`, an absolute path. None of them has to exist.

    `application`: The SQLite file of an application, when the queues are in it; `root` is the folder beside it then,
    FILE-pqdesk.
    """

    root: Path
    application: Path | None = None

    @property
    def location(self) -> Path:
        """What people call it, and what leads here again: the workspace's folder, or the application's file."""
        return self.application or self.root

    @property
    def database(self) -> Path:
        return self.application or self.root / "queue.db"

    @property
    def run(self) -> Path:
        """Locks and bells."""
        return self.root / "run" if self.application is None else self.root

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def app_log(self) -> Path:
        return self.logs / "pqdesk.log"

    @property
    def supervisor(self) -> Path:
        return self.root / "supervisor"

    @property
    def supervisor_configuration(self) -> Path:
        return self.supervisor / "supervisord.conf"

    @property
    def workers(self) -> Path:
        """One NAME.conf per worker."""
        return self.supervisor / "workers"

    @property
    def secrets(self) -> Path:
        return self.supervisor / "secrets"

    @property
    def removed(self) -> Path:
        """What was removed of workers, a NAME.json for each."""
        return self.supervisor / "removed"

    @property
    def socket_folder(self) -> Path:
        """Where supervisord's socket and pid file live: beside its configuration, if that path is short enough."""
        if len(os.fsencode(self.supervisor / "supervisord.sock")) <= _LONGEST_SOCKET_PATH_BYTES:
            return self.supervisor
        return runtime_folder() / hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]

    @property
    def socket(self) -> Path:
        return self.socket_folder / "supervisord.sock"

    @property
    def pid_file(self) -> Path:
        return self.socket_folder / "supervisord.pid"

    @property
    def boot_log(self) -> Path:
        """supervisord's stderr: errors in its configuration are told there and only there."""
        return self.logs / "supervisord.boot.log"


def default_workspace() -> Path:
    return _of_user("user_data_path") / "default"


def demo_workspace() -> Path:
    return _of_user("user_data_path") / "demo"


def choose_workspace(given: str | os.PathLike[str] | None = None) -> WorkspacePaths:
    """The workspace at the address `given`, else at $PQDESK_WORKSPACE, else the default one; links resolved.

    An address is a workspace's folder or the queue.db in it, or the SQLite file of an application, whose own folder
    FILE-pqdesk means the same. This is the one place that reads addresses. Raises InvalidInput: it is no path, or a
    URL.
    """
    chosen = given if given is not None else os.environ.get(WORKSPACE_VARIABLE) or default_workspace()
    text = path_text(chosen, "workspace", "folder")
    if _URL.match(text):
        raise InvalidInput(f"workspace {text!r:.80} is a URL; name a folder, or an SQLite file")
    path = resolved_path(text, "workspace", "folder")
    if path.name == "queue.db" and not path.is_dir():
        return WorkspacePaths(path.parent)
    if _is_database(path):
        return application_paths(path)
    if path.name.endswith(_BESIDE) and not (path / "queue.db").exists():
        beside = path.with_name(path.name.removesuffix(_BESIDE))
        if beside.name and _is_database(beside):
            return application_paths(beside)
    return WorkspacePaths(path)


def application_paths(file: Path) -> WorkspacePaths:
    """For queues in an application's file; locks, bells, workers and logs go to FILE-pqdesk beside it."""
    return WorkspacePaths(file.with_name(file.name + _BESIDE), file)


def _is_database(path: Path) -> bool:
    """By stat alone: to open an SQLite file that this process has open already would drop SQLite's locks.

    SQLite makes a file empty, so one that is empty counts where it is named as such.
    """
    try:
        status = path.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_size > 0 or path.suffix in _SUFFIXES)


def _of_user(kind: str) -> Path:
    """This user's folder of a kind that platformdirs knows. Raises InvalidInput where there is no home for it."""
    try:
        folder: Path = getattr(platformdirs, kind)(APP_NAME)
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():  # older ones answer with `~`, which would be a folder of the current one
        raise InvalidInput(
            f"this user has no home folder; set HOME, or name a workspace with -w, workspace= or ${WORKSPACE_VARIABLE}"
        )
    return folder


def resolved_path(given: object, what: str, kind: str) -> Path:
    """`given` as the absolute path that it leads to, for SQLite. Raises InvalidInput."""
    return database_path(os.path.realpath(os.path.expanduser(path_text(given, what, kind))), what, kind)


def database_path(path: str, what: str, kind: str) -> Path:
    """`path` if SQLite can open it, which takes names in UTF-8 alone. Raises InvalidInput."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        text = f"{what} {path!a} has a name that is not UTF-8, which SQLite cannot open"
        raise InvalidInput(f"{text}; rename that {kind}") from None
    return Path(path)


def path_text(given: object, what: str, kind: str) -> str:
    """`given` as the text of a path. Raises InvalidInput for what can be none."""
    text = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(text, str):
        raise InvalidInput(f"{what} must be the path of a {kind}, got {type(given).__name__}")
    try:
        is_possible = bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_possible = False
    if not is_possible:
        raise InvalidInput(f"{what} must be the path of a {kind}, got {text!r:.80}")
    return text


def state_folder() -> Path:
    """Window state and settings of the app; not of a workspace."""
    return _of_user("user_state_path")


def runtime_folder() -> Path:
    """A folder of this user alone, with a short name, for sockets. Whoever uses it makes it, 0700.

    In $XDG_RUNTIME_DIR, but not where others may write as well, as in /tmp: they could have taken the name.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and _is_private(Path(base)):
        return Path(base) / APP_NAME
    return _of_user("user_cache_path") / "run"


def _is_private(folder: Path) -> bool:
    try:
        check_private_folder(folder)
    except OSError:
        return False
    return True


def resources_folder() -> Path:
    """The folder of icons and other data: in a bundle, in a wheel and in a checkout alike."""
    beside = Path(__file__).resolve().parent / "resources"  # a wheel and a bundle have them inside the package
    return beside if beside.is_dir() else beside.parent.parent / "resources"
