"""What can be done to the files of the log that a pane shows: open them in another program, empty them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from pqdesk.gui.dialogs.questions import ask_clear_logs
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.gui.widgets.log_pane import LogPane


class LogFiles(QObject):
    """Asks before a file is emptied; the log reader does it, in its thread.

    Signals:
        clear_asked: For the log reader: the paths.
        forgotten: tuple[Path, ...]: these are being emptied, what was read of them counts no more.
        told: What came of it, in words.
    """

    clear_asked = Signal(object)
    forgotten = Signal(object)
    told = Signal(str)

    def __init__(self, pane: LogPane, logs: LogReader) -> None:
        super().__init__(pane)
        self._pane = pane
        self._files: tuple[Path, ...] = ()
        pane.open_file_asked.connect(self._on_open_asked)
        pane.clear_files_asked.connect(self._on_clear_asked)
        self.clear_asked.connect(logs.clear_files)
        logs.files_cleared.connect(self._on_cleared)

    def _on_open_asked(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.told.emit(f"No program opens {path.name}; it is {path}")

    def _on_clear_asked(self, files: tuple[Path, ...]) -> None:
        ask_clear_logs(self._pane, [one.name for one in files], lambda: self._clear(files))

    def _clear(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self.forgotten.emit(files)
        self.clear_asked.emit(files)

    def _on_cleared(self, files: tuple[Path, ...], text: str) -> None:
        if files == self._files:  # another page's, else
            self.told.emit(text)
