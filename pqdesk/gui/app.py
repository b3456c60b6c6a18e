"""The entry points of the window. Qt is loaded only after it is known that it can work here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pqdesk.errors import InvalidInput
from pqdesk.gui.platform_check import explain_import_error, explain_no_window, why_no_window
from pqdesk.paths import APP_NAME, runtime_folder, state_folder

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def run(args: Sequence[str] | None = None) -> int:
    """The GUI script: `pqdesk-desktop [PATH] [--background]`; with --check only say whether a window can open."""
    given = list(sys.argv[1:] if args is None else args)
    if "--check" in given:
        print(json.dumps(why_no_window(os.environ)))
        return 0
    paths = [one for one in given if not one.startswith("-")]
    return run_app(paths[0] if paths else None, "--background" in given)


def run_app(path: str | os.PathLike[str] | None = None, background: bool = False) -> int:
    """Show the window until it is quit; returns the exit code.

    Args:
        path: A workspace or its queue.db; None is the last one used, else the default.
        background: Start in the tray, without a window; without a tray minimised.
    """
    reason = explain_no_window(os.environ)
    if reason is not None:
        return _refuse(reason)
    try:
        from pqdesk.gui.single_instance import SingleInstance, Wish
    except ImportError as exc:
        return _refuse(explain_import_error(exc))
    os.umask(0o077)  # for files that Qt makes
    try:
        state_folder()
        instance = SingleInstance(runtime_folder())
        is_first = instance.become_first()
    except InvalidInput as exc:
        return _refuse(str(exc))
    except OSError as exc:
        return _refuse(
            f"no window can be opened: '{exc.filename}': {exc.strerror}; workers and messages are unaffected"
        )
    if not is_first:
        token = os.environ.get("XDG_ACTIVATION_TOKEN") or os.environ.get("DESKTOP_STARTUP_ID") or ""
        place = os.path.abspath(os.path.expanduser(path)) if path is not None else None
        is_told = instance.tell_first(Wish(place, token, background))
        instance.close()
        if is_told:
            return 0
        return _refuse("PQDesk runs already but does not answer; end it (process of window.lock) and start again")
    try:
        return _run_first(instance, path, background)
    finally:
        instance.close()


def _run_first(instance: object, path: str | os.PathLike[str] | None, background: bool) -> int:
    from pqdesk.clock import SystemClock
    from pqdesk.gui.collector import Collector
    from pqdesk.gui.desktop import Desktop
    from pqdesk.gui.logging_setup import AppLog, install_hooks
    from pqdesk.gui.places import first_place
    from pqdesk.gui.settings import Settings
    from pqdesk.gui.signals import SignalWatch
    from pqdesk.gui.single_instance import SingleInstance
    from pqdesk.gui.theme import Theme
    from pqdesk.storage import log_sqlite_events

    assert isinstance(instance, SingleInstance)
    application = make_application()
    Collector(application)
    install_hooks()
    log_sqlite_events()
    settings = Settings(state_folder() / "settings.ini")
    log = AppLog()
    desktop = Desktop(application, Theme(application, settings.theme), settings, log, SystemClock())
    signals = SignalWatch(desktop.quit)
    instance.wished.connect(desktop.grant)
    instance.listen()
    try:
        desktop.start(first_place(path, settings), is_background=background)
        return application.exec()
    finally:
        signals.close()
        desktop.end()
        log.close()


def make_application() -> QApplication:
    """Qt's application object with the names that desktops know the app by."""
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from pqdesk.gui.icons import load_app_icon

    QGuiApplication.setDesktopFileName(APP_NAME)  # before the first window, or Wayland shows a generic icon
    application = QApplication([APP_NAME])
    application.setApplicationName(APP_NAME)  # no organisation: Qt's folders and platformdirs' agree only then
    application.setWindowIcon(load_app_icon())
    application.setQuitOnLastWindowClosed(False)  # the window's closing is answered in desktop.py
    return application


def _refuse(reason: str) -> int:
    print(f"pqdesk: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run())
