"""Starting a workspace's supervisord when its user logs in: a systemd user service, or else an autostart entry.

Off until somebody switches it on, and nothing is left when it is switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pqdesk.paths import WorkspacePaths

Way = Literal["systemd", "autostart"]


@dataclass(frozen=True, slots=True)
class LoginState:
    """Whether the workers of a workspace start at login, and how.

    Attributes:
        way: `systemd` is a service of the user's own systemd, `autostart` an entry of the desktop.
        is_lingering: With systemd: they start with the machine and run on after logging out. None: cannot be had.
        explanation: What happens at login and after logging out, in two sentences or fewer.
    """

    is_on: bool
    way: Way
    is_lingering: bool | None
    explanation: str


class LoginStart:
    """Switches the start at login of one workspace. Runs `systemctl --user`: may take a second."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths

    def state(self) -> LoginState:
        """How it is now; never raises for it."""
        raise NotImplementedError

    def switch(self, is_on: bool) -> LoginState:
        """Start at login from now on, or no more. What runs now is unaffected.

        Raises:
            SupervisorError: It could not be done; nothing was changed.
        """
        raise NotImplementedError

    def keep_after_logout(self, is_on: bool) -> LoginState:
        """Let the user's services run on after logging out ("lingering"), or no more; it holds for all of them.

        Raises:
            SupervisorError: There is no systemd, or it does not allow that.
        """
        raise NotImplementedError
