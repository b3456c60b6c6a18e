"""No other SQLite library of this process may have a queue file open: changes of both would be lost, silently.

The kernel keeps a file's locks per process, so two libraries in one process do not see each other's, and each that
closes the file drops those of both (sqlite.org/howtocorrupt.html, "multiple copies of SQLite"). Therefore:

    sqlite3.connect                 is refused by an audit hook while the file is open here; so are SQLAlchemy, Django
                                    and all else that stands on it
    opening a queue                 is refused while a descriptor that is not ours leads to the file
    another library, ATTACH, open() is noticed as the kernel tells who opens the file: before a call it is refused,
                                    after its commit it "may or may not have happened". From then on the file cannot be
                                    used here until all queues of it are closed, since our locks go when that one closes

As long as no machine code is loaded in which another SQLite could be, nothing is watched.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from pqdesk.clock import awake_ns
from pqdesk.errors import WorkspaceError
from pqdesk.shortage import reason
from pqdesk.storage.sqlite import descriptors, inotify
from pqdesk.storage.sqlite.descriptors import Identity

_WAYS_OUT = "use queue.transaction(), or put by INSERT INTO pqdesk_put without a Queue, or use a process of its own"

_OPENING_NS, _PAUSE_S = 500_000_000, 0.001
_COLLECT_EVERY_NS = 1_000_000_000  # it takes long where there is much, and somebody may try again and again

_files: dict[Identity, OpenFile] = {}  # of this process
_kept_open: list[tuple[Identity, apsw.Connection]] = []  # closing them would drop another library's locks
_inherited: list[tuple[Identity, weakref.ref[apsw.Connection]]] = []  # by a fork
_lock = threading.RLock()  # a signal handler may connect, too
_is_listening = False
_is_alone = True  # no other SQLite can be in this process
_shows_locks = False  # whether this system tells what locks a process has


class OpenFile:
    """A queue file that this process has open, over one connection or several.

    Attributes:
        may_have_news: Asked with 0: whether `check` is to be called. None: there is nobody to hear of.
        is_suspect: The same, as another thread found.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path, self.identity = path, identity
        self.connections: list[weakref.ref[apsw.Connection]] = []
        self._locking: list[weakref.ref[apsw.Connection]] = []  # those of them that hold SQLite's lock for good
        self.entering = 0  # threads that make a connection
        self.is_suspect = False
        self.may_have_news: Callable[[int], object] | None = None if _is_alone else _always
        self._collected_ns = 0
        self._watch = -1
        self._epoll: select.epoll | None = None
        self._failure = ""

    @property
    def is_open(self) -> bool:
        living = apsw.connections()
        return self.entering > 0 or any(one() in living for one in self.connections)

    def is_open_after_all(self) -> bool:
        """The same, when queues that nobody holds any more have closed themselves."""
        if self.is_open and awake_ns() - self._collected_ns > _COLLECT_EVERY_NS:
            self._collected_ns = awake_ns()
            gc.collect()
        return self.is_open

    def hear(self, *, is_done: bool = False) -> None:
        """`check`, if there may be news: before and after each change, where `may_have_news` is not None."""
        if (ask := self.may_have_news) is not None and (ask(0) or self.is_suspect):
            self.check(is_done=is_done)

    def check(self, *, is_done: bool = False) -> None:
        """Raise WorkspaceError when somebody else in this process has, or had, the file open.

        Args:
            is_done: The change was committed, and may be lost by now.
        """
        outcome = "the last change may or may not have happened" if is_done else "nothing changed"
        with _lock:
            if not self._failure:
                self.is_suspect = True  # before the events are read: another thread does not find them then
                try:
                    self._failure = self._look()
                except OSError as exc:
                    text = f"cannot look who has queue file {self.path!r} open: {reason(exc)}; {outcome}"
                    raise WorkspaceError(text, path=Path(self.path)) from exc
                self.is_suspect = bool(self._failure)
        if self._failure:
            text = f"{self._failure}; {outcome}: close the other, and all queues of the file, before you open it anew"
            raise WorkspaceError(f"{text}; {_WAYS_OUT}", path=Path(self.path), needs_restart=True)

    def begin(self, db: apsw.Connection) -> None:
        """`db`, in WAL mode by now, is going to change it: be told from now on who opens it."""
        global _shows_locks
        with _lock, contextlib.suppress(OSError):
            self._locking = [one for one in self._locking if one() is not None] + [weakref.ref(db)]
            if not _is_alone and self._epoll is None:
                self._begin_watching()
                self.is_suspect = True  # somebody may have come since `enter` looked
            if not _shows_locks:  # where somebody else was here before us, they are gone: it has to be seen once
                _shows_locks = any(map(descriptors.shows_lock, descriptors.leading_to(self.identity)))

    def end(self, db: apsw.Connection) -> None:
        """`db` is about to be closed."""
        self._locking = [one for one in self._locking if one() not in (None, db)]

    def other_descriptors(self) -> tuple[list[int], list[int]]:
        """Those leading to the file that are not our SQLite's, and all."""
        begun_ns = awake_ns()
        while True:
            found = descriptors.leading_to(self.identity)
            others = [one for one in found if not descriptors.is_marked(one)]
            if not others or awake_ns() - begun_ns > _OPENING_NS:
                return others, found
            for db in apsw.connections():  # of which the application may have made one before we listened
                with contextlib.suppress(apsw.Error):
                    descriptors.mark_those_of(db)
            time.sleep(_PAUSE_S)  # or the application is just making one, with the file open and not yet marked

    def close(self) -> None:
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None
        if self._watch >= 0:
            os.close(self._watch)
            self._watch = -1
        self.may_have_news = _always

    def _look(self) -> str:
        """What has happened to the file, if that ends its use."""
        if self._epoll is None:
            self._begin_watching()
        else:
            inotify.read(self._watch)
        others, found = self.other_descriptors()
        if others:
            return f"another SQLite library of this process, or an open(), has queue file {self.path!r} open"
        # The lock stands at the descriptor of whichever connection took it first, or went on with it. One that is
        # being opened or closed, or only looks, may have none.
        is_locking = any(one() is not None for one in self._locking)
        if _shows_locks and is_locking and found and not any(map(descriptors.shows_lock, found)):
            return f"another SQLite library of this process, or an open(), had queue file {self.path!r} open"
        return ""

    def _begin_watching(self) -> None:
        if self._watch < 0:  # else there was no descriptor left for the other
            self._watch = inotify.watch(self.path, inotify.OPENED)
        if self._watch >= 0:  # else each call looks
            self._epoll = select.epoll()
            self._epoll.register(self._watch, select.EPOLLIN)
            self.may_have_news = self._epoll.poll


def _always(_timeout: int) -> bool:
    return True


# --- opening and closing ----------------------------------------------------------------------------


def enter(path: Path) -> OpenFile | None:
    """A connection of ours to `path` is about to be made: nobody else may connect from here on.

    To be followed by `entered`. None: there is no such file.

    Raises:
        WorkspaceError: Somebody else in this process has it open, or a fork was in the middle of something.
    """
    identity = descriptors.identity_of(path)
    if identity is None:
        return None
    _listen()
    with _lock:
        file = _files.get(identity)
        if file is None or not (file.is_open_after_all() if file.is_suspect else file.is_open):
            if file is not None:
                file.close()
            file = _files[identity] = OpenFile(str(path), identity)
        file.entering += 1
        try:
            if not _is_alone:
                _refuse_company(file)
            if file.is_suspect:
                file.check()
            _close_kept_open(identity)
            _close_inherited(identity, path)
        except BaseException:
            entered(file, None)
            raise
        return file


def entered(file: OpenFile, db: apsw.Connection | None) -> None:
    """The connection `db` was made, or could not be."""
    with _lock:
        if db is not None:
            file.connections.append(weakref.ref(db, lambda gone: _left(file, gone)))
        file.entering -= 1
        if not (file.entering or file.connections):
            _drop(file)


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """Nobody looks who has files open, since a descriptor that the block opens is not marked yet as ours."""
    with _lock:
        yield


@contextlib.contextmanager
def first_to_open(path: Path) -> Iterator[bool]:
    """Whether nobody in this process has `path` open; nobody opens it during the block."""
    with _lock:
        identity = descriptors.identity_of(path)
        file = None if identity is None else _files.get(identity)
        yield file is None or not file.is_open


def file_of(db: apsw.Connection) -> OpenFile | None:
    """The file of an open connection of ours; None of one with a VFS of its own."""
    return next((file for file in list(_files.values()) if any(one() is db for one in file.connections)), None)


def close(db: apsw.Connection) -> None:
    """Close a connection of ours; where another library has the file open by now, only when that has closed it."""
    with _lock:
        file = file_of(db)
        if file is not None:
            file.end(db)
        is_kept = file is not None and not _is_alone and _has_company(file)
        if file is not None and is_kept:
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the process may end first
            _kept_open.append((file.identity, db))
    try:
        if not is_kept:
            db.close()
    finally:
        if file is not None:
            _left(file, *(one for one in file.connections if one() is db))


def recover() -> None:
    """This thread is in no call any more, whatever was raised in it."""
    while _lock._is_owned():  # type: ignore[attr-defined]
        _lock.release()


def _left(file: OpenFile, *gone: weakref.ref[apsw.Connection]) -> None:
    with _lock:
        file.connections = [one for one in file.connections if one not in gone]
        if not (file.entering or file.connections):
            _drop(file)


def _drop(file: OpenFile) -> None:
    if _files.get(file.identity) is file:
        del _files[file.identity]
    file.close()


def _has_company(file: OpenFile) -> bool:
    with contextlib.suppress(OSError):
        return bool(file.other_descriptors()[0])
    return False


def _refuse_company(file: OpenFile) -> None:
    try:
        others, _ = file.other_descriptors()
    except OSError as exc:
        raise WorkspaceError(f"cannot open queue file {file.path!r}: {reason(exc)}", path=Path(file.path)) from exc
    if others:
        text = (
            f"another SQLite library of this process, or an open(), has {file.path!r} open, and changes would be lost"
        )
        raise WorkspaceError(f"{text}; nothing changed: close it there first; {_WAYS_OUT}", path=Path(file.path))


def _close_kept_open(identity: Identity) -> None:
    for kept in [one for one in _kept_open if one[0] == identity]:
        with contextlib.suppress(apsw.Error):
            kept[1].close()
        _kept_open.remove(kept)


# --- hearing of others ------------------------------------------------------------------------------


def _listen() -> None:
    """Hear of others from now on, in this process and its forks: an audit hook cannot be taken back."""
    global _is_alone, _is_listening
    with _lock:
        if _is_listening:
            return
        _is_listening = True
        sys.addaudithook(_hear)
        apsw.connection_hooks.append(_mark_new)
        if _is_alone and descriptors.has_other_code():
            _is_alone = False


def _hear(event: str, args: tuple[Any, ...]) -> None:
    """Called for every audit event of the process, so what is not for us has to pass at once."""
    if event == "sqlite3.connect":
        if _files:
            _refuse_to_connect(args[0])
    elif _is_alone:
        if event == "import":  # the file is named where it is machine code
            if args[1] is not None and not descriptors.is_harmless(str(args[1])):
                _end_being_alone()
        elif event == "ctypes.dlopen" and args[0] is not None:  # None is what is loaded already
            _end_being_alone()


def _end_being_alone() -> None:
    """Machine code is about to be loaded in which another SQLite may be. What is open until now is ours."""
    global _is_alone
    with _lock:
        _is_alone = False
        for file in _files.values():
            with contextlib.suppress(OSError):
                for one in descriptors.leading_to(file.identity):
                    descriptors.mark(one)
            file.may_have_news = _always


def _mark_new(db: apsw.Connection) -> None:
    """Of every connection of our library, ours and the application's: they see each other's locks."""
    if not _is_alone:
        with contextlib.suppress(apsw.Error):
            descriptors.mark_those_of(db)


def _refuse_to_connect(database: Any) -> None:
    for name in _names_of(database):
        identity = descriptors.identity_of(name)
        file = None if identity is None else _files.get(identity)
        if file is not None and file.is_open_after_all():
            text = f"this process has queue file {file.path!r} open in PQDesk, and a second SQLite library would lose"
            raise WorkspaceError(
                f"{text} changes of both; nothing was connected: {_WAYS_OUT}, or close the queue first",
                path=Path(file.path),
            )


def _names_of(database: Any) -> list[bytes]:
    """The paths that sqlite3.connect(database) may open, with `uri=True` or without (sqlite.org/uri.html)."""
    try:
        name = os.fsencode(database)
    except (TypeError, ValueError):
        return []
    if name in (b"", b":memory:"):
        return []
    if not name.startswith(b"file:"):
        return [name]
    from urllib.parse import unquote_to_bytes  # here: nearly nobody writes it so

    path, _, query = name[len(b"file:") :].partition(b"#")[0].partition(b"?")
    if b"mode=memory" in query or b"vfs=memdb" in query:
        return []
    if path.startswith(b"//"):  # an authority, which is empty or "localhost"
        path = b"/" + path[2:].partition(b"/")[2]
    return [name, unquote_to_bytes(path).partition(b"\0")[0]]


# --- forks ------------------------------------------------------------------------------------------


def _close_inherited(identity: Identity, path: Path) -> None:
    """In a fork's child, close what it inherited of this file, before it opens its own.

    SQLite keeps account of a file's locks per process, and after a fork this account is wrong: a connection of the
    child's own would share the inherited ones' locks, which the child does not have, and lose its commits when the
    parent closes. Closing in the child leaves the parent's locks alone (fcntl(2)), and no checkpoint is made. Not so
    inside a transaction: undoing it would reach into the memory that the parent shares.

    Raises:
        WorkspaceError: The fork was in the middle of something.
    """
    for one in [one for one in _inherited if one[0] == identity]:
        inherited = one[1]()
        text = f"this process was forked inside a transaction on {str(path)!r}; fork outside of it, or use exec"
        try:
            if inherited is not None:
                if not inherited.get_autocommit():
                    raise WorkspaceError(text, path=path)
                inherited.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                inherited.close(True)
        except apsw.ConnectionClosedError:
            pass
        except apsw.Error as exc:  # another thread of the parent was using it
            raise WorkspaceError(text, path=path) from exc
        _inherited.remove(one)


def _begin_anew_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    for file in _files.values():
        _inherited.extend((file.identity, one) for one in file.connections)
        file.close()  # its events are the parent's
    _files.clear()


os.register_at_fork(after_in_child=_begin_anew_in_child)
