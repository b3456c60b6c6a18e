"""What following a log costs the window: `python -m tests.gui.log_view_cost [--lines N] [--rate N] [--profile]`.

A process of its own writes a fixed number of lines into a file at a steady rate, 5,000 a second; the real logs page
follows it offscreen through the real log reader in its thread. Printed is the CPU time of the window's process in
percent of a core. The budget is 15 %, the limit 30 %. This is a measurement; nothing passes or fails.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QThread
from PySide6.QtTest import QTest

from pqdesk.gui.app import make_application
from pqdesk.gui.pages.logs import LogsPage
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.supervision.records import SupervisionStatus
from tests.gui.shell_fakes import FakeSupervision, make_replica, make_status

_WRITER = """
import sys, time
path, lines, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
began, step = time.monotonic(), max(1, rate // 50)
with open(path, "a", buffering=1024 * 1024) as file:
    for first in range(0, lines, step):
        numbers = range(first, min(first + step, lines))
        file.writelines(f"completed id={n} queue=code attempt=1 {n % 90} ms\\n" for n in numbers)
        file.flush()
        time.sleep(max(0.0, began + (first + step) / rate - time.monotonic()))
"""
_KEPT = 20_000  # the view is full before anything is measured
_SIZE = (1060, 700)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what following a log costs the window.")
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--rate", type=int, default=5_000, help="lines a second (default 5,000)")
    parser.add_argument("--wrap", action="store_true", help="with long lines wrapped")
    parser.add_argument("--find", default="", metavar="TEXT", help="while finding this")
    parser.add_argument("--profile", action="store_true", help="print where the window's thread spends its time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pq") as folder:
        measure(Path(folder) / "consumer.out.log", options)


def measure(log: Path, options: argparse.Namespace) -> None:
    """Print the cost of following `log` while it is written."""
    application = make_application()
    replica = make_replica("consumer", stdout_log=log, stderr_log=log.with_name("consumer.err.log"))
    link, page, thread = _open_page(Theme(application, ThemeChoice.LIGHT), make_status(replica))
    page.log._wrap.setChecked(options.wrap)
    page.log.find_bar.field.setText(options.find)
    _write(log, _KEPT, 100_000)
    _wait(lambda: page.log.text.lines.end >= _KEPT)
    wanted = page.log.text.lines.end + options.lines
    profile = cProfile.Profile()
    spent, began = time.process_time(), time.monotonic()
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(log), str(options.lines), str(options.rate)])
    if options.profile:
        profile.enable()
    _wait(lambda: page.log.text.lines.end >= wanted and writer.poll() is not None)
    profile.disable()
    passed, cost = time.monotonic() - began, time.process_time() - spent
    print(f"{options.lines:,} lines in {passed:.1f} s: {100 * cost / passed:.1f} % of a core")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)
    page.set_live(False)
    thread.quit()
    thread.wait()
    page.deleteLater()
    del link


def _open_page(theme: Theme, status: SupervisionStatus) -> tuple[SupervisorLink, LogsPage, QThread]:
    """The page over a link whose log reader runs in its thread; supervisord's part of it stands still."""
    link, thread = SupervisorLink(lambda: FakeSupervision(status)), QThread()  # type: ignore[arg-type, return-value]
    link.logs.moveToThread(thread)
    thread.started.connect(link.logs.begin)
    thread.finished.connect(link.logs.finish)
    page = LogsPage(link, theme)
    page.resize(*_SIZE)
    page.show()
    page.set_live(True)
    link.status_changed.emit(status)
    thread.start()
    QTest.qWait(500)
    return link, page, thread


def _write(log: Path, lines: int, rate: int) -> None:
    subprocess.run([sys.executable, "-c", _WRITER, str(log), str(lines), str(rate)], check=True)


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        QTest.qWait(100)


if __name__ == "__main__":
    main()
