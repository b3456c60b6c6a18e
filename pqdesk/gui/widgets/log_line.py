"""A line of a log as the window keeps it, and what is read out of it only when somebody asks. Needs no Qt."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pqdesk.gui.palette import Role
from pqdesk.gui.widgets.ansi import strip_ansi
from pqdesk.supervision.logs.message_lines import message_id_of


class LogLine(NamedTuple):
    """A line as it was read, and whose it is. A tuple: at 5,000 lines a second a dataclass costs twice as much.

    Attributes:
        prefix: Shown before it, the name of its process; empty where there is only one.
        role: The colour of the prefix and of the bar before it.
        is_error: It was written to stderr.
        read_at: When it was read, local time; None for what was in the file before.
    """

    text: str
    prefix: str = ""
    role: Role = Role.MUTED
    is_error: bool = False
    read_at: datetime | None = None

    @property
    def plain(self) -> str:
        """The text without the escapes of colours."""
        return self.text if "\x1b" not in self.text else strip_ansi(self.text)

    @property
    def message_id(self) -> int | None:
        """Of the message that the line is about, if it names one."""
        return message_id_of(self.text)
