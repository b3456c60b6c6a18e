"""A copy of this checkout as git would clone it, with what is changed here and not committed yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.programs import run

ROOT = Path(__file__).resolve().parents[1]
_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")


def copy_checkout(target: Path) -> None:
    """Copy every tracked file to `target` and commit it there, so that `git status` tells any later change."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and the project as a git checkout")
    names = run("git", "-c", "safe.directory=*", "ls-files", "-z", folder=ROOT).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # deleted here and not committed yet
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    for command in (("init", "--quiet"), ("add", "--all"), (*_IDENTITY, "commit", "--quiet", "--message=Copy")):
        run("git", *command, folder=target)


def git_status(checkout: Path) -> str:
    """What differs from the commit; empty when nothing does."""
    return run("git", "status", "--porcelain", folder=checkout).stdout
