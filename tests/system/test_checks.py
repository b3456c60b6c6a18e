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


_AGAINST_THE_LAYERS = {  # file: a module that it may not import
    "storage/contract.py": "pqdesk.queues.queue",
    "storage/values.py": "pqdesk.storage.contract",
    "storage/sqlite/engine.py": "pqdesk.storage.sqlite.store",
    "cli/put.py": "pqdesk.gui.theme",
    "queues/queue.py": "apsw",
    "paths.py": "PySide6.QtCore",
    "workers/consumer.py": "xmlrpc.client",
    "supervision/records.py": "click",
    "supervision/supervision.py": "pqdesk.storage.values",
    "gui/pages/logs/logs_page.py": "pqdesk.gui.pages.messages.columns",
    "gui/widgets/tile.py": "pqdesk.gui.threads.reader",
    "gui/records/model.py": "pqdesk.gui.dialogs.questions",
    "gui/records/rows.py": "pqdesk.gui.registry",
}


def test_imports_against_the_layers_are_named(checkout: Path) -> None:
    arrows = []
    for module, imported in _AGAINST_THE_LAYERS.items():
        path = checkout / "pqdesk" / module
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\nimport {imported}\n", encoding="utf-8")
        importer = f"pqdesk.{module.removesuffix('.py').replace('/', '.')}"
        target = imported if imported.startswith("pqdesk.") else imported.split(".")[0]
        arrows.append(f"{importer} -> {target} (l.{text.count(chr(10)) + 2})")

    said = " ".join(check(checkout, "lint-imports", "--no-cache").split())

    assert [arrow for arrow in arrows if arrow not in said] == []


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
