"""The wheel, installed alone into an empty environment, as a program that only wants the library has it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")
# What only the window, the commands or the workers may bring in.
_OPTIONAL = ("PySide6", "shiboken6", "click", "rich", "supervisor", "psutil", "xmlrpc")


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
    )


def _succeed(*command: str | Path, cwd: Path) -> str:
    done = _run(*command, cwd=cwd)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    building = (sys.executable, "-m", "pip", "wheel", *_QUIET, "--no-build-isolation", "--no-deps")
    _succeed(*building, "--wheel-dir", folder, _ROOT, cwd=folder)
    (built,) = folder.glob("pqdesk-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The bin folder of an environment that holds the wheel and what it cannot do without."""
    environment = wheel.parent / "environment"
    _succeed(sys.executable, "-m", "venv", environment, cwd=wheel.parent)
    python = environment / "bin/python"
    pins = _ROOT / "packaging/constraints.txt"
    _succeed(python, "-m", "pip", "install", *_QUIET, "--constraint", pins, wheel, cwd=wheel.parent)
    return environment / "bin"


def test_the_wheel_has_code_types_schema_resources_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    tracked = _succeed("git", "ls-files", "-z", "pqdesk", "resources", cwd=_ROOT).split("\0")
    wanted = {name.replace("resources/", "pqdesk/resources/", 1) for name in tracked if name}
    assert wanted <= {*names}
    assert "pqdesk/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.split("/")[0] not in ("pqdesk", names[-1].split("/")[0])]


def test_the_library_works_alone_and_loads_nothing_optional(installed: Path, tmp_path: Path) -> None:
    program = """
import json, sys
from pqdesk import Queue
with Queue("emails") as queue:
    queue.put({"to": "ada@example.com"})
    with queue.get(timeout=30) as message:
        payload = message.payload
    counts = queue.counts()
print(json.dumps({"payload": payload, "completed": counts.completed, "modules": sorted(sys.modules)}))
"""

    said = json.loads(_succeed(installed / "python", "-c", program, cwd=tmp_path))

    assert said["payload"] == {"to": "ada@example.com"}
    assert said["completed"] == 1
    assert not [name for name in said["modules"] if name.split(".")[0] in _OPTIONAL]


def test_resources_are_found_inside_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = "from pqdesk.paths import resources_folder as folder; print(folder()); print(*folder().rglob('*.svg'))"

    folder, pictures = _succeed(installed / "python", "-c", program, cwd=tmp_path).splitlines()

    assert "site-packages" in folder
    assert pictures.count(".svg") >= 1


@pytest.mark.parametrize(("script", "extra"), [("pqdesk", "cli"), ("pqdesk-desktop", "desktop")])
def test_a_command_without_its_extra_says_which_to_install(
    installed: Path, tmp_path: Path, script: str, extra: str
) -> None:
    done = _run(installed / script, cwd=tmp_path)

    assert done.returncode != 0
    assert done.stdout == ""
    assert f"pqdesk[{extra}]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
