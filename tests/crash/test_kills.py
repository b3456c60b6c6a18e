"""Processes on one file are killed again and again: nothing put is lost, nothing acked comes again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run_campaign(folder: Path, kills: int, *options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: it forks, and this one may have threads."""
    command = [sys.executable, "-m", "tests.crash.campaign", f"--kills={kills}", "--seed=1", f"--folder={folder}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=110)


def test_kills_lose_nothing_and_repeat_nothing_acked(tmp_path: Path) -> None:
    campaign = run_campaign(tmp_path, 200)

    assert campaign.returncode == 0, campaign.stdout + campaign.stderr[-5000:]
    assert "200 kills" in campaign.stdout
    assert " 0 refused" not in campaign.stdout, "no process outlived its lease, so fencing was not put to the test"


def test_a_queue_that_tells_too_early_is_found_out(tmp_path: Path) -> None:
    campaign = run_campaign(tmp_path, 40, "--untruthful")

    assert campaign.returncode == 1, campaign.stderr[-5000:]
    assert "delivered again in" in campaign.stdout
