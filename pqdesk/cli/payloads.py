"""Payloads and results as they are written on a command line, in a file or on standard input."""

from __future__ import annotations

import json
import math
import os
import sys
from decimal import Decimal
from typing import Any, Literal, NoReturn

from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES

Form = Literal["text", "json", "bytes"]
FORMS: tuple[Form, ...] = ("text", "json", "bytes")

_LONG_DIGITS = 4000  # below sys.get_int_max_str_digits()


def parse_payload(data: bytes, form: Form | None, *, what: str = "payload") -> Any:
    """The value that `data` stands for; without a form JSON if it parses, else text.

    Raises:
        InvalidInput: It is not what `form` says, or no UTF-8.
    """
    if form == "bytes":
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{what} is not UTF-8 at byte {exc.start}; use --as bytes for binary data") from None
    if form == "text":
        return text
    try:
        return _parse_json(text)
    except (ValueError, RecursionError) as exc:
        if form is None:
            return text
        reason = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        raise InvalidInput(f"{what} is not JSON: {reason}") from None


def argument_bytes(argument: str) -> bytes:
    """The bytes that were typed: the shell may hand over what is no UTF-8."""
    return os.fsencode(argument)


def read_standard_input(what: str, *, limit_bytes: int = PAYLOAD_LIMIT_BYTES) -> bytes:
    """All of standard input. Raises InvalidInput when it is endless, before it fills the memory."""
    if sys.stdin is None:
        raise InvalidInput(f"standard input is closed, so there is no {what}")
    data = sys.stdin.buffer.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InvalidInput(
            f"{what} on standard input has more than {limit_bytes:,} bytes; put a path or an address instead"
        )
    return data


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


# Made once: json.loads would make a decoder for each line of a file.
_SHORT: Any = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_LONG = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)
