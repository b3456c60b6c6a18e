"""Who acts, and through what."""

import os
from typing import NamedTuple, Self

from pqdesk.version import installed_version

WORKER_VARIABLE = "PQDESK_WORKER"  # set for what a worker runs; its value is the worker's name


class Origin(NamedTuple):
    """Through what somebody acts: `library`, `cli` or `window`.

    Attributes:
        is_worker: A look-only workspace stops people's slips, not its workers; see `Workspace.look_only`.
    """

    program: str = "library"
    is_worker: bool = False

    @classmethod
    def here(cls, program: str = "library") -> Self:
        """Of this process, which is a worker when supervisord or `pqdesk consume` or `produce` started it."""
        name = os.environ.get("SUPERVISOR_PROCESS_NAME") or os.environ.get(WORKER_VARIABLE)
        return cls(f"worker {name}" if name and program == "library" else program, is_worker=bool(name))

    @property
    def user(self) -> str:
        """Who it is."""
        return _user()

    @property
    def actor(self) -> str:
        """`ada, pqdesk 0.2.0 cli`: who, and through what."""
        return f"{_user()}, pqdesk {installed_version()} {self.program}"


def _user() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError, AttributeError):  # a system without, or a user whom it does not know
        return os.environ.get("USERNAME") or f"user {getattr(os, 'geteuid', os.getpid)()}"
