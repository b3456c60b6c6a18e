"""Why there is no window, in one line, before Qt would abort the process."""

from __future__ import annotations

import pytest

from pqdesk.gui.app import run_app
from pqdesk.gui.platform_check import explain_import_error, explain_no_window


@pytest.mark.parametrize("platform", ["offscreen", "minimal", "vnc:size=800x600"])
def test_platforms_without_a_display_need_none(platform: str) -> None:
    assert explain_no_window({"QT_QPA_PLATFORM": platform}, lambda _: False) is None


def test_no_display() -> None:
    reason = explain_no_window({})

    assert reason is not None
    assert "display" in reason
    assert "\n" not in reason


def test_a_missing_library_comes_with_the_line_to_type() -> None:
    reason = explain_no_window({"DISPLAY": ":0"}, lambda name: name != "libxcb-cursor.so.0")

    assert reason is not None
    assert reason.startswith("Qt needs libxcb-cursor.so.0; install with: sudo apt-get install ")
    assert "libxcb-cursor0" in reason


def test_wayland_needs_no_xcb() -> None:
    assert explain_no_window({"WAYLAND_DISPLAY": "wayland-0"}, lambda _: False) is None


def test_all_is_there() -> None:
    assert explain_no_window({"DISPLAY": ":0"}, lambda _: True) is None


def test_import_errors_are_told_apart() -> None:
    missing = ModuleNotFoundError("No module named 'PySide6'", name="PySide6")
    broken = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")

    assert "pip install 'pqdesk[desktop]'" in explain_import_error(missing)
    assert "libEGL.so.1" in explain_import_error(broken)
    assert "apt-get install" in explain_import_error(broken)


def test_run_app_without_a_display_is_one_line_and_exit_1(monkeypatch, capsys) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    assert run_app(None) == 1

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("pqdesk: no display")
