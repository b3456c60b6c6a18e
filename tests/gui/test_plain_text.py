"""Nothing that a stranger wrote is taken for rich text, wherever the window or the desktop shows it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex
from PySide6.QtGui import QAction, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QListWidget,
    QMenu,
    QMessageBox,
    QSystemTrayIcon,
    QWidget,
)

import pqdesk.gui
from pqdesk import Workspace
from pqdesk.gui.desktop import Desktop
from pqdesk.gui.dialogs import questions
from pqdesk.gui.shell.routes import FAILED, Route
from pqdesk.gui.visible_text import as_entry, as_notice, as_tooltip
from pqdesk.gui.widgets.labels import ElidedLabel, PlainLabel
from pqdesk.messages.records import Counts
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import make_replica, make_status

IMAGE = '<img src="/dev/zero">'
HOSTILE = (
    f"{IMAGE} and more than a cell takes",
    "<b>bold</b> & <a href='file:///etc/passwd'>link</a>",
    "&lt;i&gt; already escaped, and a name that is long",
    "left\u202eright, zero\u200bwidth \ufeff and so on",
)
_HIDDEN = "\u202e\u200b\ufeff\n\t\x00\x07\x1b"
# where Qt decides by the text whether it is rich
_DECIDING = ("setToolTip", "setStatusTip", "setWhatsThis", "showMessage", "showText")
_ESCAPING = ("as_tooltip", "as_notice")


def is_harmless(text: str) -> bool:
    """Qt shows `text` as plain text, or as rich text in which everything of a stranger's is escaped."""
    if not Qt.mightBeRichText(text):
        return True
    inside = text.removeprefix("<qt>").removesuffix("</qt>").replace("<br>", "")
    return text.startswith("<qt>") and "<" not in inside


# --- the functions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*HOSTILE, "a\x00b\nc\td", "<qt><br>", "</qt><img src=x>", "a<br>b" * 3000])
def test_what_a_stranger_wrote_is_text_in_each_place(name: str) -> None:
    assert is_harmless(as_tooltip(name))
    assert not Qt.mightBeRichText(as_notice(name))
    assert "<" not in as_notice(name)
    assert as_entry(name).replace("&&", "").count("&") == 0
    assert not set(as_entry(name)) & set(_HIDDEN)
    assert not set(as_tooltip(name).replace("\n", "")) & set(_HIDDEN.replace("\n", "").replace("\t", ""))


def test_a_tooltip_and_an_entry_have_an_end() -> None:
    assert len(as_tooltip("x" * 1_000_000)) < 3_000
    assert len(as_entry("x" * 1_000_000)) < 100


@pytest.mark.parametrize("kind", [PlainLabel, ElidedLabel])
def test_a_label_shows_every_character_as_it_is(qtbot, kind: type[PlainLabel]) -> None:
    label = kind("first\u202e")
    qtbot.addWidget(label)
    label.resize(20, 20)
    texts = [label.text()]
    for name in HOSTILE:
        label.setText(name)
        texts.append(label.text())

    assert label.textFormat() is Qt.TextFormat.PlainText
    assert not set("".join(texts)) & set(_HIDDEN)
    assert is_harmless(label.toolTip())


def test_each_tooltip_and_notification_goes_through_one_function() -> None:
    """Or says what the program itself wrote, in letters."""
    found = [one for path in Path(pqdesk.gui.__file__).parent.rglob("*.py") for one in _unescaped(path)]

    assert found == []


def _unescaped(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _DECIDING:
            found = f"{path.name}: {ast.unparse(node)}"
            if not all(map(_is_ours, node.args)):
                yield found


def _is_ours(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or not Qt.mightBeRichText(node.value)
    if isinstance(node, ast.IfExp):
        return _is_ours(node.body) and _is_ours(node.orelse)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _ESCAPING
    return isinstance(node, ast.Subscript)  # an icon


# --- the whole window -------------------------------------------------------------------------------


def test_the_whole_window_takes_no_name_for_rich_text(
    qtbot, open_app: Callable[..., Desktop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _self, _title, text, *_: told.append(text))
    root = tmp_path / HOSTILE[1].replace("/", "")
    with Workspace(root) as workspace:
        for name in HOSTILE:
            queue = workspace.queue(name)
            queue.put({name: name}, type=name, group=name, key=name, headers={"Name": name})
            message = queue.get(block=False)
            message.fail(f"{name}\n{name}")
            queue.put(name, delay=3600)
        queue.pause()
        desktop = open_app(root)
        replicas = [make_replica(name, worker=name, exit_text=name, command=name, queues=(name,)) for name in HOSTILE]
        looping = make_replica(
            "z" + IMAGE, WorkerState.CRASH_LOOPING, worker=IMAGE, exit_text=HOSTILE[0], description=HOSTILE[1]
        )
        status = make_status(*replicas, looping, problem=f"{IMAGE} is wrong")
        link = desktop.controller.session.link
        link.status_changed.emit(status)

        seen = 0
        for page in ("Overview", "Messages", "Workers", "Logs"):
            desktop.window.go(Route(page.lower()))
            if page in ("Overview", "Messages"):
                qtbot.waitUntil(lambda: _cells(desktop.window) > 0)
            _choose_each_row(desktop.window)
            link.status_changed.emit(status)
            QApplication.processEvents()
            seen += _check(desktop.window)
        desktop.tray.tell(HOSTILE[0], FAILED)

        seen += _check(desktop.tray.menu)
        assert seen > 200
        assert told
        assert not any("<" in text for text in told)


def test_a_question_is_plain_text(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    status = make_status(*(make_replica(name, worker=name) for name in HOSTILE))

    for box in (
        questions.ask_stop_and_quit(parent, status, Counts(), lambda: None),
        questions.ask_remove_demo(parent, HOSTILE[0], lambda: None),
        questions.ask_remove_worker(parent, HOSTILE, lambda: None),
        questions.ask_kill(parent, HOSTILE, 1, lambda: None),
        questions.ask_clear_logs(parent, HOSTILE, lambda: None),
    ):
        assert isinstance(box, QMessageBox)
        _check(box)
        box.close()


def _check(top: QWidget) -> int:
    """Every text of `top` and what is in it; how many there were."""
    seen = 0
    for widget in [top, *top.findChildren(QWidget)]:
        for text in (widget.toolTip(), widget.statusTip(), widget.whatsThis()):
            assert is_harmless(text), (widget.objectName(), text)
            seen += bool(text)
        assert not set(widget.windowTitle()) & set(_HIDDEN)
        if isinstance(widget, QLabel) and widget.text():
            assert widget.textFormat() is Qt.TextFormat.PlainText, (widget.objectName(), widget.text())
            assert not set(widget.text()) & set(_HIDDEN.replace("\n", "").replace("\t", "")), widget.text()
            seen += 1
        if isinstance(widget, QMenu):
            seen += _check_actions(widget.actions())
        if isinstance(widget, QAbstractItemView | QComboBox):
            seen += _check_model(widget.model())
    return seen + _check_actions(top.findChildren(QAction))


def _check_actions(actions: list[QAction]) -> int:
    for action in actions:
        for text in (action.toolTip(), action.statusTip(), action.whatsThis()):
            assert is_harmless(text) or not _shows_tips(action), (action.objectName(), text)
        assert not set(action.text().partition("\t")[0]) & set(_HIDDEN), action.text()
    return len(actions)


def _shows_tips(action: QAction) -> bool:
    """Whether its tooltip is ever seen: only menus that were told to show tips do."""
    return any(isinstance(one, QMenu) and one.toolTipsVisible() for one in action.associatedObjects())


def _check_model(model: QAbstractItemModel | None) -> int:
    if model is None:
        return 0
    roles = Qt.ItemDataRole
    seen = 0
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for row in range(model.rowCount(QModelIndex())):
        for column in range(columns):
            index = model.index(row, column)
            for role in (roles.ToolTipRole, roles.StatusTipRole, roles.WhatsThisRole):
                assert is_harmless(model.data(index, role) or ""), model.data(index, role)
            for role in (roles.DisplayRole, roles.AccessibleTextRole, roles.AccessibleDescriptionRole):
                text = str(model.data(index, role) or "")
                assert not set(text) & set(_HIDDEN), text
            seen += 1
    for column in range(columns):
        assert is_harmless(str(model.headerData(column, Qt.Orientation.Horizontal, roles.ToolTipRole) or ""))
    return seen


def _cells(window: QWidget) -> int:
    return sum(
        view.model().rowCount(QModelIndex())
        for view in window.findChildren(QAbstractItemView)
        if view.isVisible() and view.model() is not None and not isinstance(view, QListWidget)
    )


def _choose_each_row(window: QWidget) -> None:
    """So that panes beside the tables show something."""
    for view in window.findChildren(QAbstractItemView):
        if view.isVisible() and view.model() is not None and not isinstance(view.parent(), QComboBox):
            for row in range(min(view.model().rowCount(QModelIndex()), 10)):
                view.setCurrentIndex(view.model().index(row, 0))
                QApplication.processEvents()
