"""The few questions that the app asks: before what cannot be undone, and once before the first quit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.visible_text import visible_text
from pqdesk.messages.counting import counted
from pqdesk.messages.records import Counts
from pqdesk.supervision.records import SupervisionStatus


def ask_remove_demo(parent: QWidget, location: str, do: Callable[[], None]) -> QMessageBox:
    return _ask(
        parent,
        "remove_demo_dialog",
        "Remove the demo?",
        f"Its workers are stopped and its folder is deleted with all its messages:\n{location}\n\n"
        "This cannot be undone. The files that the demo read are not touched.",
        "Remove the demo",
        do,
    )


def ask_stop_and_quit(
    parent: QWidget, status: SupervisionStatus | None, counts: Counts, do: Callable[[], None]
) -> QMessageBox:
    replicas = status.replicas if status is not None else ()
    names = [one.process for one in replicas if not one.state.is_at_rest]
    what = f"These stop: {', '.join(names)}, and supervisord." if names else "supervisord stops; no worker runs."
    in_hand = (
        format_count(counts.running, "message in hand is finished first.", "messages in hand are finished first.")
        if counts.running
        else "No message is in hand."
    )
    text = f"{what}\n{in_hand} What is ready waits on disk until workers are started again."
    return _ask(parent, "stop_and_quit_dialog", "Stop workers and quit?", text, "Stop workers and quit", do)


def tell_before_quit(parent: QWidget, do: Callable[[], None]) -> QMessageBox:
    """Shown once: closing the window is not stopping the work."""
    return _ask(
        parent,
        "quit_note",
        "Workers keep running",
        "Closing the window stops nothing. Open PQDesk again to see the workers or to stop them.",
        "Quit",
        do,
        is_harmless=True,
    )


def ask_delete_matching(parent: QWidget, count: str, do: Callable[[], None]) -> QMessageBox:
    text = "Running ones are left alone. The others stay in the trash for 7 days, and Undo brings them back until then."
    title = f"Delete {count} messages?"
    return _ask(parent, "delete_matching_dialog", title, text, f"Delete {count}", do)


def ask_clear_logs(parent: QWidget, names: Sequence[str], do: Callable[[], None]) -> QMessageBox:
    what = _agreeing(names, "is emptied, and older files of it", "are emptied, and older files of them")
    text = f"{' and '.join(names)} {what} are deleted. This cannot be undone. The worker runs on."
    return _ask(parent, "clear_log_dialog", "Clear the log file?", text, "Clear log file", do)


def ask_discard(parent: QWidget, do: Callable[[], None]) -> QMessageBox:
    text = "The worker stays as it is."
    return _ask(parent, "discard_dialog", "Discard your changes?", text, "Discard", do)


def ask_kill(parent: QWidget, names: Sequence[str], in_hand: int, do: Callable[[], None]) -> QMessageBox:
    what = f"{', '.join(names)} {_agreeing(names, 'ends', 'end')} at once and cannot finish anything."
    message = counted(
        in_hand,
        "The message in hand is retried at once; what was done so far for it may stay.",
        "The messages in hand are retried at once; what was done so far for them may stay.",
        number="",
    )
    text = f"{what} {message}"
    return _ask(
        parent, "kill_dialog", "Send KILL?", text if in_hand else f"{what} No message is in hand.", "Send KILL", do
    )


def ask_remove_worker(parent: QWidget, names: Sequence[str], do: Callable[[], None]) -> QMessageBox:
    """Only for what runs: the stopped are removed without a question, since it can be undone."""
    what = _agreeing(names, "runs: it is asked to end, and finishes", "run: they are asked to end, and finish")
    text = f"{', '.join(names)} {what} the message in hand first. The logs stay, and it can be undone."
    return _ask(parent, "remove_worker_dialog", f"Remove {', '.join(names)}?", text, "Remove", do)


def _agreeing(names: Sequence[str], one: str, many: str) -> str:
    return counted(len(names), one, many, number="")


def _ask(
    parent: QWidget, name: str, title: str, text: str, verb: str, do: Callable[[], None], *, is_harmless: bool = False
) -> QMessageBox:
    title, text = visible_text(title), visible_text(text)
    box = QMessageBox(QMessageBox.Icon.NoIcon, "PQDesk", title, QMessageBox.StandardButton.NoButton, parent)
    box.setObjectName(name)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(text)
    action = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(action if is_harmless else cancel)  # Enter must not lose anything
    box.setEscapeButton(cancel)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda button: do() if button is action else None)
    box.open()
    return box
