"""The window: sidebar, page header, banner, pages, status bar. It shows and asks; app.py connects it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.page_header import PageHeader
from pqdesk.gui.widgets.sidebar import Sidebar
from pqdesk.gui.widgets.status_line import StatusLine
from pqdesk.gui.widgets.toast import Toast
from pqdesk.gui.window_actions import WindowActions

PAGES = (("Overview", "overview"), ("Messages", "messages"), ("Workers", "workers"), ("Logs", "logs"))
DEFAULT_SIZE = (1280, 800)
_SMALLEST_SIZE = (960, 600)
_FRAME_PX = 32  # the title bar, where the window manager draws one
_NARROW_PX = 1040  # below, the sidebar shows icons only


class Page(Protocol):
    """What the window needs of a page, which is a QWidget besides."""

    title: str

    def set_live(self, is_live: bool) -> None: ...


class MainWindow(QMainWindow):
    """Signals:
    close_asked: The user closes the window; whoever answers hides it or quits.
    page_changed: The title of the page shown now.
    """

    close_asked = Signal()
    page_changed = Signal(str)
    seen_changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("PQDesk")
        self._pages: dict[str, QWidget] = {}
        self._current = PAGES[0][0]
        self._welcome: QWidget | None = None
        self._is_welcoming, self._heading = False, "Welcome"
        self._is_paused = False
        self._may_close = False
        self.window_actions = WindowActions(self, theme, [title for title, _ in PAGES])
        content = QWidget(self)
        content.setObjectName("content")
        self.sidebar = Sidebar(PAGES, theme, content)
        right = QWidget(content)
        self.header = PageHeader(theme, right)
        self.banner = Banner(theme, "banner", right)
        self._stack = QStackedWidget(right)
        self.toast = Toast(theme, right)
        self.status_line = StatusLine(theme, self)
        self.setStatusBar(self.status_line)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, self.banner):
            column.addWidget(widget)
        column.addWidget(self._stack, 1)
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(right, 1)
        self.setCentralWidget(content)
        self.setMinimumSize(*_SMALLEST_SIZE)
        self._fit_screen()
        self.sidebar.page_chosen.connect(self.show_page)
        self.window_actions.page_chosen.connect(self.show_page)
        self.window_actions.sidebar.toggled.connect(lambda _: self._fit_sidebar())
        self.window_actions.next_pane.triggered.connect(lambda: self._move_pane(1))
        self.window_actions.previous_pane.triggered.connect(lambda: self._move_pane(-1))
        self.window_actions.filter.triggered.connect(self._focus_filter)

    def set_pages(self, pages: Sequence[Page], welcome: QWidget) -> None:
        """Show these pages from now on; those before are deleted. `welcome` may stand in for the Overview."""
        if self._stack.isAncestorOf(self.focusWidget()):
            self.sidebar.take_focus()
        for old in [*self._pages.values(), *([self._welcome] if self._welcome is not None else [])]:
            self._stack.removeWidget(old)
            old.deleteLater()
        self._pages = {page.title: cast(QWidget, page) for page in pages}
        self._welcome = welcome
        self._is_welcoming = False
        for page in [*self._pages.values(), welcome]:
            self._stack.addWidget(page)
        of_messages, of_workers = (
            [action for page in pages for action in getattr(page, name, ())]
            for name in ("message_actions", "worker_actions")
        )
        self.window_actions.set_page_actions(of_messages, of_workers)
        self.show_page(self._current)

    def set_workspace(self, name: str, location: str, *, is_demo: bool) -> None:
        """What the window is opened on."""
        self.setWindowTitle(f"PQDesk – {visible_line(name)}")
        self.sidebar.set_workspace(name, location)
        self.window_actions.set_demo(is_demo=is_demo)
        self.banner.hide()
        if not self._is_paused:
            self.header.show_live()

    @property
    def current_page(self) -> str:
        return self._current

    @property
    def shown_page(self) -> QWidget | None:
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
        self.show_page(self._current)
        return True

    def show_page(self, title: str) -> None:
        """Show the page called so; unknown titles show the first."""
        self._current = title if title in self._pages else PAGES[0][0]
        page = self._pages.get(self._current)
        if page is None:
            return
        is_first = self._current == PAGES[0][0]
        shown = self._welcome if is_first and self._is_welcoming and self._welcome is not None else page
        self.sidebar.set_current(self._current)
        if shown is not self._stack.currentWidget() and self._stack.isAncestorOf(self.focusWidget()):
            self.sidebar.take_focus()  # before Qt chooses some widget by itself
        self._stack.setCurrentWidget(shown)
        is_welcome = shown is self._welcome
        self.header.set_title(self._heading if is_welcome else self._current)
        self.header.set_live_visible(not is_welcome)
        self._update_live()
        self.page_changed.emit(self._current)

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

    def _on_seen_changed(self) -> None:
        self._update_live()
        self.seen_changed.emit()

    def _fit_screen(self) -> None:
        room = self.screen().availableSize()
        self.resize(min(DEFAULT_SIZE[0], room.width()), min(DEFAULT_SIZE[1], room.height() - _FRAME_PX))

    def _fit_sidebar(self) -> None:
        self.sidebar.set_compact(self.width() < _NARROW_PX or self.window_actions.sidebar.isChecked())

    def _move_pane(self, step: int) -> None:
        """Between the sidebar and the panes of the page, round and round."""
        page = self._stack.currentWidget()
        panes = [self.sidebar, *getattr(page, "panes", [page])]
        focus = self.focusWidget()
        at = next((at for at, pane in enumerate(panes) if pane is focus or pane.isAncestorOf(focus)), 0)
        pane = panes[(at + step) % len(panes)]
        if pane is self.sidebar:
            self.sidebar.take_focus(Qt.FocusReason.ShortcutFocusReason)
        elif (target := _first_focusable(pane)) is not None:
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _focus_filter(self) -> None:
        focus = getattr(self._pages.get(self._current), "focus_filter", None)
        if focus is not None:
            focus()

    def _update_live(self) -> None:
        is_seen = self.isVisible() and not self.isMinimized()
        for title, page in self._pages.items():
            is_live = is_seen and title == self._current and not self._is_paused
            cast(Page, page).set_live(is_live)


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
