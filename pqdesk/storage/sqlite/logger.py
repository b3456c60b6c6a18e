"""The engine's log. `logging` takes 3 ms to import, so that is done when there is something to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def logger(module: str) -> logging.Logger:
    """The logger of `module`, its `__name__`."""
    import logging

    return logging.getLogger(module)
