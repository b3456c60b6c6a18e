"""What a bundle is started with and what it starts; whether it has all modules that are imported by a name."""

from __future__ import annotations

import ast
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import pqdesk
from pqdesk import __version__, bundle
from pqdesk.cli import root
from pqdesk.cli.main import main
from pqdesk.version import installed_version
from tests.checkout import ROOT
from tests.packaged.bundle import bundle_contents

# Where a name comes from a user or from a table, which is looked at apart: (file, how often).
FROM_ELSEWHERE = {
    "pqdesk/__init__.py": 1,
    "pqdesk/later.py": 1,
    "pqdesk/cli/root.py": 1,
    "pqdesk/workers/handlers.py": 2,
}
IMPORTS_BY_NAME = ("import_module", "find_spec", "__import__", "Later")


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/pqdesk/_internal", raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/pqdesk/pqdeskd")


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"])
@pytest.mark.parametrize("before", [None, "", "/opt/cuda/lib:/usr/local/lib"])
def test_programs_find_the_libraries_that_they_found_without_the_bundle(name: str, before: str | None) -> None:
    environment = {name: f"/opt/pqdesk/_internal:{before or ''}", "HOME": "/home/ada"}
    if before is not None:
        environment[f"{name}_ORIG"] = before

    bundle.leave_bundle(environment)

    assert environment == {"HOME": "/home/ada", **({} if before is None else {name: before})}


@pytest.mark.usefixtures("bundled")
def test_what_the_bundle_tells_itself_is_for_itself_alone() -> None:
    of_the_bundle = {
        "_PYI_ARCHIVE_FILE": "/opt/pqdesk/pqdeskd",
        "_PYI_PARENT_PROCESS_LEVEL": "1",
        "QT_PLUGIN_PATH": "/opt/pqdesk/_internal/PySide6/Qt/plugins",
        "QML2_IMPORT_PATH": "/opt/pqdesk/_internal/PySide6/Qt/qml",
    }
    of_the_user = {"QT_QPA_PLATFORM": "wayland", "PYTHONPATH": "/home/ada/lib", "MY_PYI_THING": "1"}
    environment = {**of_the_bundle, **of_the_user}

    bundle.leave_bundle(environment)

    assert environment == of_the_user


@pytest.mark.usefixtures("bundled")
def test_plugins_of_qt_that_the_user_named_stay() -> None:
    environment = {"QT_PLUGIN_PATH": "/usr/lib/qt6/plugins"}

    bundle.leave_bundle(environment)

    assert environment == {"QT_PLUGIN_PATH": "/usr/lib/qt6/plugins"}


def test_from_source_nothing_is_taken_away() -> None:
    environment = {"LD_LIBRARY_PATH": "/opt/cuda/lib", "LD_LIBRARY_PATH_ORIG": "/x", "_PYI_X": "1"}

    bundle.leave_bundle(environment)

    assert environment == {"LD_LIBRARY_PATH": "/opt/cuda/lib", "LD_LIBRARY_PATH_ORIG": "/x", "_PYI_X": "1"}


@pytest.mark.usefixtures("bundled")
def test_commands_and_window_of_a_bundle_are_two_programs_and_workers_find_the_first() -> None:
    assert bundle.program_command("put", "q") == ["/opt/pqdesk/pqdeskd", "put", "q"]
    assert bundle.window_command("--background") == ["/opt/pqdesk/pqdesk", "--background"]
    assert bundle.path_with_program({"PATH": "/usr/bin:/opt/pqdesk/bin"}) == "/opt/pqdesk/bin:/usr/bin"


def test_from_source_both_are_the_interpreters() -> None:
    assert bundle.program_command("put")[-2:] == ["pqdesk", "put"]
    assert bundle.window_command("--check")[-3:] == ["-m", "pqdesk.gui.app", "--check"]


def test_every_module_that_is_imported_by_a_name_is_in_the_bundle() -> None:
    contents = bundle_contents()
    named = {*root._MODULES.values(), *root._HIDDEN.values(), *pqdesk._LATER}
    unread: dict[str, int] = {}
    for path in contents.PACKAGE.rglob("*.py"):
        for name in _names_imported(path):
            if name is None:
                place = path.relative_to(ROOT).as_posix()
                unread[place] = unread.get(place, 0) + 1
            else:
                named.add(name)

    ours = {name for name in named if name.partition(".")[0] == "pqdesk"}
    assert "pqdesk.messages.records" in ours  # Later's are seen
    of_window, of_commands = ({*contents.own_modules(without=one)} for one in (contents.COMMANDS, contents.WINDOW))
    assert {name for name in ours if not name.startswith(contents.COMMANDS)} - of_window == set()
    assert {name for name in ours if not name.startswith(contents.WINDOW)} - of_commands == set()
    assert named - ours <= {"supervisor", "psutil", "PySide6"}  # only asked for whether they are there
    assert unread == FROM_ELSEWHERE  # another one: have it take its name from a table, and look at that above


def test_the_two_programs_of_a_bundle_share_all_but_their_front_doors() -> None:
    contents = bundle_contents()
    of_window, of_commands = ({*contents.own_modules(without=one)} for one in (contents.COMMANDS, contents.WINDOW))

    assert "pqdesk.demo" in of_window & of_commands
    assert {name.split(".")[1] for name in of_window ^ of_commands} == {"gui", "cli"}


def test_what_lies_beside_the_code_is_in_the_bundle() -> None:
    data = [(Path(file).name, folder) for file, folder in bundle_contents().own_data()]

    beside = {path.suffix for path in (ROOT / "pqdesk").rglob("*") if path.is_file()} - {".py", ".pyc"}
    assert beside == {".sql", ".typed"}  # another kind wants a line in own_data()
    assert ("0001_first.sql", "pqdesk/storage/sqlite/schema") in data
    assert ("pqdesk.svg", "pqdesk/resources/icons") in data
    assert ("check-dark.svg", "pqdesk/resources/theme") in data


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "pqdesk/version.py"
    assert __version__ == installed_version()


def _names_imported(path: Path) -> Iterator[str | None]:
    """What a file imports by a name; None where that is no literal.

    Not what it imports by a statement too, were it only for a type checker: PyInstaller reads all statements.
    """
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    stated = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    for node in nodes:
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in IMPORTS_BY_NAME:
                first = node.args[0] if node.args else None
                name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
                if name not in stated:
                    yield name


@pytest.mark.usefixtures("bundled")
def test_open_becomes_the_windows_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    became: list[list[str]] = []

    def become(program: str, command: list[str]) -> NoReturn:
        became.append(command)
        assert program == command[0]
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.chdir(tmp_path)
    failed = ["--page", "messages", "--filter", "state:failed"]
    for words in ([], ["open", "--background"], ["open", "new"], ["-w", "new"], ["open", *failed, "new"]):
        with pytest.raises(SystemExit):
            main(words)

    window = "/opt/pqdesk/pqdesk"
    new = f"{tmp_path}/new"
    assert became == [
        [window], [window, "--background"], [window, new], [window, new], [window, *failed, new]
    ]  # fmt: skip
    assert not (tmp_path / "new").exists()
