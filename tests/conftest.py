"""What holds for every test: folders of its own, and nothing left behind.

Marks and fixtures of one tier live beside its tests.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests.folders import fresh_folders
from tests.processes import describe, end_processes, marked_processes

_MARKER = "PQDESK_TEST"
_GRACE_S = 5.0

# The same examples each time, so that a red run says something about the change; no deadline: the machine is shared.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # windows made in this process; tests/gui/desktop sets its own


@pytest.fixture(autouse=True)
def user_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """HOME and the XDG folders of somebody who has never run PQDesk. The variables that lead there."""
    runtime = Path(tempfile.mkdtemp(prefix="t"))  # tmp_path is too long for sockets
    folders = fresh_folders(tmp_path / "home", runtime)
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PQDESK_WORKSPACE", raising=False)
    yield folders
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for a workspace whose sockets have to lie beside its files: tmp_path is too long for them."""
    with tempfile.TemporaryDirectory(prefix="w", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that leaves a thread, a process, a zombie or an open queue file behind.

    Processes are ended then, so that one failure does not become many.
    """
    token = uuid.uuid4().hex
    monkeypatch.setenv(_MARKER, token)  # a process that detaches itself is no child any more, but still has this
    threads, children, files = set(_threads()), set(_children()), set(_open_databases())

    yield

    ends_at = time.monotonic() + _GRACE_S
    while True:
        left_threads = [thread for thread in _threads() if thread not in threads]
        left_processes = {one for one in _children() if one not in children} | {*marked_processes(_MARKER, token)}
        left_files = [file for file in _open_databases() if file not in files]
        if not (left_threads or left_processes or left_files):
            return
        if time.monotonic() > ends_at:
            break
        gc.collect()  # a store that nobody holds closes itself
        time.sleep(0.02)
    left = [*map(describe, left_processes), *(f"thread {one.name}" for one in left_threads), *left_files]
    end_processes(left_processes)
    pytest.fail(f"the test left behind: {'; '.join(left)}", pytrace=False)


def _threads() -> list[threading.Thread]:
    """Living threads. A thread that Python did not start stays in its list for ever, so the system is asked."""
    return [one for one in threading.enumerate() if one.is_alive() and _exists(one.native_id)]


def _exists(thread_id: int | None) -> bool:
    return sys.platform != "linux" or os.path.exists(f"/proc/self/task/{thread_id}")


def _children() -> list[psutil.Process]:
    """Direct children, zombies too."""
    try:
        texts = [Path(one.path, "children").read_text() for one in os.scandir("/proc/self/task")]
    except FileNotFoundError:  # a thread that ended meanwhile, or a kernel without CONFIG_PROC_CHILDREN
        return psutil.Process().children()
    found = []
    for pid in " ".join(texts).split():
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(int(pid)))
    return found


def _open_databases() -> list[str]:
    """Queue files and their logs that this process has open. Opens none itself: that would drop SQLite's locks."""
    found = []
    for descriptor in os.listdir("/proc/self/fd") if sys.platform == "linux" else ():
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue  # the listing's own descriptor
        if target.endswith((".db", ".db-wal")):
            found.append(f"descriptor {descriptor} of {target}")
    return found
