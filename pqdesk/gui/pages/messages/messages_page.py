"""The messages page as the window knows it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.pages.messages.message_actions import ACTIONS
from pqdesk.gui.pages.messages.message_log import MessageLog
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.pages.messages.messages_controller import MessagesController
from pqdesk.gui.pages.messages.messages_view import MessagesView
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.messages.states import State


class MessagesPage(MessagesView):
    """The view with its model and its controller.

    Signals:
        worker_asked: The name of the process to show on the page Workers.
        log_asked: The id of a message whose lines to show on the page Logs, and the process that wrote them, or "".
    """

    title = "Messages"

    worker_asked = Signal(str)
    log_asked = Signal(object, str)

    def __init__(
        self, reader: Reader, actor: Actor, theme: Theme, clock: Clock, link: SupervisorLink | None = None
    ) -> None:
        """`link` tells which workers there are, whose logs have lines about a message; without one there are none."""
        model = MessageTableModel(to_datetime(clock.wall_us()))
        super().__init__(model, theme)
        model.setParent(self)
        self.controller = MessagesController(self, model, reader, actor, clock)
        self.detail.worker_asked.connect(self.worker_asked)
        if link is not None:
            self._log = MessageLog(self.detail.log, link)
            self._log.around_asked.connect(self.log_asked)
            self.detail.log_shown.connect(self._log.show_message)
            self.detail.log_ticked.connect(self._log.tick)

    @property
    def message_actions(self) -> Sequence[QAction]:
        """For the window's menu Message."""
        return [*(self.actions_on_messages.actions[look.name] for look in ACTIONS), self.show_detail]

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self.table, self.detail.tab_bar]

    def set_live(self, is_live: bool) -> None:
        self.controller.set_live(is_live)

    def show_filter(self, state: str | None, queue: str | None) -> None:
        """Show the messages of one state (its word), of one queue, or both; links from elsewhere lead here."""
        self.filter_bar.show_filter(None if state is None else State.from_word(state), queue)

    def show_messages(self, ids: Sequence[int]) -> None:
        """Show these and nothing else; of one, its detail too."""
        self.filter_bar.show_filter(None, None, f"id:{','.join(map(str, ids))}")
        if len(ids) == 1:
            self.controller.show_message(ids[0])

    def focus_filter(self) -> None:
        self.filter_bar.focus_field()
