"""Processes on one file are killed again and again: nothing put is lost, nothing acked comes again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_KILLS = 150


def test_kills_lose_nothing_and_repeat_nothing_acked(tmp_path: Path) -> None:
    # A process of its own: it forks, and this one may have threads.
    command = [sys.executable, "-m", "tests.crash.campaign", f"--kills={_KILLS}", "--seed=1", f"--folder={tmp_path}"]
    campaign = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)

    print(campaign.stdout)
    assert campaign.returncode == 0, campaign.stdout + campaign.stderr[-5000:]
    assert f"{_KILLS} kills" in campaign.stdout
