"""What holds for every command: options, errors, exit codes, streams."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pqdesk.cli.root import root
from pqdesk.cli.settings import Settings
from tests.checkout import ROOT
from tests.programs import PQDESK, environment_with_programs, run
from tests.support import wait_until
from tests.system.cli.conftest import Cli

_LOOKING = (["queues"], ["messages", "q"], ["show", "1"], ["workers"], ["watch"], ["logs", "consumer"])
# Every documented command; restoring and checking files are not among them.
_DOCUMENTED = (
    "open put get ack nack release consume produce queues messages show why retry run-now cancel delete restore move "
    "edit duplicate pause resume configure purge schedules add-schedule remove-schedule activity undo trash workers "
    "add-worker remove-worker start stop restart scale signal logs watch export import backup compact supervisord "
    "supervisorctl doctor"
)
_ACTING = (["get", "q"], ["ack", "1-0123456789abcdef"], ["retry", "1"], ["stop", "all"], ["resume", "q"])


def commands() -> list[str]:
    with root.make_context("pqdesk", [], resilient_parsing=True, obj=Settings()) as context:
        return root.list_commands(context)


@pytest.mark.parametrize("name", commands())
def test_every_command_explains_itself(cli: Cli, name: str) -> None:
    if name in ("supervisord", "supervisorctl"):
        pytest.skip("its help is that of the program")

    done = cli(name, "--help")

    assert done.code == 0
    assert f"Usage: pqdesk {name}" in done.out
    assert "--workspace" in done.out


def test_the_help_names_every_command_in_one_line_each(cli: Cli) -> None:
    done = cli("--help")

    for name in commands():
        assert re.search(rf"^  {name} +\S.*(?<!\.\.\.)$", done.out, re.MULTILINE), name


def test_every_documented_command_is_there() -> None:
    assert set(_DOCUMENTED.split()) - set(commands()) == set()


def test_the_readme_knows_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [name for name in commands() if not re.search(rf"`[^`]*\b{name}\b|^pqdesk .*\b{name}\b", readme, re.M)] == []


def test_the_version_is_sqlites_too(cli: Cli) -> None:
    assert re.fullmatch(r"PQDesk \S+ with SQLite 3\.\d+\.\d+\n", cli("--version").out)


@pytest.mark.parametrize("words", [*_LOOKING, *_ACTING, ["doctor"]], ids=" ".join)
def test_looking_at_nothing_makes_nothing(cli: Cli, workspace: Path, words: list[str]) -> None:
    done = cli(*words)

    assert done.code == (0 if words == ["doctor"] else 3)
    if words != ["doctor"]:
        assert done.err == (
            f"pqdesk: error: no workspace at '{workspace}'; make one by putting a message: pqdesk put QUEUE PAYLOAD\n"
        )
    assert not workspace.exists()


def test_options_may_stand_before_and_after_the_command(cli: Cli, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    cli("-w", here, "put", "q", "1")
    cli("put", "q", "1", "--workspace", there)

    assert cli("-w", there, "queues", "-w", here, "--json").json == cli("--json", "-w", here, "queues").json
    assert there.exists()


def test_an_empty_workspace_option_is_not_the_folder_one_stands_in(cli: Cli) -> None:
    done = cli("-w", "", "queues")

    assert done.code == 2
    assert "it is empty" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["put"],
        ["put", "q", "x", "--nope"],
        ["put", "q", "x", "--delay", "soon"],
        ["put", "", "x"],
        ["show", "x"],
        ["delete"],
        ["delete", "1", "--state", "failed"],
        ["delete", "--where", " "],
        ["delete", "--queue", ""],
        ["messages", "--state", "broken"],
        ["consume", "q"],
        ["consume", "q", "--"],
        ["consume", "q", "--handler", "nosuch:thing"],
        ["consume", "q", "--handler", "m:f", "--", "cat"],
        ["produce", "q", "--folder", "/nope"],
        ["produce", "q", "--every", "1s", "--cron", "* * * * *", "--", "ls"],
        ["ack", "nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_2(cli: Cli, put: object, words: list[str]) -> None:
    cli("put", "q", "1")

    done = cli(*words)

    assert done.code == 2
    assert done.out == ""
    assert re.fullmatch(r"pqdesk: error: [^\n]+\n", done.err)


def test_verbose_shows_the_traceback(cli: Cli) -> None:
    done = cli("-v", "show", "1")

    assert done.err.startswith("Traceback ")
    assert done.err.splitlines()[-1].startswith("pqdesk: error: no workspace")


def test_an_error_never_sends_escapes_to_the_terminal(cli: Cli) -> None:
    cli("put", "q", "1")

    assert "\\x1b[2J" in cli("messages", "\x1b[2J").err


def test_a_bug_is_one_line_and_its_traceback_is_in_the_log(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("put", "q", "1")
    monkeypatch.setattr("pqdesk.cli.tables.print_table", lambda *_: 1 / 0)

    done = cli("queues")

    assert done.code == 1
    assert re.fullmatch(r"pqdesk: error: unexpected ZeroDivisionError: .*pqdesk\.log\n", done.err)
    assert "ZeroDivisionError" in (workspace / "logs/pqdesk.log").read_text()


def test_a_missing_extra_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("put", "q", "1")
    monkeypatch.setitem(sys.modules, "rich.table", None)
    monkeypatch.setitem(sys.modules, "rich", None)

    assert "pip install 'pqdesk[cli]'" in cli("queues").err


def test_without_click_the_extra_is_named(workspace: Path) -> None:
    code = "import sys; sys.modules['click'] = None; from pqdesk.cli.main import run; run(['queues'])"

    done = run(sys.executable, "-c", code, check=False)

    assert done.returncode == 1
    assert done.stderr == "pqdesk: error: this command needs click; install it with: pip install 'pqdesk[cli]'\n"


def test_commands_load_neither_qt_nor_rich_nor_supervisor(workspace: Path) -> None:
    code = (
        "import sys; from pqdesk.cli.main import main; main(['put', 'q', 'x']);"
        "print(*sorted({'rich', 'PySide6', 'supervisor', 'psutil', 'xmlrpc', 'asyncio'} & set(sys.modules)))"
    )

    assert run(sys.executable, "-c", code).stdout.split() == ["1"]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return run("bash", "-c", f"set -o pipefail; {line}", check=False)


def test_a_reader_that_leaves_is_no_traceback(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("x" * 100 + "\n")
    lines.write_text(lines.read_text() * 3000)
    cli("put", "q", "--lines", lines)

    for words in ("messages q --limit 3000", "messages q --limit 3000 --json", "--help"):
        done = shell(f"pqdesk {words} | true")
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_a_failure(cli: Cli, redirection: str) -> None:
    cli("put", "q", "1")

    done = shell(f"pqdesk queues {redirection}")

    assert done.returncode == 1
    assert re.fullmatch(r"pqdesk: error: cannot (read or )?write[^\n]+\n", done.stderr)


def test_closed_streams_do_not_become_the_queue_file(cli: Cli, put: object) -> None:
    done = shell("pqdesk put q 1 <&- >&- 2>&-; pqdesk queues --json")

    assert done.returncode == 0
    assert '"ready": 1' in done.stdout


def test_output_in_another_encoding_is_escaped(cli: Cli) -> None:
    cli("put", "q", "語ä")

    done = run(PQDESK, "messages", "q", environment={"PYTHONIOENCODING": "ascii"})

    assert "\\u8a9e\\xe4" in done.stdout


def test_no_colours_without_a_terminal(cli: Cli) -> None:
    cli("put", "q", "1")

    assert "\x1b" not in cli("queues").out


def test_python_m_pqdesk_is_the_command(workspace: Path) -> None:
    done = run(sys.executable, "-m", "pqdesk", "--version")

    assert done.stdout.startswith("PQDesk ")


def test_a_shell_may_complete(workspace: Path) -> None:
    environment = {"_PQDESK_COMPLETE": "bash_complete", "COMP_WORDS": "pqdesk mess", "COMP_CWORD": "1"}

    assert "messages" in run(PQDESK, environment=environment).stdout


def test_ctrl_c_is_130(cli: Cli) -> None:
    cli("put", "other", "1")
    process = subprocess.Popen(
        [PQDESK, "get", "q", "--wait", "1h"],
        env=environment_with_programs(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_until(lambda: has_open(process.pid, "queue.db"), 30, "the command to open the queue file")

    process.send_signal(2)

    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 130


def has_open(pid: int, name: str) -> bool:
    return any(Path(one.path).name == name for one in psutil.Process(pid).open_files())
