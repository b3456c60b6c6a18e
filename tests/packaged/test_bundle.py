"""The bundle: its programs do, without any Python, what those of a checkout do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pqdesk.paths import demo_workspace
from pqdesk.version import VERSION
from tests.gui.desktop import Desktop
from tests.gui.real_window.window import Window
from tests.packaged.bundle import BUILD_S, BUNDLE, COMMANDS, build, bundle_contents, run_bare, succeed
from tests.support import wait_until

pytestmark = pytest.mark.timeout(BUILD_S)


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build("bundle")


@pytest.fixture
def workspace(short_folder: Path) -> Path:
    return short_folder / "w"


def test_every_module_of_ours_is_in_it_and_the_commands_have_no_qt() -> None:
    from PyInstaller.archive.readers import CArchiveReader

    contents = bundle_contents()
    for name, without in (("pqdesk", contents.COMMANDS), ("pqdeskd", contents.WINDOW)):
        archive = CArchiveReader(str(BUNDLE / name))
        modules = {*archive.open_embedded_archive("PYZ.pyz").toc}
        wanted = {*contents.own_modules(without=without), *contents.NAMED_ELSEWHERE[without]}
        assert sorted(wanted - modules) == []
        assert not [one for one in modules if f"{one}.".startswith(f"{without}.")]
        assert any(one.startswith("PySide6") for one in modules) is (without == contents.COMMANDS)


def test_it_has_nothing_that_belongs_to_the_desktop_it_was_built_on() -> None:
    gtk = [path.name for path in BUNDLE.rglob("*.so*") if path.name.startswith(("libgtk", "libgdk", "libcairo"))]
    assert gtk == []


def test_each_library_in_it_finds_what_it_needs() -> None:
    from PyInstaller.depend.bindepend import get_imports

    inside = [path for path in BUNDLE.rglob("*.so*") if not path.is_symlink()]
    there = {path.name for path in BUNDLE.rglob("*.so*") if path.exists()}
    lacking = {(path.name, name) for path in inside for name, place in get_imports(str(path)) if place is None}

    assert {(path, name) for path, name in lacking if name not in there} == set()
    assert [path for path in BUNDLE.rglob("*") if not path.exists()] == []  # links to what was left out


def test_messages_are_put_taken_and_listed(workspace: Path) -> None:
    assert succeed(COMMANDS, "-w", workspace, "put", "emails", '{"to": "ada@example.com"}').strip() == "1"
    taken = json.loads(succeed(COMMANDS, "-w", workspace, "get", "emails"))
    succeed(COMMANDS, "-w", workspace, "ack", taken["receipt"])

    assert taken["payload"] == {"to": "ada@example.com"}
    (queue,) = json.loads(succeed(COMMANDS, "-w", workspace, "queues", "--json"))
    assert queue["counts"]["completed"] == 1


def test_it_knows_its_version_and_every_command() -> None:
    for program in (COMMANDS, BUNDLE / "pqdeskd", BUNDLE / "pqdesk"):
        assert succeed(program, "--version").startswith(f"PQDesk {VERSION} with SQLite ")
    said = succeed(COMMANDS, "--help")  # loads every command
    assert "start-at-login" in said
    for shell in ("zsh", "fish"):
        assert "pqdesk" in succeed(COMMANDS, variables={"_PQDESK_COMPLETE": f"{shell}_source"})


def test_doctor_finds_supervisor_and_tries_the_window(workspace: Path) -> None:
    succeed(COMMANDS, "-w", workspace, "put", "q", "1")

    done = run_bare(COMMANDS, "-w", workspace, "doctor", "--json", variables={"QT_QPA_PLATFORM": "offscreen"})

    found = {one["subject"]: (one["verdict"], one["text"]) for one in json.loads(done.stdout)}
    assert found["supervisor"] == ("ok", "4.3.0")
    assert found["window"][0] == "ok", found["window"]
    assert found["PQDesk"][1].startswith(VERSION)


@pytest.mark.parametrize("given", [{}, {"LD_LIBRARY_PATH": "/opt/cuda/lib"}], ids=["none", "the user's"])
def test_commands_of_messages_find_what_they_find_without_it(workspace: Path, given: Mapping[str, str]) -> None:
    code = 'cat >/dev/null; env | grep -E "^(LD_|_PYI_|QT_|QML)" || true'
    succeed(COMMANDS, "-w", workspace, "put", "q", "1")
    ran = succeed(COMMANDS, "-w", workspace, "consume", "q", "--drain", "--", "sh", "-c", code, variables=given)

    message = json.loads(succeed(COMMANDS, "-w", workspace, "show", "1", "--json"))
    assert message["state"] == "completed", ran
    assert (message.get("result") or "").splitlines() == [f"{name}={value}" for name, value in given.items()]


def test_a_worker_is_added_and_does_its_work(workspace: Path) -> None:
    try:
        succeed(COMMANDS, "-w", workspace, "put", "q", "hello")
        succeed(COMMANDS, "-w", workspace, "add-worker", "echo", "--queue", "q", "--", "cat")
        wait_until(lambda: _state(workspace, 1) == "completed", reason="the worker to complete it", timeout_s=100)
        status = succeed(COMMANDS, "-w", workspace, "supervisorctl", "status")
    finally:
        run_bare(COMMANDS, "-w", workspace, "stop", "all", "--supervisord")

    assert "echo" in status
    assert "RUNNING" in status or "STARTING" in status


@pytest.mark.parametrize("name", ["with blanks", "100%", "über", "a;b #c"])
def test_its_folder_may_be_called_anything_and_be_read_only(tmp_path: Path, workspace: Path, name: str) -> None:
    place = tmp_path / name
    shutil.copytree(BUNDLE, place, symlinks=True, copy_function=_linked, ignore=lambda *_: ["PySide6"])
    link = tmp_path / "link"
    link.symlink_to(place / "bin/pqdesk")
    place.chmod(0o555)
    try:
        assert succeed(link, "-w", workspace, "put", "q", "1", folder=tmp_path).strip() == "1"
        assert "q" in succeed(place / "pqdeskd", "-w", workspace, "queues")
    finally:
        place.chmod(0o755)


def _state(workspace: Path, message_id: int) -> str:
    return str(json.loads(succeed(COMMANDS, "-w", workspace, "show", str(message_id), "--json"))["state"])


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return target


@pytest.fixture
def desktop(user_folders: Mapping[str, str]) -> Iterator[Desktop]:
    with Desktop(folders=user_folders, has_tray=False) as desktop:
        yield desktop


def test_the_demo_goes_from_the_welcome_page_to_completed_messages(desktop: Desktop) -> None:
    window = Window(desktop, desktop.launch([COMMANDS]))
    try:
        window.program.window()
        window.program.press("Try the demo")
        assert window.wait_for_count("completed", 5) >= 5
        window.open_page("Workers")
        window.wait_for_worker("producer", "Running")
    finally:
        run_bare(COMMANDS, "-w", demo_workspace(), "stop", "all", "--supervisord")
