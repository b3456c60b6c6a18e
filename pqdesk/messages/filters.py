"""The filter grammar of the window's field and of `where=`: text to a Selection.

    state:failed,retrying queue:emails -type:"mail.send now" attempts:>2 payload.to:ada@example.com refused

A blank means and; a comma inside a term means or; a leading `-` means not; quotes hold blanks, commas and what would
be a term, and inside them a backslash takes the next quote or backslash literally. A word that is no term is looked
for in payload, type, key and error. What each term takes is in filter_values.py. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.filter_values import EXAMPLES, parse_test
from pqdesk.messages.selection import Field, Has, Is, Selection, Term, Test
from pqdesk.messages.states import State

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAME = re.compile(rf'-?(payload(?:\.(?:{_QUOTED}|[^\s:."]+))+|[a-z]+):', re.IGNORECASE | re.DOTALL)
_PART = re.compile(rf'\.({_QUOTED}|[^\s:."]+)', re.DOTALL)
_ITEM = re.compile(rf"({_QUOTED})|([^\s,]*)", re.DOTALL)
_WORD = re.compile(rf"(-?)(?:({_QUOTED})(?=\s|$)|(\S+))", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_FIELDS = {field.value: field for field in Field if field not in (Field.VALUE, Field.TEXT)}
_AS_TEXT = "put quotes around text to search for it"
# Fields of a Selection for what they hold: one value of it, or several.
_PLAIN = {Field.ID: "ids", Field.STATE: "states", Field.QUEUE: "queue", Field.TYPE: "type"}
_HAVE_RANGES = (Field.ATTEMPTS, Field.PRIORITY, Field.AGE, Field.RAN, Field.ENQUEUED, Field.FINISHED, Field.ID)
_HAVE_TEXT = (Field.ERROR, Field.PAYLOAD, Field.VALUE)
_EITHER = {Field.STATE: "state:failed,ready", Field.ID: "id:12,15"}
DEEPEST_PATH = 20


_LONGEST = 10_000  # SQLite's LIKE takes 50,000 bytes
_MOST_VALUES = 200  # a word becomes four terms or more, and SQLite's expressions are at most 1,000 deep


@dataclass(frozen=True, slots=True)
class _Token:
    """One word of a filter: as written, and if it is a term, of which field, with each of its values."""

    text: str
    is_negated: bool
    field: Field
    values: tuple[tuple[str, bool], ...]  # each with whether it was quoted
    path: tuple[str, ...] = ()


def parse_filter(text: str) -> Selection:
    """The messages that `text` describes; all of them when it is blank.

    Raises InvalidInput: the text has a term that cannot be understood; the term is named. Or it is too long.
    """
    check_length(text, "a filter")
    selection, given, count = Selection(), set[Field](), 0
    for token in _tokens(text):
        count += len(token.values) if token.field is not Field.ID else 1
        if count > _MOST_VALUES:
            raise InvalidInput(f"a filter has at most {_MOST_VALUES} words and values, besides ids; this has more")
        if token.field is Field.TEXT:
            selection = _with_word(selection, token)
            continue
        if not token.is_negated:
            _refuse_twice(token, given)
            given.add(token.field)
        selection = _with_term(selection, token)
    return selection


def check_length(text: str, what: str) -> str:
    """`text` itself. Raises InvalidInput for more than a question to SQLite can hold."""
    if len(text) > _LONGEST:
        raise InvalidInput(f"{what} has at most {_LONGEST:,} characters, got {len(text):,}")
    return text


def quote(text: str) -> str:
    """`text` as the grammar takes it literally, whatever it contains."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def has_term(text: str, name: str) -> bool:
    """Whether `text` has the term `name`, such as `state`. False for text that cannot be understood."""
    try:
        return any(one.field.value == name for one in _tokens(text))
    except InvalidInput:
        return False


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text)
    while position < end:
        if text[position].isspace():
            position += 1
            continue
        name = _NAME.match(text, position)
        field = None if name is None else _field(name[1], text[position:])
        if name is not None and field is not None:
            values, position = _values(text, name.start(), name.end())
            path = _path(name[1], text[name.start() : position]) if field is Field.VALUE else ()
            yield _Token(text[name.start() : position], name[0].startswith("-"), field, values, path)
            continue
        word = _WORD.match(text, position)
        assert word is not None  # the text at `position` is no blank
        if word[2] is None and word[3].startswith('"') and '"' not in word[3][1:]:
            raise InvalidInput(f"filter term {text[position:]!r:.80}: the quote is not closed")
        position = word.end()
        yield _Token(word[0], *_word(word))


def _word(word: re.Match[str]) -> tuple[bool, Field, tuple[tuple[str, bool], ...]]:
    is_quoted = word[2] is not None
    return bool(word[1]), Field.TEXT, ((_unquoted(word[2]) if is_quoted else word[3], is_quoted),)


def _field(name: str, rest: str) -> Field | None:
    """The field called `name`; None when it is text (`http://…`). A near miss is a mistake."""
    if name[:8].lower() == "payload.":
        return Field.VALUE
    found = _FIELDS.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), _FIELDS, n=1, cutoff=0.85)
        if near:
            word = rest.split(maxsplit=1)[0]
            raise InvalidInput(f"filter term {word!r:.80} is not known; did you mean {near[0]}:? Else {_AS_TEXT}")
    return found


def _values(text: str, start: int, position: int) -> tuple[tuple[tuple[str, bool], ...], int]:
    """The values from `position` on, and where they end."""
    found: list[tuple[str, bool]] = []
    while True:
        item = _ITEM.match(text, position)
        assert item is not None
        position = item.end()
        if item[1] is None and item[2].startswith('"'):
            _refuse_quote(text[start:])
        found.append((_unquoted(item[1]), True) if item[1] is not None else (item[2], False))
        if position < len(text) and text[position] == ",":
            position += 1
        elif position < len(text) and not text[position].isspace():
            _refuse_quote(text[start:])
        else:
            return tuple(found), position


def _refuse_quote(rest: str) -> None:
    raise InvalidInput(f"filter term {rest!r:.80}: the quote is not closed, or text follows it")


def _unquoted(quoted: str) -> str:
    return _ESCAPED.sub(r"\1", quoted[1:-1])


def _path(name: str, token: str) -> tuple[str, ...]:
    parts = tuple(_unquoted(one) if one.startswith('"') else one for one in _PART.findall(name))
    if len(parts) > DEEPEST_PATH:
        raise InvalidInput(f"filter term {token!r:.80}: a path has at most {DEEPEST_PATH} keys")
    if any("\0" in one for one in parts):
        raise InvalidInput(f"filter term {token!r:.80}: a key of the path has a null character")
    return parts


def _refuse_twice(token: _Token, given: set[Field]) -> None:
    if token.field in given and token.field not in (*_HAVE_RANGES[:-1], *_HAVE_TEXT):
        name = token.field.value
        example = _EITHER.get(token.field, f"{name}:one,other")
        raise InvalidInput(f"filter term {token.text!r:.80}: {name}: is given twice; write {example} for either")


def _with_word(selection: Selection, token: _Token) -> Selection:
    word = token.values[0][0]
    if not word:
        return selection
    if selection.search is None and not token.is_negated:
        return replace(selection, search=word)
    return replace(selection, terms=(*selection.terms, Term(Field.TEXT, (Has(word),), token.is_negated)))


def _with_term(selection: Selection, token: _Token) -> Selection:
    field = token.field
    if all(not value and not (is_quoted and field is Field.VALUE) for value, is_quoted in token.values):
        example = EXAMPLES[field]
        raise InvalidInput(f"filter term {token.text!r:.80} has no value; write it like {example}, or {_AS_TEXT}")
    try:
        each = [parse_test(field, value, is_quoted) for value, is_quoted in token.values]
    except InvalidInput as exc:
        raise InvalidInput(f"filter term {token.text!r:.80}: {exc}") from None
    tests = tuple(dict.fromkeys(each))
    if not token.is_negated:
        changes = _plain_fields(field, tests)
        if changes:
            return replace(selection, **changes)
    return replace(selection, terms=(*selection.terms, Term(field, tests, token.is_negated, token.path)))


def _plain_fields(field: Field, tests: tuple[Test, ...]) -> dict[str, Any]:
    """What of a Selection says the same; empty when only a Term can."""
    values: list[Any] = [one.value for one in tests if isinstance(one, Is)]
    if field not in _PLAIN or len(values) < len(tests):
        return {}
    if field is Field.ID:
        return {"ids": tuple(values)}
    if field is Field.STATE:
        return {"states": tuple(map(State.from_number, values))}
    return {_PLAIN[field]: values[0]} if len(values) == 1 else {}
