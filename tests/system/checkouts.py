"""Fresh clones of this project, and the environment of somebody who has just made one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

_NOT_THEIRS = ("PQDESK_WORKSPACE", "DISPLAY", "WAYLAND_DISPLAY", "QT_", "XDG_", "PYTHON", "VIRTUAL_ENV")


def clone(target: Path) -> Path:
    """Clone what is committed; uncommitted changes are not in it, as they would not be for anybody else."""
    # --no-local copies, so that the clone owns its files
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, target], check=True, stdin=subprocess.DEVNULL)
    return target


def newcomer(home: Path) -> dict[str, str]:
    """The environment with `home` as an empty HOME, and no display."""
    home.mkdir(mode=0o700)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)},
        "HOME": str(home),
    }


def run(
    command: Sequence[str | Path], *, cwd: Path, env: dict[str, str], timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    """Without a terminal and without standard input."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def changes(checkout: Path) -> str:
    """What `git status` finds there."""
    return subprocess.run(
        ["git", "status", "--porcelain"], cwd=checkout, check=True, capture_output=True, text=True
    ).stdout
