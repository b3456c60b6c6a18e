"""How many processes a worker runs in, with what will happen before it does."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from pqdesk.gui.dialogs.worker.form_fields import NumberRow
from pqdesk.gui.formatting import format_count
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.worker_options import MOST_REPLICAS


class ScaleDialog(QDialog):
    """Signals:
    scale_asked: The number of replicas.
    """

    scale_asked = Signal(int)

    def __init__(self, worker: str, replicas: int, *, is_up: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("scale_dialog")
        self.setWindowTitle(f"Scale {visible_line(worker)}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(420)
        self._replicas, self._is_up = replicas, is_up
        self._row = NumberRow("Replicas", "scale_replicas", 1, MOST_REPLICAS)
        self._row.set_number(replicas)
        self._story = PlainLabel("", self, look="muted", objectName="scale_story", wordWrap=True)
        self._story.setMinimumHeight(self._story.fontMetrics().lineSpacing() * 2 + 4)
        self._story.setAlignment(Qt.AlignmentFlag.AlignTop)
        cancel = make_button("Cancel", "cancel_button", self)
        cancel.clicked.connect(self.reject)
        self._scale = make_button("Scale", "do_scale", self, look="primary")
        self._scale.setDefault(True)
        self._scale.clicked.connect(self._on_scale)
        foot = hbox(None, cancel, self._scale)
        vbox(self._row, self._story, foot, on=self, margins=(20, 20, 20, 16), spacing=14)
        self._row.changed.connect(self._update)
        self._row.field.setFocus()
        self._update()

    def _update(self) -> None:
        self._story.setText(scale_story(self._replicas, self._row.number, is_up=self._is_up))
        self._scale.setEnabled(self._row.number != self._replicas)

    def _on_scale(self) -> None:
        self.scale_asked.emit(self._row.number)
        self.accept()


def scale_story(now: int, wanted: int, *, is_up: bool) -> str:
    """`2 more replicas will start; running ones are not touched.`"""
    if wanted == now:
        return f"It has {format_count(now, 'replica')} now."
    if wanted > now:
        more = format_count(wanted - now, "more replica")
        return f"{more} will start; running ones are not touched." if is_up else f"{more}, stopped as the others are."
    fewer = now - wanted
    if not is_up:
        return f"{format_count(fewer, 'replica')} will be taken out, the highest numbers first."
    ends = format_count(fewer, "replica finishes its message and ends", "replicas finish their messages and end")
    return f"{ends}, the highest numbers first; the others are not touched."
