"""How many messages a worker still may begin: `consume --max`."""

from __future__ import annotations

import threading


class Quota:
    """Thread-safe."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self.left = count

    def use(self) -> bool:
        """One more is to begin: False when there may be no more."""
        with self._lock:
            if self.left <= 0:
                return False
            self.left -= 1
            return True

    def give_back(self) -> None:
        """It has not begun after all."""
        with self._lock:
            self.left += 1
