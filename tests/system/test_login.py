"""Starting at login: what is written is what systemd and the desktop read, and it does start the workers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.start_at_login import LoginStart
from tests.programs import environment_with_programs
from tests.system.cli.conftest import Done
from tests.system.conftest import SupervisedWorkspace

# The user's systemd as far as it is asked: it answers, and makes the link when a service is enabled.
_SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$HOME/calls"
wants="$XDG_CONFIG_HOME/systemd/user/default.target.wants"
case "$2" in
enable) test -e "$HOME/refuse" && { echo "Failed to enable: no" >&2; exit 1; }
        mkdir -p "$wants"; ln -sf "../$3" "$wants/$3" ;;
disable) rm -f "$wants/$3" ;;
esac
"""
_NASTY = "a 50% 'x' \"y\" $HOME `z` \\ ä;#"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first in PATH; empty of everything but what a test puts there, so no real systemd answers."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put_tool(tools: Path, name: str, text: str) -> None:
    (tools / name).write_text(text)
    (tools / name).chmod(0o700)
    for needed in ("mkdir", "ln", "rm"):
        if not (tools / needed).exists():
            (tools / needed).symlink_to(f"/bin/{needed}")


def config_files(user_folders: Mapping[str, str]) -> list[str]:
    folder = Path(user_folders["XDG_CONFIG_HOME"])
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir() or file.is_symlink())


def test_without_systemd_the_desktop_starts_the_workers(
    supervised: SupervisedWorkspace, tools: Path, user_folders: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    supervised.add("worker", "import time\ntime.sleep(600)")
    login = LoginStart(supervised.paths)
    before = login.state()
    assert (before.is_on, before.way, before.is_lingering) == (False, "autostart", None)
    assert config_files(user_folders) == []

    on = login.switch(True)

    assert (on.is_on, on.way) == (True, "autostart")
    [entry] = config_files(user_folders)
    text = (Path(user_folders["XDG_CONFIG_HOME"]) / entry).read_text()
    [line] = [line for line in text.splitlines() if line.startswith("Exec=")]
    command = shlex.split(line.removeprefix("Exec=").replace("\\\\", "\\"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL, cwd="/")
    supervised.wait_for_running("worker")
    assert not login.switch(False).is_on
    assert config_files(user_folders) == []
    supervised.wait_for_running("worker")


@pytest.mark.parametrize("name", ["plain", _NASTY])
def test_the_autostart_entry_names_the_workspace_exactly(
    short_folder: Path, tools: Path, user_folders: Mapping[str, str], name: str
) -> None:
    paths = WorkspacePaths(short_folder / name)

    LoginStart(paths).switch(True)

    [entry] = config_files(user_folders)
    file = Path(user_folders["XDG_CONFIG_HOME"]) / entry
    [line] = [line for line in file.read_text().splitlines() if line.startswith("Exec=")]
    # first as a string, then as Exec: Desktop Entry Specification 1.5
    words = shlex.split(
        line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%").replace("\\$", "$").replace("\\`", "`")
    )
    assert words[-4:] == ["-w", str(paths.root), "start", "--autostart"]
    validate = shutil.which("desktop-file-validate", path=os.defpath)
    if validate is not None:
        subprocess.run([validate, file], check=True)


@pytest.mark.parametrize("name", ["plain", _NASTY])
def test_with_systemd_it_is_a_service(
    short_folder: Path, tools: Path, user_folders: Mapping[str, str], name: str
) -> None:
    put_tool(tools, "systemctl", _SYSTEMCTL)
    login = LoginStart(WorkspacePaths(short_folder / name))

    on = login.switch(True)

    assert (on.is_on, on.way, on.is_lingering) == (True, "systemd", False)
    assert "logged out" in on.explanation
    link, unit = config_files(user_folders)
    assert link.endswith(f"default.target.wants/{Path(unit).name}")
    file = Path(user_folders["XDG_CONFIG_HOME"]) / unit
    assert 'ExecStop="/usr/bin/env" "PQDESK_WORKER=login" ' in file.read_text()  # also where people may only look
    analyze = shutil.which("systemd-analyze", path=os.defpath)
    if analyze is not None:
        done = subprocess.run([analyze, "verify", "--man=no", file], capture_output=True, text=True, check=False)
        complaints = [one for one in done.stderr.splitlines() if Path(unit).name in one]
        assert complaints == []
    assert not login.switch(False).is_on
    assert config_files(user_folders) == []
    assert "disable" in (Path(user_folders["HOME"]) / "calls").read_text()


def test_what_systemd_refuses_changes_nothing(short_folder: Path, tools: Path, user_folders: Mapping[str, str]) -> None:
    put_tool(tools, "systemctl", _SYSTEMCTL)
    (Path(user_folders["HOME"]) / "refuse").touch()

    with pytest.raises(SupervisorError, match="cannot make workers start at login: Failed to enable: no"):
        LoginStart(WorkspacePaths(short_folder)).switch(True)

    assert config_files(user_folders) == []


def test_running_on_after_logging_out_is_asked_of_logind(short_folder: Path, tools: Path) -> None:
    login = LoginStart(WorkspacePaths(short_folder))
    with pytest.raises(SupervisorError, match="there is no loginctl"):
        login.keep_after_logout(True)
    put_tool(tools, "loginctl", '#!/bin/sh\necho "$1" > "$HOME/asked"\n')

    login.keep_after_logout(True)

    assert (Path(os.environ["HOME"]) / "asked").read_text() == "enable-linger\n"


def test_the_command_switches_and_tells(
    supervised: SupervisedWorkspace, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pqdesk.cli.main import main

    def call(*words: str) -> Done:
        code = main(["-w", str(supervised.paths.root), *words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    assert call("start-at-login").out.splitlines()[0] == "start at login: off"
    assert call("start-at-login", "on").out.splitlines()[0] == "start at login: on (autostart)"
    assert call("start-at-login", "--json").json["is_on"] is True
    assert call("start-at-login", "off").out.splitlines()[0] == "start at login: off"
    assert call("start-at-login", "--keep-after-logout").code == 1


def test_supervisord_alone_is_started_and_stopped_by_command(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", "import time\ntime.sleep(600)")
    supervised.add("by_hand", "import time\ntime.sleep(600)", is_autostart=False)

    def pqdesk(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["pqdesk", "-w", supervised.paths.root, *words]
        return subprocess.run(command, env=environment_with_programs(), capture_output=True, text=True, check=False)

    assert pqdesk("start", "--autostart").returncode == 0
    supervised.wait_for_running("worker")
    assert supervised.replica("by_hand").pid is None
    assert pqdesk("start").returncode == 2
    assert pqdesk("stop", "worker", "--supervisord").returncode == 2
    assert pqdesk("stop", "all", "--supervisord").returncode == 0
    assert supervised.supervision.status().state_word == "not running"
