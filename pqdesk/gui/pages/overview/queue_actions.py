"""What can be done to the queue chosen on the Overview, and to all of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.gui.theme import Theme
from pqdesk.messages.records import QueueRecord

SHOW = Action("show_queue", "Show messages", Menu.QUEUE, icon="messages", tip="In Messages")
PAUSE = Action("pause_queue", "Pause queue", Menu.QUEUE, icon="paused", back="Undo takes it back")
PAUSE_ALL = Action("pause_all", "Pause all queues", Menu.QUEUE, icon="paused", group=1, is_anywhere=True)
TEST = Action("test_message", "Send a test message", Menu.QUEUE, icon="plus", tip="Put one", group=2, is_anywhere=True)
OF_ONE = range(1)  # the group that is about the chosen queue


class QueueActions(ActionSet):
    """Signals:
    messages_asked: The queue whose messages shall be shown.
    pause_asked: The names of queues, and whether to pause or to resume them.
    test_asked: A message shall be put, to see something.
    """

    messages_asked = Signal(str)
    pause_asked = Signal(object, bool)
    test_asked = Signal()

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner, theme, "Overview")
        self._queue: QueueRecord | None = None
        self._queues: Sequence[QueueRecord] = ()
        self._is_readable = True
        self.add(SHOW, self._show, self._why_not_one)
        self.add(PAUSE, self._pause, self._why_not_one)
        self.add(PAUSE_ALL, self._pause_all, lambda: "" if self._queues else "There are no queues yet")
        self.add(TEST, self.test_asked.emit, lambda: "" if self._is_readable else "The queue file cannot be read")

    def set_queue(self, queue: QueueRecord | None) -> None:
        """This one is chosen."""
        self._queue = queue
        self._rename(PAUSE, "Resume queue" if queue is not None and queue.is_paused else "Pause queue")
        self.refresh()

    def set_queues(self, queues: Sequence[QueueRecord]) -> None:
        """These are all that there are."""
        self._queues = queues
        self._rename(PAUSE_ALL, "Resume all queues" if self._are_all_paused else "Pause all queues")
        self.refresh()

    def set_readable(self, is_readable: bool) -> None:
        """Whether the queue file can be read."""
        self._is_readable = is_readable
        self.refresh()

    @property
    def _are_all_paused(self) -> bool:
        return bool(self._queues) and all(one.is_paused for one in self._queues)

    def _rename(self, action: Action, verb: str) -> None:
        self[action.name].setText(verb)

    def _why_not_one(self) -> str:
        return "" if self._queue is not None else "Select a queue first"

    def _show(self) -> None:
        assert self._queue is not None
        self.messages_asked.emit(self._queue.name)

    def _pause(self) -> None:
        assert self._queue is not None
        self.pause_asked.emit((self._queue.name,), not self._queue.is_paused)

    def _pause_all(self) -> None:
        self.pause_asked.emit(tuple(one.name for one in self._queues), not self._are_all_paused)
