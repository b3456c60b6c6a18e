"""Attending to a running program: feeding it and handing on what it prints, so that it never blocks on a full pipe.

That ends with the program, not with its pipes: something started in the background may hold those for ever.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO

_CHUNK_BYTES = 64 * 1024
_LOOK_S = 0.05  # where the system has no descriptor that tells of an exit
_LEFT_IN_PIPE_BYTES = 1024 * 1024  # the largest pipe: what can be left of a program that has ended


def attend(
    has_ended: Callable[[], bool],
    takers: Mapping[IO[bytes], Callable[[bytes], None]],
    look: Callable[[], float | None],
    *,
    exit_descriptor: int | None = None,
    stdin: IO[bytes] | None = None,
    data: bytes = b"",
    wakeup: int | None = None,
) -> None:
    """Return when the program has ended.

    Args:
        takers: For each pipe of its output, what is called with each piece of it.
        look: Called before each wait; says how long that may last, in seconds.
        exit_descriptor: Readable when it has ended.
        stdin, data: A pipe, and what it is to be fed.
        wakeup: Readable when `look` is to be called.
    """
    with selectors.DefaultSelector() as selector:
        for pipe, take in takers.items():
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, partial(_read, selector, pipe, take))
        if stdin is not None:
            os.set_blocking(stdin.fileno(), False)
            selector.register(stdin, selectors.EVENT_WRITE, _Feed(selector, stdin, data).send)
        for descriptor in (exit_descriptor, wakeup):
            if descriptor is not None:
                selector.register(descriptor, selectors.EVENT_READ, has_ended)
        while not has_ended():
            wait_s = look()
            if exit_descriptor is None:
                wait_s = _LOOK_S if wait_s is None else min(wait_s, _LOOK_S)
            for key, _ in selector.select(wait_s):
                key.data()
        for pipe, take in takers.items():
            left = _LEFT_IN_PIPE_BYTES
            while left > 0 and (count := _read(selector, pipe, take)):
                left -= count


def _read(selector: selectors.BaseSelector, pipe: IO[bytes], take: Callable[[bytes], None]) -> int:
    """Take what is there; how much that was. At the end the pipe is let go."""
    if pipe.closed:
        return 0
    chunk = pipe.read(_CHUNK_BYTES)  # None: nothing there, and the pipe still open
    if chunk:
        take(chunk)
    elif chunk == b"":
        selector.unregister(pipe)
        pipe.close()
    return len(chunk or b"")


class _Feed:
    def __init__(self, selector: selectors.BaseSelector, stdin: IO[bytes], data: bytes) -> None:
        self._selector, self._stdin, self._unsent = selector, stdin, memoryview(data)

    def send(self) -> None:
        try:
            if self._unsent:  # None: the pipe is full
                self._unsent = self._unsent[self._stdin.write(self._unsent[:_CHUNK_BYTES]) or 0 :]
        except BrokenPipeError:  # a program need not read its input
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._selector.unregister(self._stdin)
            self._stdin.close()
