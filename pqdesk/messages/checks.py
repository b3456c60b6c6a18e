"""Arguments checked before anything happens; each refusal names the thing, what is wrong and what is allowed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.json_text import TooDeep, load_json
from pqdesk.messages.states import State

_SHOWN_CHARACTERS = 80
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
HEADERS_LIMIT = 64
_HEADER_VALUE_LIMIT_BYTES = 4096
_NAME_LIMIT = 255
MARK_LIMIT = 16_384  # of put_once: room for a path with every byte percent-encoded
PRIORITY_LIMIT = 2**31
ATTEMPTS_LIMIT = 2**31 - 1
LARGEST_ID = 2**63 - 1  # of SQLite


def check_id(value: object, name: str = "id") -> int:
    """`value` as the id of something. Raises InvalidInput, naming the argument."""
    return check_int(value, name, least=0, most=LARGEST_ID)


def check_name(value: object, what: str, *, most: int = _NAME_LIMIT) -> str:
    """A queue, type, key or group: 1–255 characters, no control characters or lone surrogates."""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be str, got {type(value).__name__}")
    if not 1 <= len(value) <= most:
        raise InvalidInput(f"{what} must have 1 to {most} characters, got {len(value)}")
    if not value.isprintable():  # isprintable also refuses some blanks, which are fine
        for character in value:
            if unicodedata.category(character) in ("Cc", "Cs"):
                raise InvalidInput(f"{what} {quoted(value)} has the character {character!r}, which a name cannot have")
    return value


def quoted(value: object) -> str:
    """`value` as an error shows it: one line of at most 80 characters, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an integer of more digits than repr() writes, or somebody's broken __repr__
        text = f"{type(value).__name__} that cannot be shown"
    return " ".join(text.split())[:_SHOWN_CHARACTERS]


def check_optional_name(value: object, what: str) -> str | None:
    return None if value is None else check_name(value, what)


def check_int(value: object, what: str, *, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"{what} must be int, got {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidInput(f"{what} must be between {least:,} and {most:,}, got {quoted(value)}")
    return value


def encode_headers(headers: object) -> str | None:
    """The headers as JSON text, None when there are none. Raises InvalidInput."""
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        raise InvalidInput(f"headers must be a mapping of str to str, got {type(headers).__name__}")
    if len(headers) > HEADERS_LIMIT:
        raise InvalidInput(f"a message has at most {HEADERS_LIMIT} headers, got {len(headers)}")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidInput(f"header name {quoted(name)} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > _HEADER_VALUE_LIMIT_BYTES:
            raise InvalidInput(f"header {name} must be str of at most {_HEADER_VALUE_LIMIT_BYTES} bytes")
        if any(unicodedata.category(character) == "Cs" or character == "\0" for character in value):
            raise InvalidInput(f"header {name} has a character that text cannot have")
    return json.dumps(dict(headers), ensure_ascii=False) if headers else None


def decode_headers(text: str | None) -> dict[str, str]:
    """What `encode_headers` was given. Raises ValueError for a text that it does not make."""
    if text is None:
        return {}
    try:
        headers: dict[str, str] = load_json(text)
        if isinstance(headers, dict) and all(
            _HEADER_NAME.fullmatch(name) and isinstance(value, str) and "\0" not in value
            for name, value in headers.items()
        ):
            return headers
    except (TypeError, TooDeep):
        pass
    raise ValueError("no JSON object of texts")


def check_states(state: Any) -> tuple[State, ...]:
    """The states named by a word, a State or an iterable of them; empty for None. Raises InvalidInput."""
    if state is None:
        return ()
    each = [state] if isinstance(state, str | State) else state
    if not isinstance(each, Iterable):
        raise InvalidInput(f"state must be a word like 'failed', got {type(state).__name__}")
    return tuple(dict.fromkeys(check_state(one) for one in each))


def check_state(one: object) -> State:
    """The state that a word or a State names. Raises InvalidInput."""
    if isinstance(one, State):
        return one
    try:
        return State.from_word(one if isinstance(one, str) else "")
    except KeyError:
        words = ", ".join(state.word for state in State)
        raise InvalidInput(f"there is no state {quoted(one)}; the states are {words}") from None
