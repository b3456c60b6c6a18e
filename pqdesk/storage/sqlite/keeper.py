"""A thread of a store that claims or writes much: extends leases, takes back from the dead, does the upkeep.

It holds its store weakly, so that a store nobody uses any more can go. What it does is done by every process of
the workspace; each step is a transaction, so it does not matter who is first.
"""

from __future__ import annotations

import select
import threading
import weakref
from pathlib import Path
from typing import Protocol

from pqdesk.errors import PQDeskError
from pqdesk.storage.sqlite.telling import logger
from pqdesk.storage.sqlite.waiting import Alarm, DeathWatch

LONGEST_PAUSE_S = 1.0


class Kept(Protocol):
    """What a keeper asks of its store."""

    def tend(self) -> float:
        """Do what is to be done; returns seconds until something is to be done again."""
        ...


class Keeper:
    """Runs `store.tend` once a second, at once when a process of the workspace dies, and when poked."""

    def __init__(self, store: Kept, owners_folder: Path) -> None:
        self._store = weakref.ref(store)
        self._watch = DeathWatch(owners_folder)
        try:
            self._alarm = Alarm()
        except OSError:
            self._watch.close()
            raise
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="pqdesk-keeper", daemon=True)
        self._thread.start()

    def poke(self) -> None:
        """Look again now: a short lease was taken, or the WAL has grown."""
        self._alarm.set()

    def end(self) -> None:
        """Return when the thread has ended; not to be called while holding what `tend` needs."""
        self._is_ending = True
        self._alarm.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        last_problem = ""
        while not self._is_ending:
            store = self._store()
            if store is None:
                break
            try:
                pause_s = store.tend()
                last_problem = ""
            except Exception as exc:  # noqa: BLE001 - the top of this thread: without it, leases would silently end
                problem = str(exc) if isinstance(exc, PQDeskError) else f"{type(exc).__name__}: {exc}"
                if problem != last_problem:
                    logger(__name__).warning("upkeep waits: %s", problem)  # not exc: its frames would keep the store
                pause_s, last_problem = LONGEST_PAUSE_S, problem
            del store
            self._sleep(pause_s)
        self._watch.close()
        self._alarm.close()

    def _sleep(self, seconds: float) -> None:
        """Until then, or until a lock file is closed, or somebody pokes."""
        poll = select.poll()
        for descriptor in (self._watch.descriptor, self._alarm.descriptor):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        poll.poll(max(0.0, min(seconds, LONGEST_PAUSE_S)) * 1000)
        self._alarm.clear()
        self._watch.read()
