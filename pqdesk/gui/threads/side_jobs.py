"""What takes seconds and needs no supervisord: trying a worker's command, the start at login. A thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.errors import PQDeskError
from pqdesk.gui.threads.orders import TrialRequest
from pqdesk.supervision.supervision import Supervision

if TYPE_CHECKING:
    from pqdesk.supervision.daemon.start_at_login import LoginStart, LoginState


class SideJobs(QObject):
    """Slots are for queued connections; one job at a time.

    Signals:
        tried_out: The token of the question and the TryOut, or the PQDeskError.
        login_read: The LoginState, or the PQDeskError that a switch ended with.
    """

    tried_out = Signal(int, object)
    login_read = Signal(object)

    def __init__(
        self, open_supervision: Callable[[], Supervision], open_login: Callable[[], LoginStart] | None = None
    ) -> None:
        """Both are called in the thread of these jobs."""
        super().__init__()
        self._open_supervision, self._open_login = open_supervision, open_login

    @Slot()
    def finish(self) -> None:
        """The thread's last act; nothing is kept open."""

    @Slot(object, int)
    def try_out(self, request: TrialRequest, token: int) -> None:
        """Try a worker, which takes and puts no message."""
        asked = {"sample": request.sample, "message_id": request.message_id}
        try:
            self.tried_out.emit(token, self._open_supervision().try_out(request.definition, **asked))  # type: ignore[arg-type]
        except PQDeskError as exc:
            self.tried_out.emit(token, exc)

    @Slot()
    def read_login(self) -> None:
        self._tell_login(lambda login: login.state())

    @Slot(bool)
    def switch_login(self, is_on: bool) -> None:
        self._tell_login(lambda login: login.switch(is_on))

    @Slot(bool)
    def keep_after_logout(self, is_on: bool) -> None:
        self._tell_login(lambda login: login.keep_after_logout(is_on))

    def _tell_login(self, act: Callable[[LoginStart], LoginState]) -> None:
        if self._open_login is None:
            return
        try:
            self.login_read.emit(act(self._open_login()))
        except PQDeskError as exc:
            self.login_read.emit(exc)
