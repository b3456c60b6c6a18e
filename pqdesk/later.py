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


class Later:
    """Stands for the module `name`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
