"""Somebody who has just cloned the project: an empty HOME, no display, no terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_NOT_THEIRS = ("PQDESK_WORKSPACE", "DISPLAY", "WAYLAND_DISPLAY", "QT_", "XDG_", "PYTHON", "VIRTUAL_ENV")


def newcomer(home: Path) -> dict[str, str]:
    """Their environment; makes `home`."""
    home.mkdir(mode=0o700)
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    return {**theirs, "HOME": str(home)}


def run_as(
    environment: dict[str, str], *command: str | Path, folder: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing of this process's environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
