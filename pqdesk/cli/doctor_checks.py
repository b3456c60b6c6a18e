"""What `doctor` looks at, in a workspace and on the machine: a line for each thing, with what to do if it is wrong."""

from __future__ import annotations

import locale
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from glob import escape
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Literal

from pqdesk import __version__
from pqdesk.bundle import is_bundle, window_command
from pqdesk.cli.settings import Settings
from pqdesk.door import faults, too_wide
from pqdesk.errors import PQDeskError
from pqdesk.messages.counting import counted
from pqdesk.messages.json_text import load_json
from pqdesk.storage import check_file_system, file_system_of, open_inspection, space_of, sqlite_version

_MIB = 1024 * 1024
_SHOWN_ROWS = 5
_LEAST_OPEN_FILES = 256
_LEAST_INOTIFY_INSTANCES = 64
_OVERRIDES = ("PQDESK_ALLOW_OWNER", "PQDESK_ALLOW_NETWORK_FS")
_WINDOW_S = 30.0

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `todo` says what to do; empty when all is well."""

    subject: str
    verdict: Verdict
    text: str
    todo: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, "ok", text)


def warning(subject: str, text: str, todo: str = "") -> Finding:
    return Finding(subject, "warning", text, todo)


def problem(subject: str, text: str, todo: str = "") -> Finding:
    return Finding(subject, "problem", text, todo)


# --- the workspace: its folder, disk, queue file, configuration and workers ----------------------------


def folder(settings: Settings) -> Iterator[Finding]:
    """Owner, mode, file system and free space, of the folder or of where it would be made."""
    paths = settings.unchecked_paths
    root = paths.root if paths.application is None else paths.application.parent
    if not root.exists():
        yield ok("workspace", f"none yet at {str(root)!r}; the first message makes it")
        root = next(parent for parent in root.parents if parent.exists())
    else:
        wrong = list(faults(paths))
        for fault in wrong:
            yield problem("workspace", fault.text)
        for path in too_wide(paths):
            yield warning("modes", f"others may read {str(path)!r}", f"chmod go-rwx {quote(str(path))}")
        try:
            check_file_system(root)
        except PQDeskError as exc:
            yield problem("workspace", str(exc))
            return
        if wrong:
            return
        yield ok("workspace", str(paths.location))
    if not os.access(root, os.W_OK | os.X_OK):
        yield problem("workspace", f"{str(root)!r} cannot be written to", "choose another one with -w")
    yield from _space(root / paths.database.name)


def _space(database: Path) -> Iterator[Finding]:
    space = space_of(database)
    if space.problem is not None:
        text, _, todo = space.problem.partition("; ")
        yield (problem if space.is_gone else warning)("disk", text, todo)
        return
    of_what = file_system_of(database.parent) or "an unknown file system"
    yield ok("disk", f"{space.free_bytes // _MIB:,} MiB free on {of_what}")


def queue_file(settings: Settings) -> Iterator[Finding]:
    paths = settings.unchecked_paths
    if not paths.database.exists() or any(faults(paths)):
        return
    try:
        with closing(open_inspection(paths)) as inspection:
            queues = inspection.queues()
    except PQDeskError as exc:
        yield problem("queue file", str(exc))
        return
    messages = sum(one.counts.total for one in queues)
    size = sum(path.stat().st_size for path in paths.database.parent.glob(f"{escape(paths.database.name)}*")) / _MIB
    yield ok("queue file", f"{counted(len(queues), 'queue')}, {counted(messages, 'message')}, {size:,.1f} MiB")
    if not os.access(paths.database, os.W_OK):
        yield problem("queue file", f"{str(paths.database)!r} is read-only", f"chmod u+w {quote(str(paths.database))}")


def workers(settings: Settings) -> Iterator[Finding]:
    """The configuration, supervisord and each process of a worker."""
    if not _has_supervisor():
        return
    from pqdesk.services.workers import workers_of
    from pqdesk.supervision.definitions.addresses import address_of, by_hand_problem
    from pqdesk.supervision.definitions.reading import read_definitions

    paths = settings.unchecked_paths
    if not paths.supervisor_configuration.exists() or any(faults(paths)):
        return
    for text in read_definitions(paths).problems:
        yield problem("workers", text)
    if (by_hand := by_hand_problem(paths)) is not None:
        yield warning("supervisord", by_hand)
    supervision = workers_of(paths)
    had_logs = paths.logs.is_dir()
    try:
        supervision.restore_logs()
    except PQDeskError as exc:
        yield problem("logs", str(exc))
    else:
        if not had_logs:
            yield ok("logs", f"{str(paths.logs)!r} was gone; made anew, and what runs writes there again")
    status = supervision.status()
    if status.state_word in ("running", "not running"):
        yield ok("supervisord", f"{status.state_word}, socket {str(address_of(paths).socket)!r}")
    if status.is_outdated:
        todo = f"bring it up to date with: {settings.command} restart all --supervisord"
        yield warning("supervisord", f"started by PQDesk {status.version}", todo)
    for one in status.replicas:
        if not one.is_in_trouble:
            yield ok("worker", f"{one.process}: {one.state.word.lower()}")


def needs(settings: Settings) -> Iterator[Finding]:
    """What needs a person: as everywhere else where that is told."""
    if not _has_supervisor():
        return
    from pqdesk.services.health import look, needs_of

    paths = settings.unchecked_paths
    if any(faults(paths)) or not (paths.database.exists() or paths.supervisor_configuration.exists()):
        return
    counts: Counter[str] = Counter()
    for one in needs_of(replace(look(paths), space=None)):  # of which `folder` tells, also where there is no file
        counts[one.kind] += 1
        if one.kind != "put by SQL" or counts[one.kind] <= _SHOWN_ROWS:
            tell = warning if one.is_wish else problem
            yield tell(one.kind, one.sentence, one.todo.replace("pqdesk ", f"{settings.command} "))
    if counts["put by SQL"] > _SHOWN_ROWS:
        rest = counts["put by SQL"] - _SHOWN_ROWS
        yield problem("put by SQL", f"{rest} or more rows like that", "SELECT * FROM pqdesk_put")


# --- the machine: versions, limits, safeguards that are off, and whether a window can open --------------


def versions(_: Settings) -> Iterator[Finding]:
    place = Path(sys.executable).parent if is_bundle() else Path(__file__).resolve().parents[1]
    yield ok("PQDesk", f"{__version__} in {str(place)!r}")
    yield ok("Python", f"{sys.version.split()[0]}, {sys.executable!r}")
    yield ok("SQLite", sqlite_version())


def supervisor_installed(_: Settings) -> Iterator[Finding]:
    if not _has_supervisor():
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


def _has_supervisor() -> bool:
    return find_spec("supervisor") is not None and find_spec("psutil") is not None


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


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    *(folder, queue_file, workers, needs),
    *(versions, supervisor_installed, encoding, limits, overrides, window),
)
