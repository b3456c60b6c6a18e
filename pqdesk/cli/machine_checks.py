"""What `doctor` looks at on the machine: versions, limits, safeguards that are off, and whether a window can open."""

from __future__ import annotations

import locale
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from pqdesk import __version__
from pqdesk.bundle import is_bundle, window_command
from pqdesk.cli.findings import Finding, ok, problem, warning
from pqdesk.cli.settings import Settings
from pqdesk.messages.json_text import load_json
from pqdesk.storage import sqlite_version

_LEAST_OPEN_FILES = 256
_LEAST_INOTIFY_INSTANCES = 64
_OVERRIDES = ("PQDESK_ALLOW_OWNER", "PQDESK_ALLOW_NETWORK_FS")
_WINDOW_S = 30.0


def versions(_: Settings) -> Iterator[Finding]:
    place = Path(sys.executable).parent if is_bundle() else Path(__file__).resolve().parents[1]
    yield ok("PQDesk", f"{__version__} in {str(place)!r}")
    yield ok("Python", f"{sys.version.split()[0]}, {sys.executable!r}")
    yield ok("SQLite", sqlite_version())


def supervisor_installed(_: Settings) -> Iterator[Finding]:
    if find_spec("supervisor") is None or find_spec("psutil") is None:
        yield problem("supervisor", "not installed, so workers cannot be kept running", _install("workers"))
        return
    yield ok("supervisor", _version_of("supervisor"))


def encoding(_: Settings) -> Iterator[Finding]:
    names = {sys.getfilesystemencoding().lower(), locale.getpreferredencoding(False).lower()}
    if names <= {"utf-8", "utf8"}:
        return
    yield warning(
        "locale", f"it writes {', '.join(sorted(names))}, not UTF-8", "set LANG to one such as C.UTF-8 or en_US.UTF-8"
    )


def limits(_: Settings) -> Iterator[Finding]:
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < _LEAST_OPEN_FILES:
        yield warning("open files", f"at most {files} in one process", f"raise it: ulimit -n {_LEAST_OPEN_FILES * 4}")
    instances = _number(Path("/proc/sys/fs/inotify/max_user_instances"))
    if instances is not None and instances < _LEAST_INOTIFY_INSTANCES:
        yield warning(
            "inotify",
            f"at most {instances} instances for a user, and each waiting process needs one; deaths may be noticed late",
            "raise it: sysctl fs.inotify.max_user_instances=1024",
        )


def overrides(_: Settings) -> Iterator[Finding]:
    for name in _OVERRIDES:
        if os.environ.get(name) == "1":
            yield warning(name, "it is set, and a safeguard is off with it", "unset it when you do not need it")


def window(_: Settings) -> Iterator[Finding]:
    """Whether the window could open: warnings, since everything else works without."""
    if not is_bundle() and find_spec("PySide6") is None:
        yield warning("window", "PySide6 is not installed; all but the window works", _install("desktop"))
        return
    qt = _version_of("PySide6-Essentials")
    if sys.version_info < (3, 12) and _numbers(qt) >= (6, 12):
        yield problem(
            "window",
            f"PySide6 {qt} aborts on Python before 3.12",
            "install an older one: pip install 'PySide6-Essentials<6.12'",
        )
        return
    reason = _why_no_window()
    yield ok("window", f"PySide6 {qt}, and a display") if reason is None else warning("window", reason)


def _why_no_window() -> str | None:
    """Asked of the window's own program: no command loads Qt, and Qt may abort the process that does."""
    try:
        done = subprocess.run(
            window_command("--check"), capture_output=True, timeout=_WINDOW_S, check=True, stdin=subprocess.DEVNULL
        )
        answer: str | None = load_json(done.stdout)
    except subprocess.CalledProcessError as exc:
        said = exc.stderr.decode("utf-8", "replace").splitlines()
        return f"Qt cannot be tried: {' '.join([str(exc), *said[-1:]])}"
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        return f"Qt cannot be tried: {exc}"
    return answer


def _install(extra: str) -> str:
    return f"pip install 'pqdesk[{extra}]'"


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


MACHINE_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    versions,
    supervisor_installed,
    encoding,
    limits,
    overrides,
    window,
)
