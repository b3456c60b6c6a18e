"""Payloads and results as people and programs write them, on a command line, in a line of a file or of output.

One rule everywhere: an object, an array or a quoted string is JSON; all else is text, as it is written. So `3.10`,
`007`, `1234e56` and `null` stay what they are, unless the form is said to be JSON.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any, Literal, NoReturn

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import quoted

Form = Literal["text", "json", "bytes"]
FORMS: tuple[Form, ...] = ("text", "json", "bytes")
RULE = "else an object, an array or a quoted string is JSON, and all else text."  # for the help of each command

_LONG_DIGITS = 4000  # below sys.get_int_max_str_digits()
_BLANKS = " \t\r\n"  # of JSON
_OPENING = ("{", "[", '"')


def parse_payload(data: bytes, form: Form | None, *, what: str = "payload") -> Any:
    """The value that `data` stands for, by the rule above where `form` is None.

    Raises:
        InvalidInput: It is not what `form` says, or no UTF-8.
    """
    if form == "bytes":
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{what} is not UTF-8 at byte {exc.start}; use --as bytes for binary data") from None
    if form == "text" or (form is None and not text.lstrip(_BLANKS).startswith(_OPENING)):
        return text
    try:
        return _parse_json(text)
    except (ValueError, RecursionError) as exc:
        if form is None:
            return text
        reason = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        raise InvalidInput(f"{what} is not JSON: {reason}") from None


def _parse_json(text: str) -> Any:
    if len(text) < _LONG_DIGITS:  # no integer in it can be too long, so that none is a call of ours
        try:
            value, end = _SHORT.scan_once(text, 0)
        except StopIteration:
            pass
        else:
            if end == len(text):
                return value
    return _LONG.decode(text)  # white space around it, too; or it says what is wrong


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits:.40} is too large")
    return number


def _integer(digits: str) -> int:
    return int(digits) if len(digits) < _LONG_DIGITS else int(Decimal(digits))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # of two values one would be lost
        names = [name for name, _ in pairs]
        raise ValueError(f"it has the key {quoted(next(name for name in names if names.count(name) > 1))} twice")
    return found


# Made once: json.loads would make a decoder for each line of a file.
_SHORT: Any = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_object)
_LONG = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer, object_pairs_hook=_object
)
