"""What supervisord, and a worker that is tried out, get of the environment that they are started from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.daemon.launch import _configuration
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.processes.try_out import try_out

BY_CHANCE = (
    "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP", "BASH_ENV",
    "ENV", "IFS", "SSH_AUTH_SOCK", "SUDO_USER", "SUPERVISOR_SERVER_URL", "SUPERVISOR_PROCESS_NAME", "OLDPWD",
    "PQDESK_RECEIPT", "PQDESK_HEADER_TOKEN", "PQDESK_WORKER", "XDG_ACTIVATION_TOKEN",
)  # fmt: skip
NEEDED = (
    "HOME",
    "PATH",
    "LANG",
    "LC_TIME",
    "TZ",
    "XDG_RUNTIME_DIR",
    "PQDESK_ALLOW_OWNER",
    "https_proxy",
    "SSL_CERT_FILE",
)


@pytest.fixture(autouse=True)
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BY_CHANCE, *NEEDED):
        monkeypatch.setenv(name, f"of {name}")


def test_what_is_needed_is_passed_on_and_nothing_by_chance() -> None:
    environment = clean_environment()

    assert {name: environment.get(name) for name in NEEDED} == {name: f"of {name}" for name in NEEDED}
    assert not environment.keys() & set(BY_CHANCE)


@pytest.mark.parametrize(
    "written", ["DATABASE_URL,SSH_AUTH_SOCK", "DATABASE_URL SSH_AUTH_SOCK", ", DATABASE_URL,, SSH_AUTH_SOCK"]
)
def test_names_can_be_passed_on_besides(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("PQDESK_PASS", written)

    assert clean_environment().keys() & set(BY_CHANCE) == {"DATABASE_URL", "SSH_AUTH_SOCK"}


def test_what_configuration_names_is_passed_on_since_supervisord_would_refuse_it(tmp_path: Path) -> None:
    paths = WorkspacePaths(tmp_path)
    write_supervisor_configuration(paths)
    write_definition(paths, WorkerDefinition(name="a", command=("true",)))
    (paths.workers / "b.conf").write_text("[program:b]\ncommand=true %(ENV_DATABASE_URL)s\n")
    (paths.workers / "c.conf").write_bytes(b"\xff%(ENV_BASH_ENV)s")

    assert clean_environment(_configuration(paths)).keys() & set(BY_CHANCE) == {"DATABASE_URL"}


def test_a_worker_that_is_tried_has_what_it_would_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    code = "import os; print(*sorted(os.environ))"
    definition = WorkerDefinition(name="a", command=(sys.executable, "-I", "-c", code), environment={"MINE": "1"})

    done = try_out(definition, WorkspacePaths(tmp_path), 20, None, None)

    assert not {*done.output.split()} & set(BY_CHANCE)
    assert {"MINE", "HOME", "PQDESK_WORKSPACE"} <= {*done.output.split()}
