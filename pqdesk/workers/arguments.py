"""What of a message goes into a command's arguments, and its payload as a file. No shell is involved.

`{payload}` is the payload as text, `{payload.to.name}` a value in it (a position in an array is a number), `{path}` is
`{payload.path}`, as messages of watched folders have it. Each stays within its argument, whatever is in it. The program
itself is never taken from a message. All other braces are left alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.queues.message import Message

_FIELD = re.compile(r"\{(path|payload(?:\.[^{}.\s]+)*)\}")


def has_fields(command: Sequence[str]) -> bool:
    """Whether anything of a message belongs into its arguments."""
    return any(_FIELD.search(word) for word in command[1:])


def filled_command(command: Sequence[str], payload: Any) -> list[str]:
    """The command for a message. Raises InvalidInput when its payload has no such value."""
    return [command[0], *(_FIELD.sub(lambda match: _text(match[1], payload), word) for word in command[1:])]


def _text(name: str, payload: Any) -> str:
    value = payload
    for key in ["path"] if name == "path" else name.split(".")[1:]:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key[:10]) < len(value):
            value = value[int(key)]
        else:
            raise InvalidInput(f"the payload has no {key!r:.80}, which {{{name:.80}}} in the command asks for")
    if value is None or isinstance(value, bytes):
        kind = "null" if value is None else "bytes"
        raise InvalidInput(f"{{{name:.80}}} in the command is {kind} in this payload, which no argument can be")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\0" in text:
        raise InvalidInput(f"{{{name:.80}}} has a NUL character in this payload, which no argument can have")
    return text


def message_environment(message: Message) -> dict[str, str]:
    """The variables that tell of a message."""
    environment = {
        "PQDESK_ID": str(message.id),
        "PQDESK_QUEUE": message.queue,
        "PQDESK_TYPE": message.type or "",
        "PQDESK_ATTEMPT": str(message.attempt),
        "PQDESK_RECEIPT": message.receipt,
    }
    for name, value in message.headers.items():
        environment["PQDESK_HEADER_" + name.upper().replace("-", "_")] = value
    return environment


@contextmanager
def payload_file(data: bytes) -> Iterator[int]:
    """The descriptor of a file without a name that holds `data`, for a program that wants to read a file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pqdesk-payload")
        try:
            _write_all(descriptor, data)
            yield descriptor
        finally:
            os.close(descriptor)
        return
    import tempfile  # takes its time to be imported

    with tempfile.TemporaryFile() as file:
        _write_all(file.fileno(), data)
        yield file.fileno()


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
