"""Payloads and results as people and programs write them, on a command line, in a line of a file or of output.

One rule everywhere: an object, an array or a quoted string is JSON; all else is text, as it is written. So `3.10`,
`007`, `1234e56` and `null` stay what they are, unless the form is said to be JSON.
"""

from __future__ import annotations

from typing import Any, Literal

from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import NotJson, parse_json

Form = Literal["text", "json", "bytes"]
FORMS: tuple[Form, ...] = ("text", "json", "bytes")
RULE = "else an object, an array or a quoted string is JSON, and all else text."  # for the help of each command

_BLANKS = b" \t\r\n"  # of JSON
_OPENING = (b"{", b"[", b'"')


def parse_payload(data: bytes, form: Form | None, *, what: str = "payload") -> Any:
    """The value that `data` stands for, by the rule above where `form` is None.

    Raises InvalidInput: it is not what `form` says, no UTF-8, or JSON that cannot be put.
    """
    if form == "bytes":
        return data
    if form == "text" or (form is None and not data.lstrip(_BLANKS).startswith(_OPENING)):
        return _text(data, what)
    try:
        return parse_json(data, what, is_typed=True)
    except NotJson:
        text = _text(data, what)
        if form is None:
            return text
        raise


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{what} is not UTF-8 at byte {exc.start}; use --as bytes for binary data") from None
