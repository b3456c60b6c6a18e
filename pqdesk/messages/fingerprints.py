"""Which errors are the same error: the text of one to its type, its message without what varies, and a number.

Everything here is pure and the same in every run: the numbers are stored. What counts as the same may become better
with a version; then errors of before and after it are two groups, and the older ones go in time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pqdesk.messages.payloads import CUT_MARK

try:
    from _blake2 import blake2b  # what hashlib offers, without OpenSSL, which takes 5 ms and 3 MB to load
except ImportError:
    from hashlib import blake2b

HEADLINE_CHARACTERS = 300
_READ_CHARACTERS = 4000  # of a text, from each end
_LONGEST_TYPE, _LONGEST_MESSAGE = 200, 1000
_MOST_DETAILS, _MOST_LINES = 12, 60

# A dotted name that ends in a class's: `ConnectionError`, `requests.exceptions.Timeout`. Before a text that is no
# traceback, only one that says that it is an error.
_TYPE = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Z_]\w*)(?::\s*(.*))?", re.DOTALL)
_SURE_TYPE = re.compile(r"(?:Error|Exception|Warning|Exit|Interrupt|Timeout|Refused|Failure|Fault)$")
_TYPE_IN_TRACEBACK = re.compile(r"((?:[\w<>]+\.)*[A-Za-z_]\w*)(?::\s*(.*))?", re.DOTALL)
_HEADER = re.compile(r"(?:\s*[|+] )*(?:(Exception Group) )?Traceback \(most recent call last\):$")
_FRAME = re.compile(r'\s*File "([^"]*)", line \d+(?:, in (.*))?$')
_CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
_GROUP_EDGE = re.compile(r"^\s*[|+] ?")
_NEXT_OF_GROUP = re.compile(r"\s*\+(?:\+|-)[-+]* (?:\d+|\.\.\.) -+$")
_TYPE_ALONE = re.compile(r"[\w.<>]+:")
_PYDANTIC = re.compile(r"\d+ validation errors? for ")
_PYDANTIC_REASON = re.compile(r".*\[type=([\w.]+), .*")
_SAYS_WHERE = ("Failed validating ",)  # of jsonschema: the place in the schema is no value that varies

# What varies, the longest first: what one pattern has taken, the next does not see. None of them backtracks.
_VARYING = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>]+", re.IGNORECASE), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"[\w.+-]{1,100}@[\w-]{1,100}(?:\.[\w-]{1,100})+"), "<address>"),
    (re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»"), "<text>"),  # not: can't
    (re.compile(r"(?<![\w<])(?:[A-Za-z]:)?(?:[/\\][\w.@%+~-]+){2,}[/\\]?|(?<![\w<])[~.]{1,2}/[\w./@%+~-]+"), "<path>"),
    (re.compile(r"(?<![\w<])/[\w.@%+~-]+"), "<path>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


class Fingerprint(NamedTuple):
    """What errors of one kind have in common. `number` is below 2⁶³."""

    type: str
    message: str
    number: int


def headline(head: str, tail: str = "") -> str:
    """The line of an error that says what happened: of a traceback the exception's type and first line, else the first.

    `head` and `tail` are its beginning and its end; they may overlap.
    """
    text = head if not tail or head.endswith(tail) else f"{head}\n{CUT_MARK}\n{tail}"
    return _told(text).line[:HEADLINE_CHARACTERS]


def fingerprint(text: str, otherwise: str = "") -> Fingerprint:
    """The fingerprint of the error `text`. `otherwise`: the type of a text that names none, such as "died"."""
    if len(text) > 2 * _READ_CHARACTERS:
        text = f"{text[:_READ_CHARACTERS]}\n{CUT_MARK}\n{text[-_READ_CHARACTERS:]}"
    return _of_error(_told(text), otherwise)


class _Told(NamedTuple):
    """What an error tells: the line that says what happened, and what tells it from others with the same line.

    `details`: what the lines after it add; of a group, its exceptions. `places`: where it was raised.
    """

    line: str
    is_traceback: bool = False
    details: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def _told(text: str) -> _Told:
    """Follows how Python writes a traceback (traceback.TracebackException.format), also one that is cut.

    Its message may have any number of lines, and notes come after it; so the line is the first one after the frames,
    and not the last of all. Of exceptions in a chain the last one was raised.
    """
    lines = text.splitlines()
    reader = _Reader(is_whole=bool(lines) and _HEADER.match(lines[0]) is not None)
    for line in lines:
        reader.take(line)
    if reader.raised:
        first, *others = reader.raised
        details = (*first.details(), *(detail for one in others for detail in (_varied(one.line), *one.details())))
        return _Told(first.line, True, tuple(dict.fromkeys(details))[:_MOST_DETAILS], reader.places())
    written = [line.strip() for line in lines if line.strip()] or [""]
    if reader.is_traceback:  # its frames end in what was cut
        written = [line.strip() for line in reversed(lines) if line.strip() and not line[0].isspace()] or written
    return _Told(written[0], reader.is_traceback)


class _Raised:
    """One exception: its first line, and the lines after it."""

    def __init__(self, line: str) -> None:
        self.line, self.rest = line.strip(), list[str]()

    def add(self, line: str) -> None:
        if len(self.rest) < _MOST_LINES:
            self.rest.append(line)
        if line.strip() and _TYPE_ALONE.fullmatch(self.line):  # a message that begins with an empty line
            self.line = f"{self.line} {line.strip()}"

    def details(self) -> tuple[str, ...]:
        """What the lines after the first add to tell it from others: the fields of pydantic, the schema's place."""
        if _PYDANTIC.search(self.line):
            return tuple(_PYDANTIC_REASON.sub(r"\1", line).strip() for line in self.rest if _is_of_pydantic(line))
        return tuple(line for line in self.rest if line.startswith(_SAYS_WHERE))


class _Reader:
    """Takes the lines of an error one after the other."""

    def __init__(self, *, is_whole: bool) -> None:
        self.raised: list[_Raised] = []
        self.is_traceback = False
        self._is_whole = is_whole  # nothing but a traceback: another one inside is part of a message
        self._is_group = self._is_due = self._is_blind = self._is_chained = False
        self._places: list[str] = []

    def take(self, line: str) -> None:
        if line == CUT_MARK:
            self._is_blind = True
            return
        header = _HEADER.match(line)
        if header is not None and (not self.raised or self._is_chained or not self._is_whole or self._is_group):
            self._begin(is_group=self._is_group or bool(header[1]), is_inner=self._is_group and not self._is_chained)
            return
        plain = _GROUP_EDGE.sub("", line) if self._is_group else line
        if self._is_group and _NEXT_OF_GROUP.match(line):
            self._is_due, self._is_blind = True, False
        elif line in _CHAINED:
            self._is_chained = True
        elif plain in _CHAINED and self.raised:  # inside a group: the one before it was not raised in the end
            self.raised.pop()
        elif (frame := _FRAME.match(plain)) is not None and (self._is_due or self._is_blind or not self.raised):
            self.is_traceback = self._is_due = True
            self._is_blind = False
            self._places.append(f"{frame[1].rpartition('/')[2]}:{frame[2] or ''}")
        elif self._is_due and not self._is_blind and plain and not plain[0].isspace():
            self.raised.append(_Raised(plain))
            self._is_due = False
        elif self.raised and not self._is_due and not self._is_blind and not self._is_chained:
            self.raised[-1].add(plain)

    def places(self) -> tuple[str, ...]:
        """Where it was entered and where it was raised: what lies between may be any way there."""
        return (self._places[0], self._places[-1]) if self._places else ()

    def _begin(self, *, is_group: bool, is_inner: bool) -> None:
        self.is_traceback = self._is_due = True
        self._is_blind = False
        if is_inner:  # of an exception in the group
            return
        self._is_group = is_group
        if self._is_chained or not self._is_group:
            self.raised.clear()
            self._places.clear()
        self._is_chained = False


def _is_of_pydantic(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("For further information visit ")


@lru_cache(maxsize=1024)
def _of_error(told: _Told, otherwise: str) -> Fingerprint:
    pattern = _TYPE_IN_TRACEBACK if told.is_traceback else _TYPE
    match = pattern.fullmatch(told.line)
    name, message = otherwise, told.line
    if match is not None and len(match[1]) <= _LONGEST_TYPE and (told.is_traceback or _SURE_TYPE.search(match[1])):
        name, message = match[1], match[2] or ""
    message = _varied(message)
    if told.details:
        message = f"{message} ({'; '.join(told.details)})"[:_LONGEST_MESSAGE]
    parts = (name, message, *told.places)
    digest = blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Fingerprint(name, message, int.from_bytes(digest, "big") >> 1)


def _varied(message: str) -> str:
    """Without what varies."""
    for pattern, word in _VARYING:
        message = pattern.sub(word, message)
    return message.strip()
