"""packaging/setup.sh makes what is missing and only that, on a small project in place of this one.

The project has no dependencies, so that a set-up takes seconds; scripts, venv and pip are the real ones. What apt would
do is played by a script, since a test must not install anything on the machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "pqdesk"
version = "0"
optional-dependencies = { desktop = [], dev = [] }

[project.scripts]
pqdesk = "pqdesk:run"
"""
_MODULE = """
import sys

def run():
    print("arguments:", *sys.argv[1:])
"""
_SAID = "arguments: one two words\n"
_MAKING, _INSTALLING = "making .venv", "installing the Python packages"


class Project:
    """A checkout with the real packaging/ and a pqdesk that prints its arguments; `bin` comes first in PATH."""

    def __init__(self, root: Path, binaries: Path) -> None:
        self.root, self.binaries = root, binaries
        shutil.copytree(_ROOT / "packaging", root / "packaging")
        (root / "pyproject.toml").write_text(_PYPROJECT)
        (root / "pqdesk").mkdir()
        (root / "pqdesk/__init__.py").write_text(_MODULE)
        binaries.mkdir()
        self.need_nothing_from_the_system()

    @property
    def command(self) -> list[str]:
        return ["bash", str(self.root / "packaging/run"), "one", "two words"]

    @property
    def environment(self) -> dict[str, str]:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**kept, "PATH": f"{self.binaries}:{os.environ['PATH']}"}

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def need_nothing_from_the_system(self) -> None:
        (self.root / "packaging/system-packages.txt").write_text("python module:ensurepip python{version}-venv\n")

    def need(self, program: str, package: str) -> None:
        with (self.root / "packaging/system-packages.txt").open("a") as table:
            table.write(f"window command:{program} {package}\n")

    def play(self, program: str, script: str) -> None:
        path = self.binaries / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "a checkout", tmp_path / "bin")


def test_the_second_start_sets_nothing_up(project: Project) -> None:
    first, second = project.run(), project.run()

    assert (first.returncode, first.stdout) == (0, _SAID), first.stderr
    assert _MAKING in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, _SAID, "")


def test_of_two_at_once_one_waits_for_the_other(project: Project) -> None:
    both = [project.start(), project.start()]

    said = [one.communicate(timeout=100) for one in both]

    assert [one.returncode for one in both] == [0, 0]
    assert [out for out, _ in said] == [_SAID, _SAID]
    assert sum(_MAKING in errors for _, errors in said) == 1
    assert sum("waiting for it" in errors for _, errors in said) == 1


def test_after_an_interruption_the_next_start_completes(project: Project) -> None:
    interrupted = project.start()
    _wait_for((project.root / ".venv/.unfinished").exists, "pip to begin")
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate()

    again = project.run()

    assert (again.returncode, again.stdout) == (0, _SAID), again.stderr
    assert _MAKING in again.stderr
    assert project.run().stderr == ""


def test_a_moved_checkout_is_set_up_anew_and_new_pins_are_installed(project: Project) -> None:
    project.run()
    project.root = project.root.rename(project.root.with_name("moved"))

    moved = project.run()
    with (project.root / "packaging/constraints.txt").open("a") as pins:
        pins.write("# changed\n")
    changed = project.run()

    assert (moved.returncode, moved.stdout) == (0, _SAID), moved.stderr
    assert _MAKING in moved.stderr
    assert changed.returncode == 0
    assert _INSTALLING in changed.stderr
    assert _MAKING not in changed.stderr


def test_what_the_system_lacks_is_installed_where_that_is_allowed(project: Project) -> None:
    project.need("made-up-viewer", "made-up-package")
    project.play("sudo", '[ "$1" = -n ] && shift; exec "$@"')
    project.play("apt-cache", "exit 100")
    installing = f'cp /bin/true "{project.binaries}/made-up-viewer"'
    project.play("apt-get", f'case "$*" in *"install"*made-up-package*) {installing};; esac')

    done = project.run(DISPLAY="elsewhere:0")

    assert (done.returncode, done.stdout) == (0, _SAID), done.stderr
    assert "installing what the system lacks: made-up-package" in done.stderr


@pytest.mark.parametrize("display", ["elsewhere:0", ""], ids=["with a display", "without"])
def test_where_installing_fails_the_line_to_type_is_told(project: Project, display: str) -> None:
    project.need("made-up-viewer", "made-up-package")
    project.play("sudo", "exit 1")
    project.play("apt-cache", "exit 100")
    project.play("apt-get", "echo no network >&2; exit 100")

    done = project.run(DISPLAY=display)

    assert "apt-get install -y --no-install-recommends made-up-package\n" in done.stderr
    assert done.returncode == (1 if display else 0)  # the terminal view needs nothing of Qt
    assert (project.root / ".venv").exists() == (not display)
    if not display:
        assert project.run(DISPLAY=display).stderr == ""  # told once
        assert project.run(DISPLAY="elsewhere:0").returncode == 1  # now it is needed


def test_nothing_in_the_current_folder_stands_in_for_a_module_of_python(project: Project, tmp_path: Path) -> None:
    for name in ("logging", "pip", "venv", "shutil", "glob"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")

    done = subprocess.run(
        project.command, env=project.environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=100,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, _SAID), done.stderr


@pytest.mark.parametrize(("answer", "is_used"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_sudo_is_used_only_after_a_yes(answer: str, is_used: bool) -> None:
    declare = "source packaging/setup.sh; declare -f may_install say"
    functions = subprocess.run(["bash", "-c", declare], cwd=_ROOT, capture_output=True, text=True, check=True).stdout
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    played = 'apt-get() { :; }; sudo() { echo "sudo $*"; }; debian_names() { echo "$1"; }'
    script = f"{played}\n{functions}\nif may_install made-up-package; then echo installs; fi"
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())

    done = subprocess.run(
        [*nobody, "/bin/bash", "-c", script], cwd="/", stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)

    assert "made-up-package" in told
    assert "with sudo?" in told
    assert done.stdout == ("sudo -v\ninstalls\n" if is_used else "")


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("sudo() { false; }", "sudo apt-get update && sudo apt-get install -y one two"),
        ("PATH=", "su -c 'apt-get update && apt-get install -y one two'"),
    ],
    ids=["sudo", "no sudo"],
)
def test_the_line_to_type_is_one_that_this_user_can_type(before: str, line: str) -> None:
    declare = "source packaging/setup.sh; declare -f as_root_line"
    function = subprocess.run(["bash", "-c", declare], cwd=_ROOT, capture_output=True, text=True, check=True).stdout
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    script = f"{before}\n{function}\nas_root_line 'apt-get update' 'apt-get install -y one two'"

    said = subprocess.run([*nobody, "/bin/bash", "-c", script], cwd="/", capture_output=True, text=True, check=True)

    assert said.stdout == f"{line}\n"


def test_an_old_python_alone_is_told(project: Project) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        project.play(name, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')

    done = project.run()

    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr


def _wait_for(condition, what: str) -> None:  # type: ignore[no-untyped-def]
    ends_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends_at, f"waited for {what}"
        time.sleep(0.01)
