"""What can be done in the window: one list, from which menus, buttons, palette and the list of shortcuts come.

An Action is the description: pure. An ActionSet is the actions of the window or of one page while they live: each
with what it does, and with the reason against doing it now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.buttons import dress_button


class Menu(Enum):
    """Of the menu bar, in its order; the last one is the tray's."""

    FILE = "File"
    EDIT = "Edit"
    VIEW = "View"
    MESSAGE = "Message"
    QUEUE = "Queue"
    WORKER = "Worker"
    HELP = "Help"
    TRAY = "Tray"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done.

    Attributes:
        name: What widgets are called by: `action_NAME` in menus, `NAME_button` among buttons.
        verb: What a person reads and hears.
        menu: Where it stands; None: among buttons and in the palette only.
        keys: The first is the one that menus show.
        tip: What it does.
        back: How it is taken back, in words.
        group: Within the menu; lines stand between groups.
        is_anywhere: Also while its page is not shown: it is about nothing that is chosen there.
        widget: The one on its page in which its keys work, and which hands them to `ActionSet.press`; empty: all.
    """

    name: str
    verb: str
    menu: Menu | None
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    back: str = ""
    group: int = 0
    is_checkable: bool = False
    is_anywhere: bool = False
    widget: str = ""


@dataclass(slots=True)
class Entry:
    """An Action that lives. `label` is what buttons say, where that is more than the verb; `about` what it is about."""

    action: Action
    qt: QAction
    why_not: Callable[[], str]
    says: Callable[[], str]
    tip: str
    label: str
    about: str = ""
    reason: str = ""
    page: str = ""

    @property
    def verb_in_full(self) -> str:
        """With the page where it is done, for lists of everything."""
        verb = self.qt.text()
        return f"{self.page}: {verb}" if self.page and not self.action.is_anywhere else verb


class ActionSet(QObject):
    """The actions of `owner`, where their keys work.

    Signals:
        changed: What can be done has changed, or what it is called.
    """

    changed = Signal()

    def __init__(self, owner: QWidget, theme: Theme, page: str = "") -> None:
        """`page` is the title of the page whose actions these are; empty for the window's own."""
        super().__init__(owner)
        self.theme, self._owner, self._page = theme, owner, page
        self._is_shown = True
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> QAction:
        return self._entries[name].qt

    def entry(self, name: str) -> Entry:
        return self._entries[name]

    def add(
        self,
        action: Action,
        do: Callable[[], object] | None = None,
        why_not: Callable[[], str] = str,
        *,
        says: Callable[[], str] = str,
        qt: QAction | None = None,
    ) -> QAction:
        """Make it live; `refresh` asks `why_not`, which answers with the reason against doing it now, or with nothing.

        `says` answers with the verb that it has just now, or with nothing for the usual one. What has two states is
        told by its `toggled` instead of `do`; what opens a menu brings its own `qt`.
        """
        made = qt or QAction(self._owner)
        made.setText(action.verb)
        made.setObjectName(f"action_{action.name}")
        made.setCheckable(action.is_checkable)
        made.setShortcuts([QKeySequence(keys) for keys in action.keys])
        if action.widget:
            made.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        elif self._page:
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        entry = Entry(action, made, why_not, says, action.tip, action.verb, page=self._page)
        if do is not None:
            made.triggered.connect(lambda: None if self.why_not(action.name) else do())
        self._owner.addAction(made)
        self._entries[action.name] = entry
        if action.icon:
            self.theme.picture(made, action.icon)
        self._update(entry)
        return made

    def press(self, event: QKeyEvent, widget: str) -> bool:
        """Do what the widget has this key for; whether there is such a thing, and it can be done now."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        pressed = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))
        for entry in self:
            if entry.action.widget == widget and pressed in entry.qt.shortcuts():
                self._update(entry)
                entry.qt.trigger()
                return not entry.reason
        return False

    def why_not(self, name: str) -> str:
        """The reason against doing it now; empty when it can be done."""
        entry = self._entries[name]
        if not self._is_shown and not entry.action.is_anywhere:
            return f"On the page {self._page}"
        return entry.why_not()

    def set_shown(self, is_shown: bool) -> None:
        """Whether the page is shown: what is chosen on another one is nothing to act on unseen."""
        if is_shown != self._is_shown:
            self._is_shown = is_shown
            self.refresh()

    def refresh(self) -> None:
        """What is chosen, or its state, has changed."""
        for entry in self:
            self._update(entry)
        self.changed.emit()

    def fill(self, menu: QMenu, groups: range) -> None:
        """Put the actions of these groups into `menu` instead of what is there, with lines between the groups."""
        fill_menu(menu, [entry for entry in self if entry.action.group in groups])

    def button(self, name: str, parent: QWidget, *, look: str = "", has_icon: bool = True) -> ActionButton:
        """A button that does it, named by its verb, with what it is about in its description."""
        return ActionButton(self, self._entries[name], parent, look, has_icon=has_icon)

    def _update(self, entry: Entry) -> None:
        if verb := entry.says():
            entry.label = verb
            entry.qt.setText(verb)
        entry.reason = self.why_not(entry.action.name)
        entry.qt.setEnabled(not entry.reason)
        entry.qt.setToolTip(as_tooltip(_tip(entry)))


class ActionButton(QPushButton):
    """Follows its action: what it says, whether it can be pressed, why not."""

    def __init__(self, actions: ActionSet, entry: Entry, parent: QWidget, look: str, *, has_icon: bool) -> None:
        super().__init__(parent)
        dress_button(self, f"{entry.action.name}_button", look)
        self._entry, self._has_words = entry, True
        if has_icon and entry.action.icon:
            actions.theme.picture(self, entry.action.icon)
        if entry.action.is_checkable:
            self.setCheckable(True)
            self.setChecked(entry.qt.isChecked())
            self.toggled.connect(entry.qt.setChecked)
            entry.qt.toggled.connect(self.setChecked)
        else:
            self.clicked.connect(entry.qt.trigger)
        actions.changed.connect(self._follow)
        self._follow()

    def set_words(self, has_words: bool) -> None:
        """Whether there is room for more than the picture."""
        self._has_words = has_words
        set_look(self, "" if has_words else "tool", "bulk")
        self._follow()

    def _follow(self) -> None:
        entry = self._entry
        self.setEnabled(not entry.reason)
        self.setText(entry.label if self._has_words else "")
        self.setAccessibleName(entry.qt.text())
        self.setToolTip(as_tooltip(_tip(entry)))
        self.setAccessibleDescription(entry.reason or entry.about or _tip(entry))


def fill_menu(menu: QMenu, entries: list[Entry]) -> None:
    """Put these into it instead of what is there, by group, with lines between the groups."""
    for old in menu.actions():
        menu.removeAction(old)  # not clear(): PySide takes the actions of others for deleted then
        if old.isSeparator():
            old.deleteLater()
    group: int | None = None
    for entry in sorted(entries, key=lambda one: one.action.group):
        if group is not None and entry.action.group != group:
            menu.addSeparator()
        group = entry.action.group
        menu.addAction(entry.qt)


def _tip(entry: Entry) -> str:
    """Why not; or what it does, by which key, and how it is taken back."""
    if entry.reason:
        return entry.reason
    keys = f" ({entry.action.keys[0]})" if entry.action.keys else ""
    back = f"\n{entry.action.back}" if entry.action.back else ""
    return f"{entry.tip or entry.qt.text()}{keys}{back}"
