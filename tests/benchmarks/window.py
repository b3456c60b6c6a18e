"""How long a person waits for the page Messages: python -m tests.benchmarks.window FOLDER ORDER.

ORDER is a JSON object, {"sizes": [few, many]}; the answer is one on standard output: for what was asked, milliseconds
at each size until it was painted, sizes in turn. The page and the reader in its thread are those of the window,
offscreen. A process of its own: Qt has no place in the one that measures the others.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QThread

from pqdesk import Queue, Workspace
from pqdesk.clock import SystemClock
from pqdesk.gui.app import make_application
from pqdesk.gui.pages.messages import MessagesPage
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.paths import choose_workspace
from pqdesk.storage import open_inspection
from tests.benchmarks.aged import fill

_ROUNDS = 15
_PAGE_ROWS = 500
_LONGEST_S = 30.0
_PAGES = {"first page": "", "first page of a state": "state:completed"}
_ALL = {"Ctrl+A, all that match": "", "Ctrl+A of a filter that no counter knows": "priority:<100"}


class _Window:
    """The page over a file of its own."""

    def __init__(self, root: Path, size: int, theme: Theme) -> None:
        with Queue("work", workspace=root, durability="relaxed") as queue:
            fill(queue, "completed", size)
        self.reader, self.thread = Reader(lambda: open_inspection(choose_workspace(root))), QThread()
        self.reader.moveToThread(self.thread)
        self.thread.started.connect(self.reader.start)
        self.thread.finished.connect(self.reader.stop)
        self.actor = Actor(lambda: Workspace(root), attends=False)
        self.page = MessagesPage(self.reader, self.actor, theme, SystemClock())
        self.page.resize(1280, 800)
        self.page.show()
        self.page.set_live(True)
        self.thread.start()

    def show(self, text: str, rows: int) -> None:
        self.page.go(Route("messages", filter=text))
        _wait(lambda: self.page.table.model().rowCount() == rows)

    def ask(self, what: str) -> float:
        """Milliseconds from the key, or the click, to what it shows."""
        page = self.page
        self.show("id:1", 1)
        if what in _ALL:
            self.show(_ALL[what], _PAGE_ROWS)
        _rest()
        start = time.perf_counter_ns()
        if what in _PAGES:
            self.show(_PAGES[what], _PAGE_ROWS)
        else:
            page.table.selectAll()
            _wait(lambda: page.action_bar.matching is not None)
        page.repaint()
        lap = (time.perf_counter_ns() - start) / 1e6
        page.table.selected.clear()
        return lap


def measure(folder: Path, sizes: Iterable[int]) -> dict[str, dict[int, list[float]]]:
    theme = Theme(make_application(), ThemeChoice.LIGHT)
    windows = {size: _Window(folder / str(size), size, theme) for size in sizes}
    answer: dict[str, dict[int, list[float]]] = {what: {size: [] for size in windows} for what in (*_PAGES, *_ALL)}
    for what, laps in answer.items():
        for _ in range(_ROUNDS):
            for size, window in windows.items():
                laps[size].append(window.ask(what))
    for window in windows.values():
        window.thread.quit()
        window.thread.wait()
    return answer


def _wait(condition: Callable[[], Any]) -> None:
    end_s = time.monotonic() + _LONGEST_S
    while not condition():
        QCoreApplication.processEvents()
        time.sleep(0.0002)
        if time.monotonic() > end_s:
            raise TimeoutError("the page does not show what it was asked for")


def _rest() -> None:
    """Until nothing is left over from before."""
    end_s = time.monotonic() + 0.05
    _wait(lambda: time.monotonic() > end_s)


def main() -> None:
    print(json.dumps(measure(Path(sys.argv[1]), **json.loads(sys.argv[2]))), flush=True)
    os._exit(0)  # of no interest is what Qt and a file of many messages take to end


if __name__ == "__main__":
    main()
