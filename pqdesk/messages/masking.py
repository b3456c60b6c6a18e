"""Hiding the values of fields that are named like secrets, where people look and in files that leave the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

MASK = "••••"
_NAME_END = 100

# A part of the name says it; `max_tokens`, `keyboard` and `monkey` say nothing.
_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|token(?!s\b|iz)|api[_\-]?key|authorization|cookie|credential"
    r"|(?:^|[_.\- ])key$|(?-i:[a-z0-9]Key)$",
    re.IGNORECASE,
)
# Bounded, and told secret from other in Python: a regular expression that does both takes a square of the time.
_JSON_NAME = re.compile(r'"((?:[^"\\]|\\.){1,100})"\s{0,20}:\s{0,20}')
_JSON_VALUE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{].*|(?!null|true|false|"")[^\s,}\]]+', re.DOTALL)
_LONGEST_NAME = 150  # with what stands between it and its value
_GAP = re.compile(r"[\s&;]")
_FORM = re.compile(r"(?<![^\s&;?])([\w.\-]{1,100})=([^\s&;]+)")


def is_secret_name(name: str) -> bool:
    """Whether a field of this name may hold what not everybody shall see. Of a huge one both ends are looked at."""
    return _is_secret(name if len(name) <= 2 * _NAME_END else name[:_NAME_END] + name[-_NAME_END:])


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def masked(value: Any) -> Any:
    """`value` with what is secret by its name hidden; what is null, empty, true or false tells nothing and stays."""
    if isinstance(value, Mapping):
        return {name: masked(masked_item(name, one)) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_item(name: str, value: Any) -> Any:
    """What stands under this name, hidden where the name says so; what it holds is as it was."""
    tells_nothing = value is None or value == "" or isinstance(value, bool)
    return value if tells_nothing or not is_secret_name(name) else MASK


def masked_text(text: str) -> str:
    """The same of a text that may hold JSON or NAME=VALUE, whole or cut off."""
    if '"' in text:
        text = _without_json(text)
    return _without_form(text) if "=" in text else text


def masked_pieces(text: str, size: int) -> Iterator[str]:
    """The same in pieces, each worked out from little more than `size` characters, so that none takes long.

    No cut falls into what is hidden as one: NAME=VALUE goes to the next blank, a JSON value to its end.
    """
    at = 0
    while at < len(text):
        end = _end_of_secrets(text, at, min(at + size, len(text)))
        yield masked_text(text[at:end])
        at = end


def _end_of_secrets(text: str, at: int, end: int) -> int:
    """The first place from `end` on that is in no secret of those that begin from `at` on."""
    while True:
        gap = _GAP.search(text, end)
        after = len(text) if gap is None else gap.start()
        for found in _JSON_NAME.finditer(text, at, after + _LONGEST_NAME):
            if found.start() >= after:
                break
            if is_secret_name(found[1]) and (value := _JSON_VALUE.match(text, found.end())) is not None:
                after = max(after, value.end())
                at = value.end()
        if after == end or after >= len(text):
            return after
        end = after


def _without_json(text: str) -> str:
    parts, at = [], 0
    for found in _JSON_NAME.finditer(text):
        if found.start() < at or not is_secret_name(found[1]):
            continue
        value = _JSON_VALUE.match(text, found.end())
        if value is not None and value[0] != '""':
            parts += [text[at : found.end()], f'"{MASK}"']
            at = value.end()  # that of an object or a list is the text's, which may be cut off within
    return "".join((*parts, text[at:]))


def _without_form(text: str) -> str:
    return _FORM.sub(lambda found: f"{found[1]}={MASK}" if is_secret_name(found[1]) else found[0], text)


def has_mask(value: Any) -> bool:
    """Whether a value is one that was hidden: it is not what there was."""
    if isinstance(value, Mapping):
        return any((one == MASK and is_secret_name(name)) or has_mask(one) for name, one in value.items())
    if isinstance(value, list | tuple):
        return any(map(has_mask, value))
    return isinstance(value, str) and MASK in value
