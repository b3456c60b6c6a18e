"""Handlers in files, and what is said of files that cannot be used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pqdesk import InvalidInput
from pqdesk.workers.handlers import load_handler


@pytest.fixture(autouse=True)
def _own_modules(tmp_path, monkeypatch):
    """The current folder is tmp_path, and what the test imports is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_file_is_loaded_with_its_neighbours(tmp_path):
    folder = tmp_path / "deep er"
    folder.mkdir()
    (folder / "neighbour_of_mail.py").write_text("NAME = 'ada'")
    (folder / "mail_handlers.py").write_text(
        "import neighbour_of_mail\ndef send(message): return neighbour_of_mail.NAME"
    )

    handler = load_handler("deep er/mail_handlers.py:send")

    assert handler.function(None) == "ada"


def test_module_of_the_current_folder_is_found(tmp_path):
    (tmp_path / "some_mail_module.py").write_text("def send(message): return 1")

    assert load_handler("some_mail_module:send").function(None) == 1


def test_file_named_like_a_module_does_not_replace_it(tmp_path):
    import json

    (tmp_path / "json.py").write_text("def send(message): return 'mine'")

    assert load_handler("json.py:send").function(None) == "mine"
    assert sys.modules["json"] is json


@pytest.mark.parametrize("name", ["logging", "sqlite3", "wave", "apsw", "click"])  # loaded already, or not; installed
@pytest.mark.parametrize("spec", ["folder/mail_handlers.py:send", "mail_handlers:send"])
def test_what_lies_beside_a_handler_replaces_nothing_that_is_installed(tmp_path, name, spec):
    folder = tmp_path / "folder" if "/" in spec else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    (folder / "mail_handlers.py").write_text("def send(message): return 1")
    code = (
        f"import sys; from pqdesk.workers.handlers import load_handler; load_handler({spec!r}); "
        f"import {name}; print({name}.__file__)"
    )

    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not done.stdout.startswith(str(tmp_path))


@pytest.mark.parametrize("name", ["wave", "apsw"])
def test_a_handler_named_like_a_module_that_is_not_loaded_yet_does_not_replace_it(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("def send(message): return 'mine'")
    code = (
        f"from pqdesk.workers.handlers import load_handler; one = load_handler('{name}.py:send'); "
        f"import {name}; print(one.function(None), {name}.__file__)"
    )

    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)

    said, _, place = done.stdout.partition(" ")
    assert said == "mine", done.stderr
    assert not place.startswith(str(tmp_path))


def test_two_handlers_of_one_folder_keep_their_names(tmp_path):
    for name in ("first_mail", "second_mail"):
        (tmp_path / f"{name}.py").write_text("def send(message): return __name__")

    assert [load_handler(f"{name}.py:send").function(None) for name in ("first_mail", "second_mail")] == [
        "first_mail",
        "second_mail",
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def send(:", r"SyntaxError: .*\(.*broken_mail.py, line 1\)"),
        ("\n1 / 0", r"ZeroDivisionError: division by zero \(.*broken_mail.py, line 2\)"),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("raise SystemExit('no configuration')", "SystemExit: no configuration"),
    ],
)
def test_file_that_cannot_be_imported_says_why_in_one_line(tmp_path, code, reason):
    (tmp_path / "broken_mail.py").write_text(code)

    for spec in ("broken_mail.py:send", "broken_mail:send"):
        with pytest.raises(InvalidInput, match=f"handler '{spec}' cannot be imported: {reason}") as caught:
            load_handler(spec)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["nowhere.py:send", "deep/nowhere:send"])
def test_missing_file_is_told_with_its_place(tmp_path, spec):
    with pytest.raises(InvalidInput, match=f"there is no file '{tmp_path}/"):
        load_handler(spec)


def test_importing_the_workers_loads_no_window_no_commands_and_no_supervisor():
    code = (
        "import sys, pqdesk.workers.consumer, pqdesk.workers.producer, pqdesk.demo;"
        "print([name for name in ('click', 'rich', 'PySide6', 'supervisor', 'psutil', 'xmlrpc', 'asyncio',"
        " 'pqdesk.supervision') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
