"""The window: sidebar, page header, banner, pages, status bar. It shows and asks; app.py connects it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.registry import PAGES
from pqdesk.gui.shell.actions import Action, ActionSet, Menu, fill_menu
from pqdesk.gui.shell.command_palette import Command, CommandPalette
from pqdesk.gui.shell.kept import mapping
from pqdesk.gui.shell.page import Page
from pqdesk.gui.shell.routes import History, Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.gui.widgets.page_header import PageHeader
from pqdesk.gui.widgets.sidebar import Sidebar
from pqdesk.gui.widgets.status_line import StatusLine
from pqdesk.gui.widgets.toast import Toast, Tone
from pqdesk.gui.window_actions import BACK, FIND, FORWARD, NEXT_PANE, PALETTE, PREVIOUS_PANE, REDO, SIDEBAR, UNDO
from pqdesk.gui.workspace_actions import WorkspaceActions

DEFAULT_SIZE = (1280, 800)
_SMALLEST_SIZE = (960, 600)
_FRAME_PX = 32  # the title bar, where the window manager draws one
_MOST_RECENT = 20
_NARROW_PX = 1040  # below, the sidebar shows icons only


class MainWindow(QMainWindow):
    """Signals:
    close_asked: The user closes the window; whoever answers hides it or quits.
    page_changed: Another page is shown.
    undo_asked, redo_asked: The newest thing done shall be taken back, or what was taken back be done again.
    seen_changed: The window, or its page, can be seen now or no more.
    """

    close_asked = Signal()
    page_changed = Signal()
    seen_changed = Signal()
    undo_asked = Signal()
    redo_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("PQDesk")
        self._theme = theme
        self._pages: dict[str, Page] = {}
        self._current = PAGES[0].key
        self._history = History()
        self._welcome: QWidget | None = None
        self._is_welcoming, self._heading = False, "Welcome"
        self._is_paused = False
        self._may_close = False
        self.window_actions, self.workspace_actions = ActionSet(self, theme), WorkspaceActions(self, theme)
        content = QWidget(self)
        content.setObjectName("content")
        self.sidebar = Sidebar([(page.key, page.title, page.icon) for page in PAGES], theme, content)
        right = QWidget(content)
        self.header = PageHeader(theme, right)
        self.banner = Banner(theme, "banner", right)
        self._stack = QStackedWidget(right)
        self.toast = Toast(theme, right)
        self.status_line = StatusLine(theme, self)
        self.setStatusBar(self.status_line)
        vbox(self.header, self.banner, (self._stack, 1), on=right, spacing=0)
        hbox(self.sidebar, (right, 1), on=content, spacing=0)
        self.setCentralWidget(content)
        self.setMinimumSize(*_SMALLEST_SIZE)
        self._fit_screen()
        self._menus = {menu: self._make_menu(menu) for menu in Menu if menu is not Menu.TRAY}
        self._undo = self._redo = ""
        self._recent: list[str] = []  # what was chosen in the palette, newest first
        self._add_actions()
        self.sidebar.page_chosen.connect(lambda key: self.go(Route(key)))

    def set_pages(self, pages: Sequence[Page], welcome: QWidget) -> None:
        """Show these pages from now on; those before are deleted. `welcome` may stand in for the Overview."""
        if self._stack.isAncestorOf(self.focusWidget()):
            self.sidebar.take_focus()
        for old in [*self._pages.values(), *([self._welcome] if self._welcome is not None else [])]:
            self._stack.removeWidget(old)
            old.deleteLater()
        self._pages = {page.key: page for page in pages}
        self._welcome = welcome
        self._is_welcoming = False
        self._history = History()
        for page in [*pages, welcome]:
            self._stack.addWidget(page)
        for page in pages:
            page.route_asked.connect(self.go)
            page.told.connect(self._on_told)
            entry = self.sidebar.entry(page.key)
            page.badge_changed.connect(lambda count, what, entry=entry: entry.set_badge(count, what, Role.ERROR))
        for menu, shown in self._menus.items():
            fill_menu(shown, [one for actions in self.action_sets for one in actions if one.action.menu is menu])
        self._show(Route(self._current))

    @property
    def action_sets(self) -> Sequence[ActionSet]:
        """Everything that can be done: the window's own, to the workspace, then what each page has."""
        return [self.window_actions, self.workspace_actions, *(page.action_set for page in self._pages.values())]

    def commands(self, typed: str) -> Iterator[Command]:
        """For the palette: what can be done, then where one can go; `typed` is what stands in it."""
        entries = [one for actions in self.action_sets for one in actions]
        for one in entries:
            menu = one.qt.menu()
            if isinstance(menu, QMenu):
                yield from _commands_in(menu, one.verb_in_full, one.reason, besides=[one.qt for one in entries])
            elif one.action.menu is not Menu.TRAY:
                yield Command(one.verb_in_full, " or ".join(one.action.keys), one.qt.trigger, one.reason)
        for page in self._pages.values():
            for text, route in page.places(typed):
                yield Command(text, page.title, partial(self.go, route))

    def _show_palette(self) -> None:
        palette = CommandPalette(self.commands, self._recent, self._theme, self)
        palette.chosen.connect(self._run, Qt.ConnectionType.QueuedConnection)  # when the palette is gone
        palette.open()

    def _run(self, command: Command) -> None:
        self._recent = [command.text, *(one for one in self._recent if one != command.text)][:_MOST_RECENT]
        command.run()

    def set_undo(self, undo: str, redo: str) -> None:
        """What Undo and Redo would take back and do again, in words; empty where there is nothing."""
        self._undo, self._redo = undo, redo
        self.window_actions.entry("undo").tip = f"Undo: {undo}"
        self.window_actions.entry("redo").tip = f"Redo: {redo}"
        self.window_actions.refresh()

    def set_workspace(self, name: str, location: str) -> None:
        """What the window is opened on."""
        self.setWindowTitle(f"PQDesk – {visible_line(name)}")
        self.sidebar.set_workspace(name, location)
        self.banner.hide()
        if not self._is_paused:
            self.header.show_live()

    @property
    def page(self) -> Page:
        """The current one, also where the welcome page stands in for it."""
        return self._pages[self._current]

    @property
    def shown(self) -> QWidget | None:
        """The widget that is seen: a page, or the welcome page."""
        return self._stack.currentWidget()

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    def set_paused(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        self._update_live()

    def set_welcoming(self, is_welcoming: bool, heading: str = "Welcome") -> bool:
        """Whether the Overview's place is taken by the welcome page, under `heading`. True when that is news."""
        if (is_welcoming, heading) == (self._is_welcoming, self._heading):
            return False
        self._is_welcoming, self._heading = is_welcoming, heading
        self._show(Route(self._current))
        return True

    def go(self, route: Route) -> None:
        """Show what `route` says; unknown pages show the first. Back leads here again."""
        left = self.page.route
        self._show(route)
        if self.page.route != left:
            self._history.leave(left)
        self.window_actions.refresh()

    def kept(self) -> dict[str, Any]:
        """What the next start shall find again of these pages: values that JSON has."""
        return {
            "page": self._current,
            "recent": self._recent,
            "sidebar": self.window_actions["sidebar"].isChecked(),
            "filters": {key: page.route.filter for key, page in self._pages.items()},
            "pages": {key: page.kept() for key, page in self._pages.items()},
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be as `kept` says. It was read from a file: what is not understood is left out."""
        recent = kept.get("recent")
        self._recent = [one for one in recent if isinstance(one, str)] if isinstance(recent, list) else []
        filters, pages = mapping(kept.get("filters")), mapping(kept.get("pages"))
        for key, page in self._pages.items():
            page.restore(mapping(pages.get(key)))
            if isinstance(text := filters.get(key), str):
                page.go(Route(key, filter=text))
        self.window_actions["sidebar"].setChecked(kept.get("sidebar") is True)
        self._show(Route(str(kept.get("page", ""))))

    def _make_menu(self, menu: Menu) -> QMenu:
        made = self.menuBar().addMenu(menu.value)
        made.setObjectName(f"menu_{menu.value.lower()}")
        made.setToolTipsVisible(True)
        return made

    def _add_actions(self) -> None:
        add = self.window_actions.add
        for number, page in enumerate(PAGES, start=1):
            view = Action(f"view_{page.key}", page.title, Menu.VIEW, (f"Ctrl+{number}",), tip=f"Show {page.title}")
            add(view, partial(self.go, Route(page.key)))
        add(UNDO, self.undo_asked.emit, lambda: "" if self._undo else "Nothing to undo")
        add(REDO, self.redo_asked.emit, lambda: "" if self._redo else "Nothing to do again")
        add(PALETTE, self._show_palette)
        add(FIND, lambda: self.page.begin_find())
        add(BACK, lambda: self._retrace(self._history.back), lambda: self._history.why_not_back)
        add(FORWARD, lambda: self._retrace(self._history.forward), lambda: self._history.why_not_forward)
        add(SIDEBAR).toggled.connect(lambda _: self._fit_sidebar())
        add(NEXT_PANE, partial(self._move_pane, 1))
        add(PREVIOUS_PANE, partial(self._move_pane, -1))

    def _retrace(self, step: Callable[[Route], Route | None]) -> None:
        route = step(self.page.route)
        if route is not None:
            self._show(route)
        self.window_actions.refresh()

    def _show(self, route: Route) -> None:
        self._current = route.page if route.page in self._pages else PAGES[0].key
        page = self.page
        is_first = self._current == PAGES[0].key
        shown = self._welcome if is_first and self._is_welcoming and self._welcome is not None else page
        self.sidebar.set_current(self._current)
        if shown is not self._stack.currentWidget() and self._stack.isAncestorOf(self.focusWidget()):
            self.sidebar.take_focus()  # before Qt chooses some widget by itself
        self._stack.setCurrentWidget(shown)
        is_welcome = shown is self._welcome
        self.header.set_title(self._heading if is_welcome else page.title)
        self.header.set_live_visible(not is_welcome)
        self._update_live()
        if route.page == page.key:
            page.go(route)
        self.page_changed.emit()

    def bring_to_front(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def allow_close(self) -> None:
        """From now on closing is closing: the session ends or the app quits."""
        self._may_close = True

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_asked.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_sidebar()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.focusWidget() is None:
            self.sidebar.take_focus()
        self._on_seen_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._on_seen_changed()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._on_seen_changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.toast.isVisible():
            self.toast.hide()
            return
        super().keyPressEvent(event)

    def _on_told(self, text: str, is_error: bool) -> None:
        self.toast.show_text(text, Tone.ERROR if is_error else Tone.DONE)

    def _on_seen_changed(self) -> None:
        self._update_live()
        self.seen_changed.emit()

    def _fit_screen(self) -> None:
        room = self.screen().availableSize()
        self.resize(min(DEFAULT_SIZE[0], room.width()), min(DEFAULT_SIZE[1], room.height() - _FRAME_PX))

    def _fit_sidebar(self) -> None:
        self.sidebar.set_compact(self.width() < _NARROW_PX or self.window_actions["sidebar"].isChecked())

    def _move_pane(self, step: int) -> None:
        """Between the sidebar and the panes of the page, round and round."""
        shown = self._stack.currentWidget()
        panes = [self.sidebar, *(self.page.panes if shown is self.page else [shown])]
        focus = self.focusWidget()
        at = next((at for at, pane in enumerate(panes) if pane is focus or pane.isAncestorOf(focus)), 0)
        pane = panes[(at + step) % len(panes)]
        if pane is self.sidebar:
            self.sidebar.take_focus(Qt.FocusReason.ShortcutFocusReason)
        elif (target := _first_focusable(pane)) is not None:
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _update_live(self) -> None:
        is_seen = self.isVisible() and not self.isMinimized()
        for key, page in self._pages.items():
            page.action_set.set_shown(page is self.shown)
            page.set_live(is_seen and key == self._current and not self._is_paused)


def _commands_in(menu: QMenu, before: str, reason: str, besides: Sequence[QAction]) -> Iterator[Command]:
    """What is in a menu, and in menus in it, besides what stands for itself."""
    for entry in menu.actions():
        text, below = f"{before}: {entry.text().replace('&&', '&')}", entry.menu()
        if isinstance(below, QMenu):
            yield from _commands_in(below, text, reason, besides)
        elif entry.isEnabled() and not entry.isSeparator() and entry not in besides:
            yield Command(text, "", entry.trigger, reason)


def _first_focusable(pane: QWidget) -> QWidget | None:
    """`pane` itself, or the first of what is in it that can be reached with Tab."""
    candidates = (pane, *pane.findChildren(QWidget))
    return next(
        (
            one
            for one in candidates
            if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible() and one.isEnabled()
        ),
        None,
    )
