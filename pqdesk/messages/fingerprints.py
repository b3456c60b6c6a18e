"""Which errors are the same error: the text of one to its type, its message without what varies, and a number.

Everything here is pure and the same in every run: the numbers are stored. What counts as the same may become better
with a version; then errors of before and after it are two groups, and the older ones go in time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

try:
    from _blake2 import blake2b  # what hashlib offers, without OpenSSL, which takes 5 ms and 3 MB to load
except ImportError:
    from hashlib import blake2b

HEADLINE_CHARACTERS = 300
_READ_CHARACTERS = 2000  # of a text, from each end
_LONGEST_TYPE = 200

# A dotted name that ends in a class's: `ConnectionError`, `requests.exceptions.Timeout`. Before a text that is no
# traceback, only one that says that it is an error.
_TYPE = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Z_]\w*)(?::\s*(.*))?", re.DOTALL)
_SURE_TYPE = re.compile(r"(?:Error|Exception|Warning|Exit|Interrupt|Timeout|Refused|Failure|Fault)$")
_IN_TRACEBACK = ("Traceback (most recent call last)", '  File "')

# What varies, the longest first: what one pattern has taken, the next does not see. None of them backtracks.
_VARYING = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>]+", re.IGNORECASE), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"[\w.+-]{1,100}@[\w-]{1,100}(?:\.[\w-]{1,100})+"), "<address>"),
    (re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»"), "<text>"),
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


def headline(head: str, tail: str) -> str:
    """The line of an error that says why: of a traceback the last one that starts a line, else the first.

    `head` and `tail` are its beginning and its end; they may overlap.
    """
    lines = [line for line in head.splitlines() if line.strip()] or [""]
    if _is_traceback(lines):
        lines = [line for line in reversed(tail.splitlines()) if line.strip() and not line[0].isspace()] or lines
    return lines[0].strip()[:HEADLINE_CHARACTERS]


def fingerprint(text: str, otherwise: str = "") -> Fingerprint:
    """The fingerprint of the error `text`. `otherwise`: the type of a text that names none, such as "died"."""
    head, tail = text[:_READ_CHARACTERS], text[-_READ_CHARACTERS:]
    return _of_line(headline(head, tail), _is_traceback(head.splitlines()), otherwise)


@lru_cache(maxsize=1024)
def _of_line(line: str, is_traceback: bool, otherwise: str) -> Fingerprint:
    match = _TYPE.fullmatch(line)
    name, message = otherwise, line
    if match is not None and len(match[1]) <= _LONGEST_TYPE and (is_traceback or _SURE_TYPE.search(match[1])):
        name, message = match[1], match[2] or ""
    for pattern, word in _VARYING:
        message = pattern.sub(word, message)
    message = message.strip()
    digest = blake2b(f"{name}\0{message}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Fingerprint(name, message, int.from_bytes(digest, "big") >> 1)


def _is_traceback(lines: list[str]) -> bool:
    return any(line.startswith(_IN_TRACEBACK) for line in lines)
