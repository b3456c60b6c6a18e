"""A clock that runs, and that tests can move."""

from __future__ import annotations

from pqdesk.clock import SystemClock


class MovableClock:
    """The machine's clocks with offsets: awake time, wall time and the boot can each be changed."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._boot = "boot-1"
        self._wall_offset_us = 0
        self._awake_offset_ms = 0
        self._stands_at_us: int | None = None

    def wall_us(self) -> int:
        return self._system.wall_us() + self._wall_offset_us if self._stands_at_us is None else self._stands_at_us

    def awake_ms(self) -> int:
        return self._system.awake_ms() + self._awake_offset_ms

    def boot_id(self) -> str:
        return self._boot

    def advance(self, seconds: float) -> None:
        """Time passes while the machine is awake."""
        self._wall_offset_us += round(seconds * 1e6)
        self._awake_offset_ms += round(seconds * 1e3)

    def suspend(self, seconds: float) -> None:
        """Time passes while the machine sleeps: awake time stands still."""
        self._wall_offset_us += round(seconds * 1e6)

    def set_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock forward, or back with a negative number."""
        self.suspend(seconds)

    def freeze_wall(self) -> None:
        """The wall clock stands still, as under freezegun, while awake time goes on."""
        self._stands_at_us = self.wall_us()

    def thaw_wall(self) -> None:
        """It is what it would be by now."""
        self._stands_at_us = None

    def reboot(self) -> None:
        """Another boot, whose awake time starts anew."""
        self._boot += "+"
        self._awake_offset_ms = -self._system.awake_ms()
