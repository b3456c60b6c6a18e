"""Payloads and results to and from bytes: JSON values, text and bytes come back exactly as given.

Tuples come back as lists, bytearray and memoryview as bytes. JSON is RFC 8259: keys are str, no NaN, no
infinity; integers may have any size. No pickle, ever: a payload is data from strangers.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn

from pqdesk.errors import InvalidInput
from pqdesk.later import Later
from pqdesk.messages.checks import quoted
from pqdesk.messages.json_text import DEEPEST, TooDeep, check_nesting

if TYPE_CHECKING:
    import decimal
else:
    decimal = Later("decimal")

PAYLOAD_LIMIT_BYTES = 16 * 1024 * 1024
RESULT_LIMIT_BYTES = 1024 * 1024
ERROR_LIMIT_BYTES = 64 * 1024
CUT_MARK = "[… cut …]"  # a line in place of what was left out of a text
MOST_DIGITS = 10_000  # of an integer: reading and writing one takes time with the square of its digits
_TOO_DEEP = f"nested more than {DEEPEST} levels deep, or contains itself"
_TOO_LONG = f"an integer of more than {MOST_DIGITS:,} digits, which is the limit; put it as text"
_LONG_BITS = 2000  # integers above are written without str(), which refuses 4,300 digits
_SHORT_DIGITS = 4000  # and so no text of fewer characters has one
_MOST_BITS = (10**MOST_DIGITS).bit_length()


class PayloadKind(IntEnum):
    """How stored bytes are to be read; the numbers are stored."""

    JSON = 0
    TEXT = 1
    BYTES = 2


# An enum member costs more at each use.
_JSON, _TEXT, _BYTES = int(PayloadKind.JSON), int(PayloadKind.TEXT), int(PayloadKind.BYTES)
# For crc32(data, KEYLESS[kind]): the checksum of a message without a key, where a call more would be felt.
KEYLESS = tuple(zlib.crc32(f"{int(kind)}::".encode()) for kind in PayloadKind)


def encode_payload(value: Any, *, what: str = "payload", limit_bytes: int = PAYLOAD_LIMIT_BYTES) -> tuple[int, bytes]:
    """The PayloadKind of `value` and its bytes.

    Raises InvalidInput: no JSON value, str or bytes; NaN or infinite; too deep; more than `limit_bytes`.
    """
    if type(value) is dict or type(value) is list:  # most payloads: asked first
        kind, data = _JSON, _json_bytes(value, what)
    elif isinstance(value, str):
        kind, data = _TEXT, _utf8(value, what)
    elif isinstance(value, bytes | bytearray | memoryview):
        kind, data = _BYTES, bytes(value)
    else:
        kind, data = _JSON, _json_bytes(value, what)
    if len(data) > limit_bytes:
        raise InvalidInput(
            f"{what} has {len(data):,} bytes, the limit is {limit_bytes:,}; put a path or an address instead"
        )
    return kind, data


def decode_payload(kind: int, data: bytes) -> Any:
    """The value that `encode_payload` was given.

    An integer of more digits than may be put, in a file of before, is text here. Raises ValueError and TypeError for
    what was never made by it.
    """
    if kind == _JSON:
        check_nesting(data)
    try:
        return decode_whole(kind, data)
    except RecursionError:  # the caller is near the limit already
        raise TooDeep from None


def decode_whole(kind: int, data: bytes) -> Any:
    """The same for bytes whose checksum is right: they are what `encode_payload` made, so not nested too deeply."""
    if kind == _BYTES:
        return data
    text = data.decode("utf-8")
    if kind == _TEXT:
        return text
    if kind != _JSON:
        raise ValueError(f"there is no kind {kind} of payload")
    try:
        value, end = _scan_json(text, 0)  # json.loads without its search for white space, which ours has not
        return value if end == len(text) else json.loads(text)  # noqa: TID251
    except StopIteration:
        return json.loads(text)  # noqa: TID251 - says what is wrong
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than sys.get_int_max_str_digits()
        read = json.JSONDecoder(parse_int=lambda digits: digits if _digits(digits) > MOST_DIGITS else _long(digits))
        return read.decode(text)


class NotJson(InvalidInput):
    """It is something else, a text perhaps."""


def parse_json(data: bytes, what: str, *, is_typed: bool = False) -> Any:
    """The JSON value that somebody wrote, as RFC 8259 has it, for every door but the library's.

    Args:
        is_typed: By a person, for whom a key that is there twice is a slip.

    Raises:
        NotJson: It is no JSON.
        InvalidInput: It is, and cannot be put: nested too deeply, or a number too long.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NotJson(f"{what} is not UTF-8 at byte {exc.start}") from None
    typed, long = _typed_json if is_typed else _json
    try:
        check_nesting(data)
        if len(text) < _SHORT_DIGITS:
            try:
                value, end = _short_json.scan_once(text, 0)
                if is_typed and text.count(":") != (len(value) if type(value) is dict else 0):
                    value, end = typed.scan_once(text, 0)  # else no key can be there twice: each has a colon
                if end == len(text):
                    return value
            except StopIteration:
                pass
        return long.decode(text)  # white space around it, too; or it says what is wrong
    except (TooDeep, RecursionError):
        raise InvalidInput(f"{what} is {_TOO_DEEP}") from None
    except _Contains as exc:
        if exc.is_json:
            raise InvalidInput(f"{what} contains {exc}") from None
        raise NotJson(f"{what} contains {exc}: {what} is not JSON") from None
    except ValueError as exc:
        raise NotJson(f"{what} is not JSON: {exc}") from None


def checksum(kind: int, key: str | None, data: bytes) -> int:
    """CRC-32 over what must not change between put and delivery."""
    head = KEYLESS[kind] if key is None else zlib.crc32(f"{kind}:{key}:".encode())
    return zlib.crc32(data, head)


def cut_text(text: str, limit_bytes: int = ERROR_LIMIT_BYTES) -> str:
    """`text` with at most `limit_bytes` of UTF-8: its beginning and its end, of which one says what happened."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode("utf-8")
    mark = f"\n{CUT_MARK}\n"
    kept_bytes = limit_bytes - len(mark.encode())
    head, tail = data[: kept_bytes // 2], data[len(data) - (kept_bytes - kept_bytes // 2) :]
    return head.decode("utf-8", "ignore") + mark + tail.decode("utf-8", "ignore")


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{what} has a lone surrogate at character {exc.start}; it is not valid text") from exc


def _make_json_encoder() -> Callable[[Any, int], Iterable[str]]:
    """json.dumps without its making an encoder for each call, which takes longer than a small payload; in pieces."""
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without the accelerator
        return lambda value, _indent: plain.iterencode(value)
    return make(  # type: ignore[no-any-return]
        None, plain.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
    )


_encode_json = _make_json_encoder()
_scan_json: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class _Contains(ValueError):
    """A number that cannot be put. `is_json`: which JSON could hold."""

    def __init__(self, text: str, *, is_json: bool = False) -> None:
        super().__init__(text)
        self.is_json = is_json


def _refuse_constant(word: str) -> NoReturn:
    raise _Contains(f"{word.lower()}, which is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Contains(f"the number {digits:.40}, which is too large")
    return number


def _integer(digits: str) -> int:
    if len(digits) < _SHORT_DIGITS:
        return int(digits)
    if _digits(digits) > MOST_DIGITS:
        raise _Contains(_TOO_LONG, is_json=True)
    return _long(digits)


def _digits(number: str) -> int:
    return len(number) - number.startswith("-")


def _long(digits: str) -> int:
    return int(decimal.Decimal(digits))  # int() refuses so many


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # of two values one would be lost
        names = [name for name, _ in pairs]
        raise ValueError(f"it has the key {quoted(next(name for name in names if names.count(name) > 1))} twice")
    return found


def _decoders(**options: Any) -> tuple[Any, Any]:
    """For short texts, in which no integer is too long, and for long ones. json.loads would make one for each text."""
    options |= {"parse_constant": _refuse_constant, "parse_float": _finite}
    return json.JSONDecoder(**options), json.JSONDecoder(parse_int=_integer, **options)


_json, _typed_json = _decoders(), _decoders(object_pairs_hook=_once_each)
_short_json = _json[0]


def _json_bytes(value: Any, what: str) -> bytes:
    text = json_of_any_size(value) if _check_json(value, what, 0) else "".join(_encode_json(value, 0))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _utf8(text, what)  # says what is wrong


def _check_json(value: Any, what: str, depth: int) -> bool:
    """Raise InvalidInput for what JSON cannot hold; tell whether an integer is too long for str().

    Every put comes through here, most often with a dict of strings and numbers: hence the order of the questions.
    """
    kind, members = type(value), value
    if kind is dict or isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvalidInput(f"{what} has the key {quoted(key)}; JSON keys must be str")
        members = value.values()
    elif kind is not list and not isinstance(value, list | tuple):
        return _check_single(value, what)
    if depth >= DEEPEST:
        raise InvalidInput(f"{what} is {_TOO_DEEP}")
    has_huge = False
    for one in members:  # each one is checked, so no any()
        kind = type(one)
        if kind is str or one is None:
            continue
        if kind is int:
            if one.bit_length() > _LONG_BITS:
                has_huge = _is_huge(one, what)
        else:
            has_huge |= _check_json(one, what, depth + 1)
    return has_huge


def _check_single(value: Any, what: str) -> bool:
    if value is None or isinstance(value, str):
        return False
    if isinstance(value, int):
        return _is_huge(value, what)
    if not isinstance(value, float):
        raise InvalidInput(f"{what} contains a {type(value).__name__}; JSON values, str and bytes can be put")
    if not math.isfinite(value):
        raise InvalidInput(f"{what} contains {value}, which JSON cannot hold")
    return False


def _is_huge(number: int, what: str) -> bool:
    """Whether it is too long for str(). Raises InvalidInput when it is too long at all."""
    bits = number.bit_length()
    if bits >= _MOST_BITS and (bits > _MOST_BITS or abs(number) >= 10**MOST_DIGITS):
        raise InvalidInput(f"{what} contains {_TOO_LONG}")
    return bits > _LONG_BITS


def json_of_any_size(value: Any) -> str:
    """JSON where integers may be longer than int.__str__ allows (4,300 digits, CVE-2020-10735)."""
    if isinstance(value, bool) or not isinstance(value, int | dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        digits = decimal.Context(prec=value.bit_length() // 3 + 2)
        return format(digits.create_decimal(value), "f")
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}:{json_of_any_size(one)}" for key, one in value.items())
        return "{" + ",".join(pairs) + "}"
    return "[" + ",".join(json_of_any_size(one) for one in value) + "]"
