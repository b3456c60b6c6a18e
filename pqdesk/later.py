"""Modules that are imported when they are asked for: what only some programs need does not slow `import pqdesk`.

    if TYPE_CHECKING:
        from pqdesk.messages import records
    else:
        records = Later("pqdesk.messages.records")

An annotation `records.Counts` is the type itself then for whoever looks it up, typing.get_type_hints among them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pqdesk.errors import WorkspaceError
from pqdesk.shortage import shortage_behind


class Later:
    """Stands for the module `name`. Raises WorkspaceError where no descriptor is left to read it with."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        try:
            module = import_module(self._name)
        except (OSError, ImportError) as exc:
            if (reason := shortage_behind(exc)) is None:
                raise
            raise WorkspaceError(f"cannot load {self._name}: {reason}; nothing changed") from exc
        return getattr(module, name)
