"""What `doctor` looks at in a workspace: its folder, disk, queue file, configuration and workers."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from glob import escape
from pathlib import Path
from shlex import quote

from pqdesk.cli.findings import Finding, ok, problem, warning
from pqdesk.cli.settings import Settings
from pqdesk.cli.tables import count_of
from pqdesk.door import faults, too_wide
from pqdesk.errors import PQDeskError
from pqdesk.storage import check_file_system, file_system_of, open_inspection

_MIB = 1024 * 1024
_SHOWN_ROWS = 5
_RESERVE_BYTES, _RESERVE_SHARE = 256 * _MIB, 0.05  # as storage keeps it back for acks


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
    yield from _space(root)


def _space(root: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(root)
    reserve = min(_RESERVE_BYTES, int(usage.total * _RESERVE_SHARE))
    text = f"{usage.free // _MIB:,} MiB free on {file_system_of(root) or 'an unknown file system'}"
    if usage.free <= reserve:
        todo = f"free some space: below {reserve // _MIB:,} MiB nothing can be put, acks still work"
        yield problem("disk", text, todo)
    elif usage.free <= 2 * reserve:
        yield warning("disk", text, f"free some space: below {reserve // _MIB:,} MiB nothing can be put")
    else:
        yield ok("disk", text)


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
    yield ok("queue file", f"{count_of(len(queues), 'queue')}, {count_of(messages, 'message')}, {size:,.1f} MiB")
    if not os.access(paths.database, os.W_OK):
        yield problem("queue file", f"{str(paths.database)!r} is read-only", f"chmod u+w {quote(str(paths.database))}")


def workers(settings: Settings) -> Iterator[Finding]:
    """The configuration, supervisord and each process of a worker."""
    from pqdesk.services.workers import workers_of
    from pqdesk.supervision.definitions.addresses import address_of, by_hand_problem
    from pqdesk.supervision.definitions.writing import read_definitions

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
    from pqdesk.services.health import look, needs_of

    paths = settings.unchecked_paths
    if any(faults(paths)) or not (paths.database.exists() or paths.supervisor_configuration.exists()):
        return
    counts: Counter[str] = Counter()
    for one in needs_of(look(paths)):
        counts[one.kind] += 1
        if one.kind != "put by SQL" or counts[one.kind] <= _SHOWN_ROWS:
            tell = warning if one.is_wish else problem
            yield tell(one.kind, one.sentence, one.todo.replace("pqdesk ", f"{settings.command} "))
    if counts["put by SQL"] > _SHOWN_ROWS:
        rest = counts["put by SQL"] - _SHOWN_ROWS
        yield problem("put by SQL", f"{rest} or more rows like that", "SELECT * FROM pqdesk_put")


WORKSPACE_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (folder, queue_file, workers, needs)
