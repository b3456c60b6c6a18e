"""The checks of .ci/run find what they are there for, each with the line that breaks the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import copy_checkout
from tests.programs import run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy_checkout(tmp_path / "pqdesk")
    return tmp_path / "pqdesk"


def check(checkout: Path, *command: str) -> str:
    """What a check says that has to fail."""
    # the copy's pqdesk, not the one that is installed
    done = run(*command, folder=checkout, environment={"PYTHONPATH": str(checkout)}, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("module", "line", "arrow"),
    [
        ("storage/contract.py", "import pqdesk.queues.queue", "pqdesk.storage.contract -> pqdesk.queues.queue"),
        ("cli/put.py", "import pqdesk.gui.theme", "pqdesk.cli.put -> pqdesk.gui.theme"),
        ("queues/queue.py", "import apsw", "pqdesk.queues.queue -> apsw"),
        ("paths.py", "from PySide6.QtCore import QObject", "pqdesk.paths -> PySide6"),
        ("workers/consumer.py", "import xmlrpc.client", "pqdesk.workers.consumer -> xmlrpc"),
        ("supervision/records.py", "import click", "pqdesk.supervision.records -> click"),
    ],
)
def test_an_import_against_the_layers_is_named(checkout: Path, module: str, line: str, arrow: str) -> None:
    path = checkout / "pqdesk" / module
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")

    said = check(checkout, "lint-imports", "--no-cache")

    assert f"{arrow} (l.{text.count(chr(10)) + 2})" in " ".join(said.split())


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import sqlite3", "TID251"),
        ("from PySide6 import QtSql", "TID251"),
        ("import pickle", "TID251"),
        ("value = eval(text)", "S307"),
        ("exec(text)", "S102"),
        ("import subprocess\nsubprocess.run(text, shell=True)", "S602"),
        ("import os\nos.system(text)", "S605"),
    ],
)
def test_forbidden_calls_and_imports_are_found(checkout: Path, code: str, rule: str) -> None:
    (checkout / "pqdesk/sample.py").write_text(f"{code}\n", encoding="utf-8")

    said = check(checkout, "ruff", "check", "--output-format", "concise")

    found_at = f"pqdesk/sample.py:{len(code.splitlines())}:"
    assert [line for line in said.splitlines() if line.startswith(found_at) and f" {rule} " in line]


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("notes.txt", "x" * 1_000_001, "notes.txt: 1000001 bytes"),
        ("packaging/__init__.py", "", "packaging/__init__.py: makes the folder a package"),
        ("packaging/pip.conf", "[global]\nindex" + "-url = http://localhost/\n", "packaging/pip.conf:2: address"),
        ("pqdesk.egg-info/PKG-INFO", "", "pqdesk.egg-info/PKG-INFO: made by a program"),
    ],
)
def test_what_may_not_be_in_the_tree_is_found(checkout: Path, name: str, text: str, finding: str) -> None:
    path = checkout / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")

    assert finding in check(checkout, "python", ".ci/check_tree.py")
