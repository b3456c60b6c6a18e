"""What can be done to the queue chosen on the Overview."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.gui.theme import Theme
from pqdesk.messages.records import QueueRecord

SHOW = Action("show_queue", "Show messages", Menu.QUEUE, icon="messages", tip="In Messages")
PAUSE = Action("pause_queue", "Pause queue", Menu.QUEUE, icon="paused", back="Undo takes it back")


class QueueActions(ActionSet):
    """Signals:
    messages_asked: The queue whose messages shall be shown.
    pause_asked: The name of a queue, and whether to pause or to resume it.
    """

    messages_asked = Signal(str)
    pause_asked = Signal(str, bool)

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner, theme, "Overview")
        self._queue: QueueRecord | None = None
        self.add(SHOW, self._show, self._why_not_one)
        self.add(PAUSE, self._pause, self._why_not_one, says=self._say_pause)

    def set_queue(self, queue: QueueRecord | None) -> None:
        """This one is chosen."""
        self._queue = queue
        self.refresh()

    def _say_pause(self) -> str:
        return "Resume queue" if self._queue is not None and self._queue.is_paused else PAUSE.verb

    def _why_not_one(self) -> str:
        return "" if self._queue is not None else "Select a queue first"

    def _show(self) -> None:
        assert self._queue is not None
        self.messages_asked.emit(self._queue.name)

    def _pause(self) -> None:
        assert self._queue is not None
        self.pause_asked.emit(self._queue.name, not self._queue.is_paused)
