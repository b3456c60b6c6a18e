"""tests/conftest.py fails a test that leaves something behind, and cleans up after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from pqdesk.paths import choose_workspace, runtime_folder

_CONFTEST = Path(__file__).parents[1] / "conftest.py"
_LEAVING = """
import subprocess, threading, time
import psutil

def test_nothing():
    subprocess.run(["true"], check=True)

def test_thread():
    threading.Thread(target=time.sleep, args=(60,), name="left thread", daemon=True).start()

def test_child():
    subprocess.Popen(["sleep", "60.1"])

def test_zombie():
    test_zombie.child = subprocess.Popen(["true"])

def test_detached():
    subprocess.run(["sh", "-c", "setsid sleep 60.2 &"])
    while ["sleep", "60.2"] not in [one.info["cmdline"] for one in psutil.process_iter(["cmdline"])]:
        time.sleep(0.01)  # while it becomes that program it has no environment to be known by

def test_file(tmp_path):
    test_file.open = open(tmp_path / "queue.db", "w")
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about tests that leave things, under the project's conftest.py with less patience."""
    folder = tmp_path_factory.mktemp("leaving")
    conftest = _CONFTEST.read_text(encoding="utf-8").replace("_GRACE_S = 5.0", "_GRACE_S = 0.3")
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    (folder / "test_leaving.py").write_text(_LEAVING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", "."]
    wide = {**os.environ, "COLUMNS": "500"}  # pytest cuts its closing lines to the terminal's width
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=wide).stdout


@pytest.mark.parametrize(
    ("test", "left"),
    [
        ("test_thread", "thread left thread"),
        ("test_child", "sleep 60.1"),
        ("test_zombie", "zombie true"),
        ("test_detached", "sleep 60.2"),
        ("test_file", "queue.db"),
    ],
)
def test_what_is_left_is_named(report: str, test: str, left: str) -> None:
    [error] = [line for line in report.splitlines() if line.startswith("ERROR") and f"::{test} " in line]

    assert "the test left behind" in error
    assert left in error


def test_what_is_left_is_ended_and_a_clean_test_passes(report: str) -> None:
    assert "test_nothing" not in report
    left = (["sleep", "60.1"], ["sleep", "60.2"])
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] in left]


def test_folders_are_those_of_a_new_user(user_folders: Mapping[str, str]) -> None:
    assert choose_workspace().root.is_relative_to(user_folders["HOME"])
    assert len(str(runtime_folder())) < 30
