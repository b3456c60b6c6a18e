"""Names for what some arguments may be; apart from the records, which few programs need."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

OnConflict = Literal["raise", "keep", "replace"]
Durability = Literal["full", "relaxed"]
Duration = float | int | timedelta
Ids = int | Iterable[int] | None  # of messages
