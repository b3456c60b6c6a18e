"""The whole app built and connected: one Desktop per process, one WorkspaceController of it per workspace."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.dialogs import questions
from pqdesk.gui.dialogs.create_workspace import CreateWorkspaceDialog
from pqdesk.gui.dialogs.help import AboutDialog, ShortcutsDialog
from pqdesk.gui.logging_setup import AppLog
from pqdesk.gui.main_window import MainWindow
from pqdesk.gui.places import Place, place_of
from pqdesk.gui.settings import Settings
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.single_instance import Wish
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.gui.threads.keeper import Keeper
from pqdesk.gui.threads.orders import Order
from pqdesk.gui.tray import Tray
from pqdesk.gui.visible_text import as_entry
from pqdesk.gui.widgets.toast import Tone
from pqdesk.gui.window_actions import (
    ABOUT,
    CLOSE,
    CREATE,
    LIVE,
    OPEN,
    QUIT,
    RECENT,
    REFRESH,
    REMOVE_DEMO,
    SHORTCUTS,
    SHOW_WINDOW,
    STOP_AND_QUIT,
    THEME,
    TRY_DEMO,
)
from pqdesk.gui.workspace_actions import PAUSE_ALL, SHOW_FAILED, WORKERS
from pqdesk.gui.workspace_controller import WorkspaceController
from pqdesk.paths import choose_workspace, state_folder

_log = logging.getLogger(__name__)

_TRAY_NOTE = "PQDesk is still in the tray. Workers keep running either way."
_KEEPER_WAIT_MS = 5_000
_THEMES = ((ThemeChoice.SYSTEM, "Follow the system"), (ThemeChoice.LIGHT, "Light"), (ThemeChoice.DARK, "Dark"))
_TOKEN_VARIABLE = "XDG_ACTIVATION_TOKEN"


class Desktop(QObject):
    """Window, tray, keeper and settings, and whatever connects them. `start` once, `end` when the loop is over."""

    _demo_wanted = Signal()
    _demo_unwanted = Signal()
    _create_wanted = Signal(object)

    def __init__(self, application: QApplication, theme: Theme, settings: Settings, log: AppLog, clock: Clock) -> None:
        super().__init__()
        self._application, self._theme, self._settings = application, theme, settings
        self._log, self._clock = log, clock
        self._controller: WorkspaceController | None = None
        self._stuck: list[WorkspaceController] = []  # whose threads never ended; dropping them would abort
        self.window = MainWindow(theme)
        self._recent, self._themes = QMenu(self.window), self._make_themes()
        self._connect_window()
        self.tray = self._make_tray()
        self._keeper = Keeper()
        self._keeper_thread = QThread()
        self._keeper_thread.setObjectName("keeper")
        self._keeper.moveToThread(self._keeper_thread)
        self._connect_keeper()
        application.commitDataRequest.connect(lambda _manager: self.window.allow_close())

    @property
    def controller(self) -> WorkspaceController:
        """Of the workspace shown now."""
        assert self._controller is not None
        return self._controller

    def start(self, place: Place, *, is_background: bool = False, route: Route | None = None) -> None:
        """Show the window on `place`, or only the tray's icon; what was shown there last, or `route`."""
        self._keeper_thread.start()
        self.window.restoreGeometry(self._settings.geometry)
        self._show_recent()
        self.tray.start()
        self.show_workspace(place)
        if route is not None:
            self.window.go(route)
        if not is_background:
            self.window.show()
        elif not self.tray.is_usable:
            self.window.showMinimized()

    def end(self) -> None:
        """After the event loop: remember, and end every thread in order."""
        self._end_controller()
        self._settings.save()
        self._keeper_thread.quit()
        if not self._keeper_thread.wait(_KEEPER_WAIT_MS) or self._stuck:
            _log.warning("a thread does not end; leaving without it")
            self._log.close()
            os._exit(0)  # destroying a running QThread aborts the process

    def show_workspace(self, place: Place, *, with_daemon: bool = False) -> None:
        """Leave the workspace shown so far and open another one."""
        self._end_controller()
        self._log.open(place.paths.app_log, state_folder() / "pqdesk.log")
        _log.info("opening %s", place.location)
        controller = WorkspaceController(place, self.window, self.tray, self._theme, self._clock)
        controller.demo_asked.connect(self._on_demo_asked)
        controller.open_asked.connect(self._on_open_asked)
        controller.create_asked.connect(self._on_create_asked)
        controller.stopped.connect(self._on_stopped)
        self._controller = controller
        self._settings.remember_workspace(str(place.location))
        self._show_recent()
        self.window.restore(self._settings.view(str(place.location)))
        controller.start(with_daemon=with_daemon)

    @Slot(object)
    def grant(self, wish: Wish) -> None:
        """Do what another start of the app asked for."""
        if wish.workspace is not None:
            place = place_of(wish.workspace)
            if place != self.controller.place:
                self.show_workspace(place)
        if wish.route is not None:
            self.window.go(wish.route)
        if wish.is_background:
            return
        if wish.token:  # the desktop's permission to come to the front
            os.environ[_TOKEN_VARIABLE] = wish.token
        self.window.bring_to_front()
        os.environ.pop(_TOKEN_VARIABLE, None)

    @Slot()
    def quit(self) -> None:
        """Leave; workers run on."""
        self._settings.geometry = self.window.saveGeometry()
        self.tray.stop()
        self.window.allow_close()
        self.window.close()
        self._application.quit()

    # --- connecting -------------------------------------------------------------------------------

    def _connect_window(self) -> None:
        window = self.window
        window.close_asked.connect(self._on_close_asked)
        window.seen_changed.connect(self._on_seen_changed)
        window.header.live_toggled.connect(self._set_live)
        window.workspace_actions.order_asked.connect(self._on_order_asked)
        window.workspace_actions.route_asked.connect(self._on_route_asked)
        self._add_actions()

    def _add_actions(self) -> None:
        window, actions = self.window, self.window.window_actions
        actions.add(SHOW_WINDOW, window.bring_to_front)
        actions.add(OPEN, self._on_open_asked)
        actions.add(CREATE, self._on_create_asked)
        actions.add(RECENT, why_not=lambda: "" if self._recent.actions() else "None yet", qt=self._recent.menuAction())
        actions.add(TRY_DEMO, self._on_demo_asked, lambda: "This is the demo" if self._is_demo else "")
        actions.add(REMOVE_DEMO, self._on_remove_demo_asked, lambda: "" if self._is_demo else "This is not the demo")
        actions.add(CLOSE, window.close)
        actions.add(STOP_AND_QUIT, self._on_stop_and_quit_asked, self._why_not_stop)
        actions.add(QUIT, self.quit).setMenuRole(QAction.MenuRole.QuitRole)
        actions.add(REFRESH, lambda: self.controller.refresh())
        live = actions.add(LIVE)
        live.setChecked(True)
        live.toggled.connect(self._set_live)
        actions.add(THEME, qt=self._themes.menuAction())
        actions.add(SHORTCUTS, self._show_shortcuts)
        actions.add(ABOUT, self._on_about_asked).setMenuRole(QAction.MenuRole.AboutRole)

    @property
    def _is_demo(self) -> bool:
        return self._controller is not None and self._controller.place.is_demo

    def _why_not_stop(self) -> str:
        status = None if self._controller is None else self._controller.status
        return "" if status is not None and status.is_running else "supervisord does not run"

    def _make_themes(self) -> QMenu:
        menu, group = QMenu(self.window), QActionGroup(self)
        for choice, text in _THEMES:
            entry = group.addAction(text)
            entry.setCheckable(True)
            entry.setChecked(choice is self._theme.choice)
            entry.triggered.connect(lambda _checked=False, choice=choice: self._on_theme_chosen(choice))
            menu.addAction(entry)
        return menu

    def _show_recent(self) -> None:
        self._recent.clear()
        for path in self._settings.recent_workspaces:
            entry = self._recent.addAction(as_entry(path))
            entry.triggered.connect(lambda _checked=False, path=path: self.show_workspace(place_of(path)))
        self.window.window_actions.refresh()

    def _show_shortcuts(self) -> None:
        entries = [one for actions in self.window.action_sets for one in actions if one.action.keys]
        rows = [(" or ".join(one.action.keys), one.verb_in_full) for one in entries]
        ShortcutsDialog(rows, self._theme, self.window).open()

    def _make_tray(self) -> Tray:
        own, whole = self.window.window_actions, self.window.workspace_actions
        tray = Tray(
            [
                [own[SHOW_WINDOW.name], whole[SHOW_FAILED.name]],
                [whole[WORKERS.name], whole[PAUSE_ALL.name]],
                [own[QUIT.name], own[STOP_AND_QUIT.name]],
            ],
            self._clock,
        )
        tray.route_asked.connect(self._on_route_asked)
        tray.lost.connect(self._on_tray_lost)
        return tray

    def _connect_keeper(self) -> None:
        keeper = self._keeper
        self._demo_wanted.connect(keeper.make_demo)
        self._demo_unwanted.connect(keeper.remove_demo)
        self._create_wanted.connect(keeper.create)
        keeper.demo_made.connect(self._on_demo_made)
        # bound methods only: Qt runs a lambda in the thread that emits
        keeper.demo_removed.connect(self._on_demo_removed)
        keeper.created.connect(self._on_created)
        keeper.failed.connect(self._on_keeper_failed)

    def _end_controller(self) -> None:
        if self._controller is not None:
            self._keep_view()
            if not self._controller.end():
                self._stuck.append(self._controller)
            self._controller = None

    def _keep_view(self) -> None:
        self._settings.keep_view(str(self.controller.place.location), self.window.kept())

    # --- the window -------------------------------------------------------------------------------

    @Slot()
    def _on_close_asked(self) -> None:
        self._settings.geometry = self.window.saveGeometry()
        self._keep_view()
        if self.tray.is_usable:
            self.window.hide()
            if not self._settings.was_told("tray"):
                self._settings.mark_told("tray")
                self.tray.tell(_TRAY_NOTE, self.window.page.route)
        elif self._settings.was_told("quit") or not self.controller.has_workers_up:
            self.quit()
        else:
            self._settings.mark_told("quit")
            questions.tell_before_quit(self.window, self.quit)

    @Slot()
    def _on_seen_changed(self) -> None:
        if self._controller is not None:
            self._controller.update_watching()

    @Slot(bool)
    def _set_live(self, is_live: bool) -> None:
        if is_live == (not self.window.is_paused):
            return
        self.window.set_paused(not is_live)
        self.window.window_actions["live"].setChecked(is_live)
        if is_live:
            self.window.header.show_live()
        else:
            self.window.header.show_paused(f"{to_datetime(self._clock.wall_us()).astimezone():%H:%M:%S}")

    @Slot(object)
    def _on_theme_chosen(self, choice: ThemeChoice) -> None:
        self._theme.choose(choice)
        self._settings.theme = choice

    @Slot()
    def _on_about_asked(self) -> None:
        AboutDialog(str(self.controller.place.location), self._theme, self.window).open()

    # --- workspaces -------------------------------------------------------------------------------

    @Slot()
    def _on_open_asked(self) -> None:
        dialog = QFileDialog(self.window, "Open a queue file", str(self.controller.place.location.parent))
        dialog.setObjectName("open_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Queue files (*.db *.sqlite *.sqlite3)", "All files (*)"])
        dialog.fileSelected.connect(lambda path: self.show_workspace(place_of(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def _on_create_asked(self) -> None:
        dialog = CreateWorkspaceDialog(Path.home(), self.window)
        dialog.create_asked.connect(self._create_wanted)
        dialog.open()

    @Slot()
    def _on_demo_asked(self) -> None:
        self.controller.set_demo_busy(True)
        self._demo_wanted.emit()

    @Slot(object)
    def _on_demo_made(self, root: Path) -> None:
        self.show_workspace(place_of(root), with_daemon=True)
        self.window.go(Route("overview"))

    @Slot()
    def _on_remove_demo_asked(self) -> None:
        questions.ask_remove_demo(self.window, str(self.controller.place.location), self._remove_demo)

    def _remove_demo(self) -> None:
        demo = self.controller.place
        self.show_workspace(place_of(choose_workspace().root))
        self._settings.forget_workspace(str(demo.location))
        self._show_recent()
        self.window.toast.show_text("Removing the demo…", Tone.GOING_ON)
        self._demo_unwanted.emit()

    @Slot()
    def _on_demo_removed(self) -> None:
        self.window.toast.show_text("The demo is removed")

    @Slot(object)
    def _on_created(self, root: Path) -> None:
        self.show_workspace(place_of(root))

    @Slot(str)
    def _on_keeper_failed(self, text: str) -> None:
        self.controller.set_demo_busy(False)
        self.window.toast.show_text(text, Tone.ERROR)

    # --- leaving ----------------------------------------------------------------------------------

    @Slot()
    def _on_stop_and_quit_asked(self) -> None:
        controller = self.controller
        self.window.bring_to_front()
        questions.ask_stop_and_quit(self.window, controller.status, controller.counts, self._stop_and_quit)

    def _stop_and_quit(self) -> None:
        text = "Stopping the workers; messages in hand are finished first…"
        self.window.toast.show_text(text, Tone.GOING_ON)
        self.controller.shut_down()

    @Slot(str)
    def _on_stopped(self, problem: str) -> None:
        if problem:
            self.window.toast.show_text(problem, Tone.ERROR)
        else:
            self.quit()

    @Slot(object)
    def _on_order_asked(self, order: Order) -> None:
        self.controller.give(order)

    @Slot(object)
    def _on_route_asked(self, route: Route) -> None:
        self.window.go(route)
        self.window.bring_to_front()

    @Slot()
    def _on_tray_lost(self) -> None:
        if not self.window.isVisible():  # or nothing would lead back to it
            self.window.showMinimized()
