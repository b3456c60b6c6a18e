"""Menus of workers and of schedules: a submenu for each, with how it is and what can be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from pqdesk.gui.palette import WORKER_LOOKS, Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_entry
from pqdesk.messages.durations import written_duration
from pqdesk.messages.records import ScheduleRecord
from pqdesk.supervision.records import ReplicaRecord


class Thing(NamedTuple):
    """How it is, in a word and an icon, and what can be done: the action of an Order, its verb, whether it can be now.

    All of one menu have as many things to be done to them.
    """

    word: str
    icon: str
    role: Role
    deeds: tuple[tuple[str, str, bool], ...]


class ThingsMenu(QMenu):
    """Built once and updated: some desktops lose track of a menu that is made anew.

    Signals:
        asked: The action of an Order, and the name of what it is about.
    """

    asked = Signal(str, str)

    def __init__(self, title: str, theme: Theme, parent: QWidget, of_all: Sequence[QAction] = ()) -> None:
        """`of_all` stand below."""
        super().__init__(title, parent)
        self._theme = theme
        self._entries: dict[str, _ThingMenu] = {}
        self._separator = self.addSeparator()
        self.addActions(of_all)

    def show_things(self, things: dict[str, Thing]) -> None:
        """One entry for each, by name."""
        for name in [name for name in self._entries if name not in things]:
            entry = self._entries.pop(name)
            self.removeAction(entry.menuAction())
            entry.deleteLater()
        for name, thing in things.items():
            if name not in self._entries:
                self._add(name, len(thing.deeds))
            self._entries[name].show_thing(thing, self._theme)

    def _add(self, name: str, deeds: int) -> None:
        entry = _ThingMenu(name, deeds, self)
        entry.asked.connect(lambda action: self.asked.emit(action, name))
        after = next((one.menuAction() for other, one in sorted(self._entries.items()) if other > name), None)
        self.insertMenu(after or self._separator, entry)
        self._entries[name] = entry


class _ThingMenu(QMenu):
    asked = Signal(str)

    def __init__(self, name: str, deeds: int, parent: QMenu) -> None:
        super().__init__(as_entry(name), parent)
        self._state, *self._deeds = (self.addAction("") for _ in range(1 + deeds))
        self._state.setEnabled(False)
        for deed in self._deeds:
            deed.triggered.connect(lambda _checked=False, deed=deed: self.asked.emit(deed.data()))

    def show_thing(self, thing: Thing, theme: Theme) -> None:
        self._state.setText(as_entry(thing.word))
        for deed, (action, verb, is_possible) in zip(self._deeds, thing.deeds, strict=True):
            deed.setData(action)
            deed.setText(verb)
            deed.setEnabled(is_possible)
        theme.picture(self.menuAction(), thing.icon, thing.role)


def workers_as_things(replicas: Sequence[ReplicaRecord]) -> dict[str, Thing]:
    """`replicas` are sorted by worker."""
    return {name: _worker(list(found)) for name, found in groupby(replicas, key=lambda one: one.worker)}


def schedules_as_things(schedules: Sequence[ScheduleRecord]) -> dict[str, Thing]:
    return {one.name: _schedule(one) for one in schedules}


def _worker(replicas: Sequence[ReplicaRecord]) -> Thing:
    up = [one for one in replicas if one.state.is_up or one.state.has_process]
    state = (up or replicas)[0].state
    is_same = len({one.state for one in replicas}) == 1
    word = state.word if is_same else f"{len(up)} of {len(replicas)} up"
    toggle = ("stop", "Stop", True) if up else ("start", "Start", True)
    return Thing(word, *WORKER_LOOKS[state], (toggle, ("restart", "Restart", bool(up))))


def _schedule(one: ScheduleRecord) -> Thing:
    when = f"every {written_duration(one.every)}" if one.every is not None else str(one.cron)
    toggle = ("disable_schedule", "Pause", True) if one.is_enabled else ("enable_schedule", "Resume", True)
    return Thing(
        f"{when}, into {one.queue}" if one.is_enabled else f"paused: {when}, into {one.queue}",
        "scheduled" if one.is_enabled else "paused",
        Role.SCHEDULED if one.is_enabled else Role.PAUSED,
        (("run_schedule", "Run now", True), toggle, ("remove_schedule", "Remove", True)),
    )
