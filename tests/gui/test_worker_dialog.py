"""Adding and editing a worker: what is asked, what is refused while typing, what is saved."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QCheckBox, QDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QRadioButton

from pqdesk import worker_checks as checks
from pqdesk.errors import DiskFull, InvalidInput
from pqdesk.gui.dialogs.worker import WorkerDialog
from pqdesk.gui.dialogs.worker.as_command import add_worker_command
from pqdesk.gui.shell.routes import Route
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.recipes import (
    Recipe,
    command_of,
    usual_restart,
)
from pqdesk.supervision.records import Saved, TryOut
from pqdesk.worker_options import Kind
from tests.gui.shell_fakes import make_replica
from tests.gui.worker_fakes import WorkersRig
from tests.programs import pqdesk

RUNNING = make_replica("hasher", queues=("files",))
DEFINITION = WorkerDefinition(name="hasher", command=("pqdesk", "consume", "files", "--", "sha256sum"))


@pytest.fixture
def rig(qtbot, theme, clock):
    rig = WorkersRig(theme, clock, RUNNING)
    rig.supervision.keep(DEFINITION)
    yield rig
    rig.close()


class Form:
    """A dialog worked by the names of its fields."""

    def __init__(self, qtbot, rig) -> None:
        self._qtbot = qtbot
        self.dialog = next(one for one in rig.page.findChildren(WorkerDialog) if one.isVisible())

    def choose_kind(self, name: str) -> None:
        self.dialog.findChild(QRadioButton, f"kind_{name}").click()

    def fill(self, name: str, text: str) -> None:
        self._field(name).setText(text)

    def press(self, name: str) -> None:
        self._qtbot.mouseClick(self.dialog.findChild(QPushButton, name), Qt.MouseButton.LeftButton)

    def reason(self, name: str) -> str:
        fields = self._field(name).parentWidget()
        return fields.reason

    def text(self, name: str) -> str:
        return self.dialog.findChild(QLabel, name).text()

    def preview(self) -> str:
        return self.dialog.findChild(QPlainTextEdit, "worker_preview").toPlainText()

    def _field(self, name: str) -> QLineEdit:
        """The one that is asked now: kinds share names."""
        found = self.dialog.findChildren(QLineEdit, name)
        return next((one for one in found if one.isVisibleTo(self.dialog)), found[0])


@pytest.fixture
def form(qtbot, rig):
    """A new worker."""
    rig.page.action_set["add_worker"].trigger()
    return Form(qtbot, rig)


@pytest.fixture
def edited(qtbot, rig):
    rig.page.go(Route("workers", subject="hasher"))
    rig.page.findChild(QAction, "action_edit").trigger()
    return Form(qtbot, rig)


def test_every_field_and_button_has_a_name(form):
    for kind in ("function", "command", "folder", "schedule", "post", "other"):
        form.choose_kind(kind)
        nameless = [
            one.objectName()
            for one in form.dialog.findChildren(object)
            if one.isWidgetType()
            and one.focusPolicy() & Qt.FocusPolicy.TabFocus
            and one.isVisibleTo(form.dialog)
            and not (one.accessibleName() or getattr(one, "text", lambda: "")())
            and not one.objectName().startswith("qt_")
        ]
        assert nameless == [], kind


def test_a_command_per_message_is_added_and_started(rig, form):
    form.choose_kind("command")
    form.fill("worker_command", "sha1sum --tag")
    form.fill("worker_queues", "a, b")
    form.press("save_worker")

    assert rig.told == [("add", "sha1sum", True)]
    assert rig.supervision.definitions["sha1sum"].command == (
        "pqdesk", "consume", "a", "b", "--", "sha1sum", "--tag",
    )  # fmt: skip
    assert not form.dialog.isVisible()


@pytest.mark.parametrize(
    ("kind", "values", "recipe"),
    [
        (
            "function",
            {"worker_handler": "mail.py:send", "worker_queues": "mail", "worker_timeout": "30s"},
            Recipe(Kind.FUNCTION, handler="mail.py:send", queues=("mail",), timeout="30s"),
        ),
        ("folder", {"worker_folder": "/tmp", "worker_queue": "f"}, Recipe(Kind.FOLDER, folder="/tmp", queue="f")),
        (
            "schedule",
            {"worker_queue": "r", "worker_payload": '{"a": 1}', "worker_every": "5m"},
            Recipe(Kind.SCHEDULE, queue="r", payload='{"a": 1}', every="5m"),
        ),
        (
            "post",
            {"worker_url": "http://localhost:8000/x", "worker_queues": "m", "worker_headers": "A=1 'B=c d'"},
            Recipe(Kind.POST, url="http://localhost:8000/x", queues=("m",), headers=("A=1", "B=c d")),
        ),
        ("other", {"worker_command": "sleep 10"}, Recipe(Kind.OTHER, command=("sleep", "10"))),
    ],
)
def test_each_kind_becomes_its_command(rig, form, kind, values, recipe):
    form.choose_kind(kind)
    for name, text in values.items():
        form.fill(name, text)
    form.fill("worker_name", "mine")
    form.press("save_worker")

    assert rig.supervision.definitions["mine"].command == command_of(recipe)


@pytest.mark.parametrize(
    ("kind", "field", "text", "reason"),
    [
        ("command", "worker_command", "echo 'a", "A quote is not closed."),
        ("command", "worker_timeout", "soon", "'soon' is no duration"),
        ("function", "worker_handler", "mail.py", "a colon and the function"),
        ("function", "worker_handler", "mail.py:2x", "no name of a function"),
        ("folder", "worker_folder", "relative", "whole path"),
        ("folder", "worker_folder", "/no/such/folder", "There is no folder"),
        ("folder", "worker_queue", "-f", "reads as an option"),
        ("schedule", "worker_every", "0s", "above zero"),
        ("post", "worker_url", "ftp://x", "no address to post to"),
        ("post", "worker_headers", "Authorization", "is no header"),
        ("other", "worker_name", "a-2", "those of replicas"),
        ("other", "worker_name", "all", "stands for all workers"),
        ("other", "worker_name", "hasher", "there is a worker 'hasher' already"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_while_typing(form, kind, field, text, reason):
    form.choose_kind(kind)
    assert form.reason(field) == ""

    form.fill(field, text)

    assert reason.lower() in form.reason(field).lower()


def test_cron_lines_and_zones_are_checked_too():
    for check, bad, good in (
        (checks.check_cron, "* * *", "*/5 * * * *"),
        (checks.check_timezone, "Nowhere/Land", "Europe/Berlin"),
    ):
        check(good)
        with pytest.raises(InvalidInput):
            check(bad)


def test_saving_what_is_incomplete_leads_to_what_is_missing(rig, form):
    form.choose_kind("post")
    form.press("save_worker")

    assert rig.told == []
    assert "address" in form.reason("worker_url")
    assert form.dialog.focusWidget() is form._field("worker_url")


def test_the_name_is_proposed_until_one_is_typed(form):
    form.choose_kind("command")
    form.fill("worker_command", "/usr/bin/sha256sum --tag")
    assert form._field("worker_name").text() == "sha256sum"

    form.fill("worker_name", "mine")
    form.fill("worker_command", "md5sum")

    assert form._field("worker_name").text() == "mine"


def test_the_preview_follows_what_is_typed(qtbot, form):
    form.choose_kind("other")
    form.fill("worker_command", "sleep 10")
    form.fill("worker_name", "mine")

    qtbot.waitUntil(lambda: form.preview() == "[program:mine]\ncommand=sleep 10\n")


def test_secrets_are_masked_and_kept_apart(rig, form):
    form.choose_kind("other")
    form.fill("worker_command", "sleep 10")
    form.press("add_variable")
    form.press("add_variable")
    for number, name, value in ((1, "LANG", "C"), (2, "TOKEN", "geheim")):
        form.fill(f"variable_name_{number}", name)
        form.fill(f"variable_value_{number}", value)
    form.dialog.findChild(QCheckBox, "variable_secret_2").setChecked(True)

    assert form.dialog.findChild(QLineEdit, "variable_value_2").echoMode() is QLineEdit.EchoMode.Password
    form.press("save_worker")
    saved = rig.supervision.definitions["sleep"]
    assert (saved.environment, saved.secrets) == ({"LANG": "C"}, {"TOKEN": "geheim"})


def test_a_variable_that_is_there_twice_is_refused(form):
    form.choose_kind("other")
    form.fill("worker_command", "sleep 10")
    for number in (1, 2):
        form.press("add_variable")
        form.fill(f"variable_name_{number}", "X")
    form.press("save_worker")

    assert "twice" in form.text("environment_reason")
    assert form.dialog.isVisible()


@pytest.mark.parametrize(
    ("result", "title", "cause"),
    [
        (TryOut(None, None, "working\n", None), "It ran for 3 s and was ended. Good for a worker", ""),
        (TryOut(127, None, "", "The command was not found"), "Exit code 127", "The command was not found"),
        (TryOut(None, "SEGV", "", "It crashed in native code"), "Ended by signal SEGV", "It crashed in native code"),
        (InvalidInput("no such folder"), "It cannot be tried", "No such folder."),
    ],
)
def test_a_trial_tells_how_it_ended_and_why(rig, edited, result, title, cause):
    rig.supervision.tried = result
    edited.press("test_worker")

    assert (edited.text("trial_title"), edited.text("trial_cause")) == (title, cause)
    output = edited.dialog.findChild(QPlainTextEdit, "trial_output").toPlainText()
    assert output == ("working" if title.startswith("It ran") else "" if "cannot" in title else "(no output)")
    assert rig.told == [("try_out", "hasher")]


def test_an_edit_changes_nothing_until_it_is_saved(qtbot, rig, edited):
    edited.fill("worker_command", "md5sum")
    edited.dialog.reject()
    assert rig.told == []
    question = next(one for one in edited.dialog.findChildren(QDialog, "discard_dialog") if one.isVisible())
    question.close()

    with qtbot.waitSignal(rig.page.told) as told:
        edited.press("save_worker")

    assert rig.told == [("change", "hasher")]
    assert told.args == ["Saved hasher", False]
    assert rig.supervision.definitions["hasher"].command[-1] == "md5sum"


def test_a_disk_that_is_full_is_told_and_nothing_that_was_typed_is_lost(rig, edited):
    rig.supervision.error = DiskFull("cannot write 'hasher.conf': disk full; nothing was changed; free some space")
    edited.fill("worker_command", "md5sum")
    edited.press("save_worker")

    assert "disk full; nothing was changed" in edited.text("worker_problem")
    assert edited._field("worker_command").text() == "md5sum"
    rig.supervision.error = None
    edited.press("save_worker")
    assert rig.supervision.definitions["hasher"].command[-1] == "md5sum"


def test_what_is_restarted_for_it_is_told(qtbot, rig, edited):
    rig.supervision.saved = Saved(restarting=("hasher", "hasher-2"))
    edited.fill("worker_command", "md5sum")

    with qtbot.waitSignal(rig.page.told) as told:
        edited.press("save_worker")

    assert told.args == ["Saved hasher. Restarting hasher, hasher-2", False]


@pytest.mark.parametrize(("button", "command"), [("worker_conflict_button", "b3sum"), ("save_worker", "md5sum")])
def test_somebody_elses_edit_is_told_and_either_can_win(rig, edited, button, command):
    theirs = replace(DEFINITION, command=command_of(Recipe(Kind.COMMAND, command=("b3sum",), queues=("files",))))
    rig.supervision.keep(theirs)
    edited.fill("worker_command", "md5sum")
    edited.press("save_worker")
    assert edited.dialog.isVisible()
    assert "changed by another window" in edited.text("worker_conflict_text")

    edited.press(button)
    if button != "save_worker":
        assert edited._field("worker_command").text() == "b3sum"
        edited.press("save_worker")

    assert rig.supervision.definitions["hasher"].command[-1] == command
    assert not edited.dialog.isVisible()


def test_what_the_form_does_not_ask_survives_an_edit(rig, edited):
    rig.supervision.keep(replace(DEFINITION, log_bytes=1_500_000, stop_signal="WINCH"))
    edited.dialog.begin_edit(rig.supervision.definitions["hasher"])
    edited.fill("worker_command", "md5sum")
    edited.press("save_worker")

    saved = rig.supervision.definitions["hasher"]
    assert (saved.log_bytes, saved.stop_signal) == (1_500_000, "WINCH")


def test_a_duplicate_has_a_name_of_its_own(qtbot, rig):
    rig.page.go(Route("workers", subject="hasher"))
    rig.page.findChild(QAction, "action_duplicate").trigger()
    form = Form(qtbot, rig)
    form.press("save_worker")

    assert rig.told == [("add", "hasher-b", True)]
    assert rig.supervision.definitions["hasher-b"].command == DEFINITION.command


@pytest.mark.parametrize(
    "definition",
    [
        DEFINITION,
        WorkerDefinition(
            name="f", command=command_of(Recipe(Kind.FUNCTION, handler="a.b:c", queues=("x", "y"), timeout="5s"))
        ),
        WorkerDefinition(
            name="g", command=command_of(Recipe(Kind.FOLDER, folder="/tmp", queue="q")), is_autostart=False
        ),
        WorkerDefinition(
            name="p",
            command=command_of(
                Recipe(Kind.POST, url="http://localhost/x", queues=("q",), headers=("X-A=b c", "Auth=$TOKEN"))
            ),
        ),
        WorkerDefinition(
            name="s",
            command=command_of(
                Recipe(Kind.SCHEDULE, queue="q", payload='{"a": "b c"}', cron="0 3 * * *", timezone="UTC")
            ),
            restart="never",
        ),
        WorkerDefinition(name="loop", command=command_of(Recipe(Kind.SCHEDULE, queue="q", command=("date", "-u")))),
        WorkerDefinition(
            name="o",
            command=("sh", "-c", "sleep 1 && echo 'it is'"),
            replicas=3,
            environment={"A": "b=c d"},
            folder=Path("/tmp"),
            stop_signal="INT",
            stop_wait_s=7,
            restart="always",  # else how long a start takes means nothing
            start_s=0,
            log_bytes=1_500_000,
            log_backups=1,
        ),
    ],
    ids=lambda definition: definition.name,
)
def test_the_command_line_adds_exactly_this_worker(tmp_path, definition):
    definition = replace(
        definition, restart=definition.restart if definition.name in ("s", "o") else usual_restart(definition.command)
    )
    words = shlex.split(add_worker_command(definition, is_started=False))

    pqdesk(tmp_path / "w", *words[1:])

    [added] = read_definitions(WorkspacePaths(tmp_path / "w")).workers
    assert replace(added, processes=(), file=None, secrets_file=None, version=None) == definition


def test_copy_as_command_is_the_same_worker_on_the_command_line(edited):
    edited.press("copy_as_command")

    assert QGuiApplication.clipboard().text() == add_worker_command(DEFINITION)


@pytest.mark.parametrize(
    ("typed", "asked", "story"),
    [
        ("", {"sample": None, "message_id": None}, "checked whether it could start"),
        ('{"a": 1}', {"sample": '{"a": 1}', "message_id": None}, "works once on this payload"),
        ("#17", {"sample": None, "message_id": 17}, "a copy of message 17"),
        ("#x", {"sample": "#x", "message_id": None}, "works once on this payload"),
    ],
)
def test_what_a_test_will_do_is_said_before_it(rig, edited, typed, asked, story):
    edited.fill("worker_sample", typed)
    assert story in edited.text("trial_story")

    edited.press("test_worker")

    assert rig.supervision.tried_on == asked


def test_a_test_of_a_producer_says_that_nothing_is_put(form):
    form.choose_kind("folder")
    assert "nothing is put" in form.text("trial_story")
    form.choose_kind("other")
    assert "really runs" in form.text("trial_story")


@pytest.mark.parametrize(
    ("result", "title", "cause"),
    [
        (TryOut(0, None, "", None, "handled after 3 ms"), "It works", "Handled after 3 ms."),
        (TryOut(1, None, "", None, "failed: no route"), "It does not work so", "Failed: no route."),
        (TryOut(None, None, "", None, "it was still at work"), "It does not work so", "It was still at work."),
    ],
)
def test_the_verdict_of_a_test_is_about_the_work(rig, edited, result, title, cause):
    rig.supervision.tried = result
    edited.press("test_worker")

    assert (edited.text("trial_title"), edited.text("trial_cause")) == (title, cause)
