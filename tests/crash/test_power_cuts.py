"""The power goes: what was put and acked is on the disk, and a queue that does not flush is found out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.power_cuts import CANNOT


def cut_power(folder: Path, cuts: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.power_cuts", f"--cuts={cuts}", "--seed=1", f"--folder={folder}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    return done


def test_what_was_told_as_done_is_on_the_disk(tmp_path: Path) -> None:
    done = cut_power(tmp_path, 8)

    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    assert "8 power cuts on ext4" in done.stdout


def test_a_queue_that_does_not_flush_is_found_out(tmp_path: Path) -> None:
    done = cut_power(tmp_path, 6, "--forgetful", "--until=was put and is gone")

    assert done.returncode == 1, done.stdout + done.stderr[-5000:]
    assert "was put and is gone" in done.stdout
