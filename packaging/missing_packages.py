"""Print the rows of system-packages.txt that this machine lacks: `missing_packages.py GROUP…`, one package a line.

Runs before anything is installed, so it stands on the standard library of a bare Python alone, and only looks.
"""

from __future__ import annotations

import glob
import importlib.util
import shutil
import sys
from pathlib import Path

TABLE = Path(__file__).with_name("system-packages.txt")


def is_there(evidence: str) -> bool:
    kind, _, name = evidence.partition(":")
    if kind == "module":
        return importlib.util.find_spec(name) is not None
    if kind == "command":
        return shutil.which(name) is not None
    if kind == "file":
        return bool(glob.glob(name))
    if kind == "library":
        return can_load(name)
    raise ValueError(f"{TABLE}: {evidence!r} is no way to see a package")


def can_load(library: str) -> bool:
    """Whether the dynamic linker finds `library` for this very interpreter, its architecture included."""
    try:
        import ctypes  # a minimal Python has none, and then nothing of Qt either
    except ImportError:
        return False
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing(groups: list[str]) -> list[str]:
    """The names of each lacking package, newest first, separated by spaces."""
    rows = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [
        " ".join(names).format(version=version)
        for group, evidence, *names in rows
        if group in groups and not is_there(evidence)
    ]


if __name__ == "__main__":
    for package in missing(sys.argv[1:]):
        print(package)
