"""Workspaces that cannot be used as they are, each with the words that a person has to be told."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from pqdesk import DiskFull, Queue, Workspace


@dataclass(frozen=True, slots=True)
class BadWorkspace:
    """`make` puts it into an empty folder. `words` is what the one line about it contains."""

    name: str
    words: str
    make: Callable[[Path], None]


def make_good_workspace(root: Path) -> None:
    """A workspace with one message in it."""
    with Workspace(root) as workspace, workspace.queue("kept") as queue:
        queue.put("still here")


def _not_a_database(root: Path) -> None:
    (root / "queue.db").write_text("Dear diary, this is no queue.\n" * 200, encoding="utf-8")


def _empty_file(root: Path) -> None:
    (root / "queue.db").touch()


def _newer(root: Path) -> None:
    make_good_workspace(root)
    db = apsw.Connection(str(root / "queue.db"))
    db.execute("UPDATE pqdesk_meta SET value = 999999 WHERE name = 'schema'")
    db.close()


def _of_another_program(root: Path) -> None:
    db = apsw.Connection(str(root / "queue.db"))
    db.execute("CREATE TABLE bookmark (address TEXT); INSERT INTO bookmark VALUES ('somewhere')")
    db.close()


def _cut_short(root: Path) -> None:
    make_good_workspace(root)
    os.truncate(root / "queue.db", 5000)


def _folder_instead(root: Path) -> None:
    (root / "queue.db").mkdir()


def _link(root: Path) -> None:
    _not_a_database(root)
    (root / "queue.db").rename(root / "elsewhere")
    (root / "queue.db").symlink_to(root / "elsewhere")


def _pipe(root: Path) -> None:
    os.mkfifo(root / "queue.db")


BAD_WORKSPACES = (
    BadWorkspace("not-a-database", "not a PQDesk queue file", _not_a_database),
    BadWorkspace("empty", "is empty", _empty_file),
    BadWorkspace("newer", "newer PQDesk", _newer),
    BadWorkspace("of-another-program", "another program", _of_another_program),
    BadWorkspace("cut-short", "damaged", _cut_short),
    BadWorkspace("folder-instead", "not a regular file", _folder_instead),
    BadWorkspace("link", "not a regular file", _link),
    BadWorkspace("pipe", "not a regular file", _pipe),
)


def fingerprint(root: Path) -> str:
    """Changes whenever the queue file does."""
    path = root / "queue.db"
    if not path.is_file():
        return f"{path.lstat().st_mode} {path.lstat().st_ino}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def small_disk(folder: Path, *, size_mib: int) -> Iterator[Path]:
    """A file system of its own at `folder`. Skips the test where that is not allowed."""
    folder.mkdir(parents=True)
    _mount("-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "none", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # lazy: whatever still runs there must not keep it


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody can write below `folder`, not even root, where that is allowed; else nobody but root."""
    if os.geteuid() == 0:
        _mount("--bind", str(folder), str(folder))
        try:
            _mount("-o", "remount,bind,ro", str(folder))
            yield
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
        return
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        yield
    finally:
        for path in everything:
            path.chmod(0o700 if path.is_dir() else 0o600)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs to be root and allowed to mount: {done.stderr.strip()}")


def fill(queue: Queue) -> list[int]:
    """Put ever smaller messages until the disk takes not even those; the ids of what it took."""
    ids = []
    for size in (1_000_000, 100_000, 10_000, 10):
        try:
            while True:
                ids.append(queue.put(b"x" * size))
        except DiskFull:
            continue
    return ids
