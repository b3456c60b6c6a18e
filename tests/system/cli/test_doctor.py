"""`doctor`, and `open` where no window can be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pqdesk.cli import doctor_checks
from pqdesk.paths import WorkspacePaths
from pqdesk.services.health import look, needs_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from tests.programs import PQDESK, run
from tests.system.cli.conftest import Cli, Done

Put = Callable[..., int]


def verdicts(done: Done) -> dict[str, str]:
    """Subject → verdict, the worst where there are several."""
    found: dict[str, str] = {}
    for one in done.json:
        if found.get(one["subject"]) != "problem":
            found[one["subject"]] = one["verdict"]
    return found


@pytest.fixture(autouse=True)
def _no_look_for_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts a process that loads Qt; one test does."""
    monkeypatch.setattr(doctor_checks, "_why_no_window", lambda: None)


def test_a_good_workspace_has_no_problem(cli: Cli, put: Put) -> None:
    put("q", "1")

    done = cli("doctor")

    assert done.code == 0, done.out
    assert "1 queue, 1 message" in done.out
    assert done.out.splitlines()[-1].startswith("0 problems")


def test_for_programs_it_is_a_list(cli: Cli, put: Put) -> None:
    put("q", "1")

    assert {"workspace", "disk", "queue file", "SQLite", "supervisor"} <= set(verdicts(cli("doctor", "--json")))


@pytest.mark.parametrize(
    ("free_mib", "verdict", "said"), [(300, "warning", "nearly full: 300 MiB"), (100, "problem", "full: 100 MiB")]
)
def test_a_disk_that_is_nearly_full_is_told_once_in_the_words_of_all(
    cli: Cli, put: Put, workspace: Path, leave_free: Callable[[int], None], free_mib: int, verdict: str, said: str
) -> None:
    put("q", "1")
    leave_free(free_mib)

    (told,) = (one for one in cli("doctor", "--json").json if one["subject"] == "disk")

    (need,) = (one for one in needs_of(look(WorkspacePaths(workspace))) if one.kind == "disk")
    assert (told["verdict"], told["text"], told["todo"]) == (verdict, need.sentence, need.todo)
    assert said in need.text


def test_without_the_extra_for_workers_it_says_so_and_looks_at_the_rest(put: Put, workspace: Path) -> None:
    put("q", "1")
    program = """
import sys
sys.modules.update(psutil=None, supervisor=None)
from pqdesk.__main__ import run
run()
"""

    done = run(sys.executable, "-c", program, "-w", workspace, "doctor", check=False)

    assert done.returncode == 1, done.stderr
    assert "pip install 'pqdesk[workers]'" in done.stdout
    assert "1 queue, 1 message" in done.stdout


def test_a_file_that_is_no_queue_is_a_problem(cli: Cli, workspace: Path) -> None:
    workspace.mkdir(mode=0o700)
    (workspace / "queue.db").write_text("not a queue at all" * 100)

    done = cli("doctor", "--json")

    assert done.code == 1
    assert verdicts(done)["queue file"] == "problem"


def test_a_folder_that_all_may_write_to_is_a_problem(cli: Cli, put: Put, workspace: Path) -> None:
    put("q", "1")
    workspace.chmod(0o777)

    done = cli("doctor")

    assert done.code == 1
    assert "chmod o-w" in done.out


def test_a_file_instead_of_a_folder_is_a_problem(cli: Cli, workspace: Path) -> None:
    workspace.write_text("")

    assert verdicts(cli("doctor", "--json"))["workspace"] == "problem"


def test_payloads_that_others_can_read_are_a_warning(cli: Cli, put: Put, workspace: Path) -> None:
    put("q", "1")
    workspace.chmod(0o755)
    (workspace / "queue.db").chmod(0o644)

    assert verdicts(cli("doctor", "--json"))["modes"] == "warning"


def test_a_paused_queue_that_messages_wait_in_is_a_warning(cli: Cli, put: Put) -> None:
    put("q", "1")
    cli("pause", "q")

    assert "pqdesk resume q" in cli("doctor").out


def test_a_worker_file_that_supervisord_cannot_read_is_a_problem(cli: Cli, put: Put, workspace: Path) -> None:
    put("q", "1")
    paths = WorkspacePaths(workspace)
    write_supervisor_configuration(paths)
    write_definition(paths, WorkerDefinition(name="good", command=("pqdesk", "consume", "q", "--", "cat")))
    (paths.workers / "bad.conf").write_text("[program:bad\ncommand=x\n")

    done = cli("doctor", "--json")

    assert done.code == 1
    assert any("bad.conf" in one["text"] for one in done.json if one["verdict"] == "problem")


def test_safeguards_that_are_off_are_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PQDESK_ALLOW_NETWORK_FS", "1")

    assert verdicts(cli("doctor", "--json"))["PQDESK_ALLOW_NETWORK_FS"] == "warning"


def test_qt_is_tried_in_another_process(workspace: Path) -> None:
    pytest.importorskip("PySide6", exc_type=ImportError)

    done = run(PQDESK, "doctor", environment={"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""})

    assert "no display" in done.stdout


@pytest.mark.parametrize("words", [[], ["open"], ["open", "--background"], ["-w", "elsewhere"]], ids=" ".join)
def test_without_a_display_there_is_one_line_and_nothing_is_made(
    workspace: Path, tmp_path: Path, words: list[str]
) -> None:
    no_display = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}

    done = run(PQDESK, *words, folder=tmp_path, environment=no_display, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("pqdesk: ")
    assert done.stderr.count("\n") == 1
    assert "pqdesk watch" in done.stderr
    assert not workspace.exists()
    assert not (tmp_path / "elsewhere").exists()


def test_without_pyside_the_extra_is_named(workspace: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['PySide6', 'PySide6.QtCore', 'shiboken6']));"
        "from pqdesk.cli.main import run; run(['open'])"
    )

    done = run("python", "-c", code, check=False, environment={"QT_QPA_PLATFORM": "offscreen"})

    assert done.returncode == 1
    assert "pip install 'pqdesk[desktop]'" in done.stderr
    assert "Traceback" not in done.stderr
