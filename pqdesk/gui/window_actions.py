"""The window's menus and the actions in them. What is unavailable is greyed, with the reason in its tooltip."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from pqdesk.gui.shortcuts import KEYS, PAGES
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.gui.visible_text import as_entry, as_tooltip

_THEMES = ((ThemeChoice.SYSTEM, "Follow the system"), (ThemeChoice.LIGHT, "Light"), (ThemeChoice.DARK, "Dark"))


class WindowActions(QObject):
    """Makes the menu bar of a window and keeps its actions.

    Signals:
        page_chosen: The title of a page.
        theme_chosen: A ThemeChoice.
        recent_chosen: The path of a workspace.
    """

    page_chosen = Signal(str)
    theme_chosen = Signal(object)
    recent_chosen = Signal(str)

    def __init__(self, window: QMainWindow, theme: Theme, pages: Sequence[str]) -> None:
        super().__init__(window)
        self._window = window
        self._page_items: tuple[Sequence[QAction], Sequence[QAction]] = ((), ())
        self._make_file_actions()
        self._make_view_actions()
        self.undo = self._action("Undo", "undo")
        self.redo = self._action("Redo", "redo")
        self.test_message = self._action("Send a test message", "test_message")
        self.start_all = self._action("Start all", "start_all")
        self.stop_all = self._action("Stop all", "stop_all")
        self.show_keys = self._action("Keyboard shortcuts", "keys")
        self.about = self._action("About PQDesk", "about")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        self._fill_file_menu(self._menu("File"))
        self._fill_view_menu(self._menu("View"), pages, theme)
        self._message_menu = self._menu("Message")
        self._worker_menu = self._menu("Worker")
        help_menu = self._menu("Help")
        help_menu.addActions([self.show_keys, self.about])
        self.set_page_actions((), ())
        self.set_undo("", "")

    def set_page_actions(self, of_messages: Sequence[QAction], of_workers: Sequence[QAction]) -> None:
        """Put the pages' own actions into the menus Message and Worker; called anew for each workspace."""
        self._message_menu.clear()
        self._message_menu.addActions(list(of_messages))
        self._message_menu.addSeparator()
        self._message_menu.addActions([self.undo, self.redo, self.test_message])
        self._worker_menu.clear()
        self._worker_menu.addActions(list(of_workers))
        self._worker_menu.addSeparator()
        self._worker_menu.addActions([self.start_all, self.stop_all])

    def set_recent(self, paths: Sequence[str]) -> None:
        self._recent_menu.clear()
        for path in paths:
            entry = self._recent_menu.addAction(as_entry(path))
            entry.triggered.connect(lambda _checked=False, path=path: self.recent_chosen.emit(path))
        self._recent_menu.setEnabled(bool(paths))

    def set_demo(self, *, is_demo: bool) -> None:
        """In the demo it can be removed; elsewhere it can be opened."""
        self.remove_demo.setVisible(is_demo)
        self.try_demo.setVisible(not is_demo)

    def set_undo(self, undo: str, redo: str) -> None:
        """What they would take back and do again, in words; empty where there is nothing."""
        for action, what, nothing in ((self.undo, undo, "Nothing to undo"), (self.redo, redo, "Nothing to do again")):
            _enable(action, bool(what), nothing)
            if what:
                action.setToolTip(as_tooltip(f"{action.text()}: {what}"))

    def set_test_message(self, is_possible: bool) -> None:
        _enable(self.test_message, is_possible, "The queue file cannot be read")

    def set_theme(self, choice: ThemeChoice) -> None:
        self._theme_entries[choice].setChecked(True)

    def set_worker_controls(self, *, can_start: bool, can_stop: bool, can_shut_down: bool, reason: str = "") -> None:
        """Whether all workers can be started and stopped, and why not."""
        _enable(self.start_all, can_start, reason or "Every worker runs")
        _enable(self.stop_all, can_stop, reason or "No worker runs")
        _enable(self.stop_and_quit, can_shut_down, "supervisord does not run")

    def _make_file_actions(self) -> None:
        self.open = self._action("Open a queue file…", "open")
        self.create = self._action("Create a workspace…", "create")
        self.try_demo = self._action("Try the demo", "demo")
        self.remove_demo = self._action("Remove the demo…", "remove_demo")
        self.close_window = self._action("Close window", "close")
        self.quit = self._action("Quit", "quit")
        self.quit.setToolTip("Quit; workers keep running")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.stop_and_quit = self._action("Stop workers and quit…", "stop_and_quit")

    def _make_view_actions(self) -> None:
        self.refresh = self._action("Refresh now", "refresh")
        self.live = self._action("Live updates", "live")
        self.live.setCheckable(True)
        self.live.setChecked(True)
        self.filter = self._action("Filter or find", "filter")
        self.next_pane = self._action("Next pane", "next_pane")
        self.previous_pane = self._action("Previous pane", "previous_pane")
        self.sidebar = self._action("Narrow sidebar", "sidebar")
        self.sidebar.setCheckable(True)

    def _fill_file_menu(self, menu: QMenu) -> None:
        menu.addActions([self.open, self.create])
        self._recent_menu = menu.addMenu("Open recent")
        menu.addActions([self.try_demo, self.remove_demo])
        menu.addSeparator()
        menu.addActions([self.close_window, self.stop_and_quit, self.quit])

    def _fill_view_menu(self, menu: QMenu, pages: Sequence[str], theme: Theme) -> None:
        for title, keys in zip(pages, PAGES, strict=False):
            entry = menu.addAction(title)
            entry.setObjectName(f"view_{title.lower()}")
            entry.setShortcut(QKeySequence(keys))
            entry.triggered.connect(lambda _checked=False, title=title: self.page_chosen.emit(title))
        menu.addSeparator()
        menu.addActions([self.refresh, self.live, self.filter, self.sidebar, self.next_pane, self.previous_pane])
        themes = menu.addMenu("Theme")
        group = QActionGroup(self)
        self._theme_entries: dict[ThemeChoice, QAction] = {}
        for choice, text in _THEMES:
            entry = group.addAction(text)
            entry.setCheckable(True)
            entry.triggered.connect(lambda _checked=False, choice=choice: self.theme_chosen.emit(choice))
            themes.addAction(entry)
            self._theme_entries[choice] = entry
        self.set_theme(theme.choice)

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setObjectName(f"menu_{title.lower()}")
        menu.setToolTipsVisible(True)
        return menu

    def _action(self, text: str, name: str) -> QAction:
        action = QAction(text, self._window)
        action.setObjectName(f"action_{name}")
        action.setShortcuts([QKeySequence(keys) for keys in KEYS.get(name, ())])
        self._window.addAction(action)  # its keys work while the menu bar is hidden too
        return action


def _enable(action: QAction, is_enabled: bool, reason: str) -> None:
    action.setEnabled(is_enabled)
    action.setToolTip(action.text() if is_enabled else reason)
