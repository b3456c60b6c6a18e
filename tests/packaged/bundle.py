"""The bundle in dist/, as packaging/build makes it; made anew only when what it is made from has changed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

BUNDLE = ROOT / "dist/pqdesk"
COMMANDS = BUNDLE / "bin/pqdesk"
BUILD_S = 1800  # it takes 80 s of one processor, which may be shared by many
_TOOLS = {"objdump": "binutils", "dpkg-shlibdeps": "dpkg-dev", "xz": "xz-utils"}


def bundle_contents() -> Any:
    """packaging/bundle_contents.py, which the spec of the bundle reads."""
    spec = importlib.util.spec_from_file_location("bundle_contents", ROOT / "packaging/bundle_contents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(*parts: str) -> None:
    """Make sure that these are in dist/ as the checkout is now. Skips the test where the tools are not there."""
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed: pip install 'pqdesk[build]'")
    lacking = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if lacking:
        pytest.skip(f"the system lacks {', '.join(lacking)}")
    command = [sys.executable, "-P", "-X", "utf8", ROOT / "packaging/build_steps.py", "--if-changed", "--quick", *parts]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def run_bare(
    *command: str | Path, variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of its programs with nothing of Python, or of a checkout, in the environment."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("HOME", "XDG_", "PQDESK_", "TESTS_"))}
    environment = {**kept, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(variables or {})}
    return subprocess.run(
        [os.fspath(word) for word in command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def succeed(*command: str | Path, variables: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """What it prints."""
    done = run_bare(*command, variables=variables, folder=folder)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
    return done.stdout
