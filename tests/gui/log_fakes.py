"""A stand-in for the log reader, and for the link that brings it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot


class FakeLogs(QObject):
    """Notes what it was asked; the test emits the answers."""

    tail_read = Signal(str, object, object)
    lines_read = Signal(object, object)
    failed = Signal(object, str)
    message_searched = Signal(int, object)
    around_found = Signal(int, object)
    files_cleared = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.followed: dict[str, tuple[str, ...]] = {}
        self.cleared: list[tuple[str, ...]] = []
        self.searched: list[tuple[tuple[str, ...], int, int]] = []
        self.sought_around: list[tuple[tuple[str, ...], int, int]] = []

    @Slot(str, object)
    def follow(self, who: str, paths: tuple[Path, ...]) -> None:
        self.followed[who] = tuple(path.name for path in paths)

    @Slot(object)
    def clear_files(self, paths: tuple[Path, ...]) -> None:
        self.cleared.append(tuple(path.name for path in paths))

    @Slot(object, object, int)
    def find_message(self, paths: tuple[Path, ...], message_id: int, token: int) -> None:
        self.searched.append((tuple(path.name for path in paths), message_id, token))

    @Slot(object, object, int)
    def find_around(self, paths: tuple[Path, ...], message_id: int, token: int) -> None:
        self.sought_around.append((tuple(path.name for path in paths), message_id, token))


class FakeLink(QObject):
    """What the logs page asks of supervisord's link."""

    status_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.logs = FakeLogs()
