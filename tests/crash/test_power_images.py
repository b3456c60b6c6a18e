"""Whatever a disk keeps of what was not flushed when the power goes: what was told as done is there, and it agrees."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.crash.simulated_disk import WAYS, Delete, SimulatedDisk, Sync, SyncFolder, Truncate, Write


def lose_power(*options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: it replaces calls of the os module."""
    command = [sys.executable, "-m", "tests.crash.power_images", "--images=1", "--seed=1", "--steps=25", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)


@pytest.mark.parametrize("options", [(), ("--relaxed",)])
def test_nothing_is_wrong_with_what_a_disk_may_have_kept(options: tuple[str, ...]) -> None:
    done = lose_power(*options)

    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    assert "0 problems" in done.stdout


def test_a_queue_that_does_not_flush_is_found_out() -> None:
    done = lose_power("--forgetful")

    assert done.returncode == 1, done.stdout + done.stderr[-5000:]
    assert "was put and is gone" in done.stdout


@pytest.mark.parametrize("way", WAYS)
def test_what_was_flushed_is_safe(way: str) -> None:
    disk = SimulatedDisk({"db": b"old"})
    for event in (Write("db", 0, b"new and longer"), Sync("db"), Truncate("db", 3), Sync("db")):
        disk.play(event)

    assert not disk.has_pending
    assert disk.after_power_loss(way, random.Random(1)) == {"db": b"new"}


def test_what_was_not_flushed_may_be_lost_kept_or_torn() -> None:
    old, new = b"o" * 2048, b"n" * 2048
    disk, rng = SimulatedDisk({"db": old}), random.Random(1)
    disk.play(Write("db", 0, new))

    found = {way: {disk.after_power_loss(way, rng)["db"] for _ in range(50)} for way in WAYS}

    assert found["nothing"] == {old}
    assert found["all"] == {new}
    assert found["subset"] == {old, new}
    assert any(old[:512] in one and new[:512] in one for one in found["torn"])
    assert all(set(one) <= set(b"on") for one in found["torn"])
    assert not found["junk"] <= {old, new}


def test_a_new_name_and_a_gone_one_are_safe_with_their_folder() -> None:
    disk, rng = SimulatedDisk({"wal": b"old"}), random.Random(1)
    for event in (Delete("wal", is_synced=False), Write("wal", 0, b"new"), Sync("wal")):
        disk.play(event)

    before = {tuple(disk.after_power_loss("all", rng).values()) for _ in range(50)}
    disk.play(SyncFolder())

    assert before == {(), (b"old",), (b"new",)}
    assert disk.after_power_loss("all", rng) == {"wal": b"new"}
