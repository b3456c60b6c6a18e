"""Before workers of a workspace are started for the first time: what that would run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.definitions.definition import WorkerDefinition


class FirstStartDialog(QDialog):
    """Accepted when the commands may run. Cancel is the default: a workspace may come from anywhere."""

    def __init__(self, location: str, commands: Sequence[WorkerDefinition], theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("first_start_dialog")
        self.setWindowTitle("Start the workers of this workspace?")
        self.setMinimumSize(620, 340)
        story = PlainLabel(
            f"You have not started workers of {visible_line(location)} before. They are commands that run as you, "
            "with your files. Start them only if you know where they come from.",
            self,
            wordWrap=True,
        )
        text = QPlainTextEdit(self)
        text.setObjectName("first_start_commands")
        text.setAccessibleName("Commands")
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setFont(theme.fixed_font(92))
        text.setPlainText("\n".join(line for one in commands for line in command_lines(one)))
        cancel = make_button("Cancel", "cancel_button", self)
        cancel.setDefault(True)
        cancel.clicked.connect(self.reject)
        run = make_button("Run these commands", "run_commands", self)
        run.clicked.connect(self.accept)
        foot = hbox(None, cancel, run)
        vbox(story, (text, 1), foot, on=self, margins=(20, 20, 20, 16), spacing=14)
        self.finished.connect(self.deleteLater)
        cancel.setFocus()


def command_lines(worker: WorkerDefinition) -> list[str]:
    """`mail, 2 processes, starts with supervisord`, then its command and where it runs."""
    parts = [visible_line(worker.name)]
    if worker.replicas > 1:
        parts.append(f"{worker.replicas} processes")
    if worker.is_autostart:
        parts.append("starts with supervisord")
    lines = [", ".join(parts), f"    {visible_line(shlex.join(worker.command))}"]
    if worker.folder is not None:
        lines.append(f"    in {visible_line(str(worker.folder))}")
    return [*lines, ""]
