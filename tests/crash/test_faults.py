"""A disk that fails at any call: only errors of ours come out, and what was told as done is there afterwards."""

from __future__ import annotations

import subprocess
import sys


def test_every_error_of_a_disk_becomes_one_of_ours_and_loses_nothing() -> None:
    command = [sys.executable, "-m", "tests.crash.faults", "--points=60", "--seed=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)

    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    assert "0 problems" in done.stdout
