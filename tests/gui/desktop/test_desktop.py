"""The driver itself, on a small window that has one of each thing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.desktop import Desktop, DesktopError, Program

_SAMPLE = Path(__file__).with_name("sample_window.py")


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    with Desktop(size=(900, 600)) as desktop:
        yield desktop


@pytest.fixture
def sample(desktop: Desktop) -> Program:
    program = desktop.launch([sys.executable, _SAMPLE])
    program.window()
    return program


def says(program: Program, text: str) -> bool:
    return bool(program.wait_until(lambda: program.text("happened") == text, f"the label to say {text!r}"))


def test_text_and_press_by_name(sample: Program) -> None:
    sample.set_text("Your name", "wörld")
    sample.press("Say hello")

    assert says(sample, "hello wörld")
    with pytest.raises(DesktopError, match="enabled 'Not now'"):
        sample.press("Not now", timeout_s=0.2)


def test_mouse_and_keyboard(sample: Program, desktop: Desktop) -> None:
    sample.click("Your name")
    desktop.type_text("keyboard")
    sample.click("Say hello")

    assert says(sample, "hello keyboard")


def test_table_is_read_and_clicked(sample: Program) -> None:
    table = sample.table("Squares")

    assert (table.rows, table.column("Square")) == (3, ["0", "1", "4"])
    assert table.row("Number", "2") == {"Number": "2", "Square": "4"}
    sample.find("Squares", role="table").click_cell(1, 1)
    assert says(sample, "cell 1 1")


def test_modal_dialog_opens_and_closes(sample: Program) -> None:
    sample.press("Ask")
    sample.find("Question")
    sample.press("OK")

    sample.wait_gone("Question")


def test_tray_icon_and_its_menu(sample: Program, desktop: Desktop) -> None:
    assert "tray True" in sample.output

    desktop.tray_icon().click()
    assert says(sample, "trigger")
    desktop.tray_icon().choose("Down", "Return")
    assert says(sample, "first entry")
    desktop.tray_icon().choose("Up", "Return")
    assert says(sample, "last entry")


def test_menu_ends_the_program(sample: Program) -> None:
    sample.choose_menu("File", "Leave")

    assert sample.wait_exit() == 0
    with pytest.raises(DesktopError, match="program ended with 0 before widget 'Ask'"):
        sample.find("Ask")


def test_what_a_program_leaves_behind_is_told_and_ended(sample: Program, desktop: Desktop) -> None:
    sample.press("Leave a process behind")
    [left] = desktop.wait_until(desktop.leftovers, "the process")
    desktop.wait_until(lambda: left.cmdline() == ["sleep", "600"], "it to be the program that was meant")

    desktop.close()

    assert not left.is_running()
    assert not desktop.folder.exists()


def test_screenshot(sample: Program, desktop: Desktop, tmp_path: Path) -> None:
    desktop.screenshot(tmp_path / "shot")

    assert (tmp_path / "shot").read_bytes().startswith(b"\x89PNG")


def test_nothing_of_the_user_reaches_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_STYLE_OVERRIDE", "windows")
    with Desktop(has_tray=False) as desktop:
        program = desktop.launch(["env"])
        program.wait_exit()
        variables = dict(line.split("=", 1) for line in program.output.splitlines())

    assert "QT_STYLE_OVERRIDE" not in variables
    assert variables["DISPLAY"] != os.environ.get("DISPLAY")
    assert variables["HOME"].startswith(str(desktop.folder))


def test_without_a_tray() -> None:
    with Desktop(has_tray=False) as desktop:
        program = desktop.launch([sys.executable, _SAMPLE])
        program.window()

        assert "tray False" in program.output
        assert not desktop.tray_icons()
