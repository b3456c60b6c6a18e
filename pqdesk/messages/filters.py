"""The filter grammar of the window's field and of `where=`: text to a Selection.

    state:failed,retrying queue:emails type:"mail.send now" id:12,15 connection refused

A blank means and; a comma inside `state:` and `id:` means or; quotes hold blanks and what would be a term.
Words that are no term are one piece of text, searched for in payload, type and error. A backslash
inside quotes takes the next quote or backslash literally. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import check_name
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_TERM = re.compile(rf"(-?)([A-Za-z][A-Za-z_.]*):(?:{_QUOTED}(?=\s|$)|(\S*))", re.DOTALL)
_TEXT = re.compile(rf"(?:{_QUOTED}(?=\s|$)|(\S+))", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
# Terms that the grammar will have: refused by name rather than searched for as text, which would find nothing.
_LATER = ("worker", "error", "attempts", "priority", "group", "key", "age", "ran", "enqueued", "finished", "payload")
_LARGEST_ID = 2**63 - 1


def parse_filter(text: str) -> Selection:
    """The messages that `text` describes; all of them when it is blank.

    Raises:
        InvalidInput: The text has a term that cannot be understood; the term is named.
    """
    selection, words = Selection(), []
    for token, name, value, is_quoted in _tokens(text):
        if name is None:
            words.append(value)
        else:
            selection = _with_term(selection, token, name, value, is_quoted)
    search = " ".join(words)
    return replace(selection, search=search) if search else selection


def quote(text: str) -> str:
    """`text` as the grammar takes it literally, whatever it contains."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def has_term(text: str, name: str) -> bool:
    """Whether `text` has the term `name`, such as `state`. False for text that cannot be understood."""
    try:
        return any(one == name for _token, one, _value, _is_quoted in _tokens(text))
    except InvalidInput:
        return False


def _tokens(text: str) -> Iterator[tuple[str, str | None, str, bool]]:
    """Each word of `text`: as written, the term's name if it is one, its value, whether that was quoted."""
    position, end = 0, len(text)
    while position < end:
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        if match is not None and _is_term(match[0], match[2].lower()):
            if match[1]:
                raise InvalidInput(f"filter term {match[0]!r:.80}: leaving out with '-' is not possible yet")
            is_quoted = match[3] is not None
            yield match[0], match[2].lower(), _unescaped(match[3]) if is_quoted else match[4], is_quoted
        else:
            match = _TEXT.match(text, position)
            assert match is not None  # the text at `position` is no blank
            _refuse_open_quote(match[0], text, position)
            yield match[0], None, match[2] if match[1] is None else _unescaped(match[1]), match[1] is not None
        position = match.end()


def _is_term(token: str, name: str) -> bool:
    """Whether `name:` is one of ours; a near miss is a mistake, anything else is text (`http://…`)."""
    if name in _TERMS:
        return True
    if name.split(".")[0] in _LATER and not token.endswith(":"):
        raise InvalidInput(f"filter term {token!r:.80} is not known; use {_TERM_LIST}, or {_AS_TEXT}")
    near = get_close_matches(name, _TERMS, n=1, cutoff=0.85)
    if near:
        raise InvalidInput(f"filter term {token!r:.80} is not known; did you mean {near[0]}:? Else {_AS_TEXT}")
    return False


def _refuse_open_quote(token: str, text: str, position: int) -> None:
    if token.startswith('"') and '"' not in text[position + 1 :]:
        raise InvalidInput(f"filter term {text[position:]!r:.80}: the quote is not closed")


def _unescaped(quoted: str) -> str:
    return _ESCAPED.sub(r"\1", quoted)


def _with_term(selection: Selection, token: str, name: str, value: str, is_quoted: bool) -> Selection:
    if not value:
        raise InvalidInput(f"filter term {token!r} has no value; write it like {_EXAMPLES[name]}")
    if not is_quoted and value.startswith('"'):
        raise InvalidInput(f"filter term {token!r:.80}: the quote is not closed, or text follows it")
    field, parse = _TERMS[name]
    if getattr(selection, field):
        raise InvalidInput(f"filter term {token!r:.80}: {name}: is given twice{_HOW_TO_OR.get(name, '')}")
    try:
        changes: dict[str, Any] = {field: parse(value, is_quoted)}
    except InvalidInput as exc:
        raise InvalidInput(f"filter term {token!r:.80}: {exc}") from None
    return replace(selection, **changes)


def _states(value: str, _is_quoted: bool) -> tuple[State, ...]:
    found: dict[State, None] = {}  # keeps the order, drops repeats
    for word in value.split(","):
        try:
            found[State.from_word(word.strip())] = None
        except KeyError:
            raise InvalidInput(
                f"there is no state {word!r:.80}; the states are {', '.join(one.word for one in State)}"
            ) from None
    return tuple(found)


def _ids(value: str, _is_quoted: bool) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for word in value.split(","):
        digits = word.strip()
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or not 1 <= int(digits) <= _LARGEST_ID:
            raise InvalidInput(f"{word!r:.80} is no id; ids are whole numbers from 1 on")
        found[int(digits)] = None
    return tuple(found)


def _name(what: str) -> Callable[[str, bool], str]:
    def parse(value: str, is_quoted: bool) -> str:
        if "," in value and not is_quoted:
            raise InvalidInput(f"one {what} at a time; quote a name that has a comma")
        return check_name(value, what)

    return parse


_TERMS: dict[str, tuple[str, Callable[[str, bool], object]]] = {
    "state": ("states", _states),
    "queue": ("queue", _name("queue")),
    "type": ("type", _name("type")),
    "id": ("ids", _ids),
}
_TERM_LIST = "state:, queue:, type: or id:"
_EXAMPLES = {"state": "state:failed", "queue": "queue:emails", "type": "type:mail.send", "id": "id:12,15"}
_AS_TEXT = "put quotes around text to search for it"
_HOW_TO_OR = {"state": "; write state:failed,ready for either", "id": "; write id:12,15 for several"}
