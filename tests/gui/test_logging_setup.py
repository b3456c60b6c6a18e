"""The window's log: written beside the window's thread, in the workspace where there is one, and never fatal."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.gui.logging_setup import AppLog, install_hooks


@pytest.fixture
def log() -> Iterator[AppLog]:
    log = AppLog()
    yield log
    log.close()


def test_records_go_to_the_fallback_until_the_folder_is_there(log: AppLog, tmp_path: Path) -> None:
    file, fallback = tmp_path / "w" / "logs" / "pqdesk.log", tmp_path / "state" / "pqdesk.log"
    log.open(file, fallback)
    logging.getLogger("pqdesk.gui").info("first")
    log.close()
    assert "first" in fallback.read_text()
    assert not (tmp_path / "w").exists()

    file.parent.mkdir(parents=True)
    log.open(file, fallback)
    logging.getLogger("pqdesk.gui").info("second")
    log.close()

    assert "second" in file.read_text()
    assert "second" not in fallback.read_text()


def test_a_log_that_cannot_be_written_is_no_reason_to_stop(log: AppLog, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log.open(tmp_path / "gone" / "pqdesk.log", tmp_path / "file" / "pqdesk.log")

    logging.getLogger("pqdesk.gui").info("lost")
    log.close()


def test_what_nobody_caught_is_logged_whole(
    log: AppLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back after
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    install_hooks()
    try:
        raise ZeroDivisionError("by hand")
    except ZeroDivisionError as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)

    assert "the window goes on" in caplog.text
    assert "ZeroDivisionError: by hand" in caplog.text
