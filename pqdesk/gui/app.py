"""The entry points of the window. Qt is loaded only after it is known that it can work here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pqdesk.errors import InvalidInput
from pqdesk.gui.platform_check import explain_import_error, explain_no_window, why_no_window
from pqdesk.messages.filters import parse_filter
from pqdesk.paths import APP_NAME, runtime_folder, state_folder

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from pqdesk.gui.shell.routes import Route
    from pqdesk.gui.single_instance import SingleInstance


def run(args: Sequence[str] | None = None) -> int:
    """The GUI script: `pqdesk-desktop [PATH]`, with the options of `pqdesk open`.

    With --check only say whether a window can open.
    """
    given = list(sys.argv[1:] if args is None else args)
    if "--check" in given:
        print(json.dumps(why_no_window(os.environ)))
        return 0
    values: dict[str, str | None] = {}
    for option in ("--page", "--filter"):
        if option in given[:-1]:
            at = given.index(option)
            values[option], given[at : at + 2] = given[at + 1], []
    paths = [one for one in given if not one.startswith("-")]
    path = paths[0] if paths else None
    return run_app(path, "--background" in given, values.get("--page"), values.get("--filter"))


def run_app(
    path: str | os.PathLike[str] | None = None,
    background: bool = False,
    page: str | None = None,
    filter_text: str | None = None,
) -> int:
    """Show the window until it is quit; returns the exit code.

    Args:
        path: A workspace or its queue.db; None is the last one used, else the default.
        background: Start in the tray, without a window; without a tray minimised.
        page: The key of the page to show; None is the one shown last, or Messages with a filter.
        filter_text: Which messages to show; None is as it was.
    """
    reason = explain_no_window(os.environ)
    if reason is not None:
        return _refuse(reason)
    try:
        from pqdesk.gui.shell.routes import Route
        from pqdesk.gui.single_instance import SingleInstance, Wish
    except ImportError as exc:
        return _refuse(explain_import_error(exc))
    route = None
    if page is not None or filter_text is not None:
        route = Route(page or "messages", filter=filter_text)
        if reason := _why_not_go(route):
            return _refuse(reason, code=2)
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
        is_told = instance.tell_first(Wish(place, token, background, route))
        instance.close()
        if is_told:
            return 0
        return _refuse("PQDesk runs already but does not answer; end it (process of window.lock) and start again")
    try:
        return _run_first(instance, path, background, route)
    finally:
        instance.close()


def _run_first(
    instance: SingleInstance, path: str | os.PathLike[str] | None, background: bool, route: Route | None
) -> int:
    from pqdesk.clock import SystemClock
    from pqdesk.gui.desktop import Desktop
    from pqdesk.gui.logging_setup import AppLog, install_hooks
    from pqdesk.gui.places import first_place
    from pqdesk.gui.settings import Settings
    from pqdesk.gui.signals import SignalWatch
    from pqdesk.gui.theme import Theme
    from pqdesk.storage import log_sqlite_events

    application = make_application()
    install_hooks()
    log_sqlite_events()
    settings = Settings(state_folder() / "settings.ini")
    log = AppLog()
    desktop = Desktop(application, Theme(application, settings.theme), settings, log, SystemClock())
    signals = SignalWatch(desktop.quit)
    instance.wished.connect(desktop.grant)
    instance.listen()
    try:
        desktop.start(first_place(path, settings), is_background=background, route=route)
        return application.exec()
    finally:
        signals.close()
        desktop.end()
        log.close()


def make_application() -> QApplication:
    """Qt's application object with the names that desktops know the app by."""
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from pqdesk.gui.collector import Collector
    from pqdesk.gui.icons import load_app_icon

    QGuiApplication.setDesktopFileName(APP_NAME)  # before the first window, or Wayland shows a generic icon
    application = QApplication([APP_NAME])
    Collector(application)
    application.setApplicationName(APP_NAME)  # no organisation: Qt's folders and platformdirs' agree only then
    application.setWindowIcon(load_app_icon())
    application.setQuitOnLastWindowClosed(False)  # the window's closing is answered in desktop.py
    return application


def _why_not_go(route: Route) -> str:
    from pqdesk.gui.registry import PAGES

    keys = [page.key for page in PAGES]
    if route.page not in keys:
        return f"there is no page {route.page!r}; there are {', '.join(keys)}"
    try:
        parse_filter(route.filter or "")
    except InvalidInput as exc:
        return str(exc)
    return ""


def _refuse(reason: str, code: int = 1) -> int:
    print(f"pqdesk: {reason}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
