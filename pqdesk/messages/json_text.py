"""JSON texts read, however deep a stranger has nested them.

Python's scanner calls itself for each level until the recursion limit stops it. A garbage collection that comes just
below the limit has no room left to call what weakrefs ask for, before Python 3.12 at some 1,000 levels: a forgotten
queue would keep its file open for ever. So a text is measured before it is read.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

DEEPEST = 200  # levels of lists and objects: a payload must be readable from inside a handler's own stack
_DEEPEST_READ = 2 * DEEPEST  # a payload may stand inside other JSON, as in what `get` and `export` write
_REDUCED = 8  # levels that are taken away all at once, which is all that most texts have

_AS_LISTS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(one for one in range(256) if one not in b'[]{}"')
_STEPS = {ord("["): 1, ord("]"): -1}


class TooDeep(ValueError):
    """A JSON text has more levels than anything that is read here."""

    def __init__(self) -> None:
        super().__init__(f"JSON nested more than {_DEEPEST_READ} levels deep")


def load_json(text: str | bytes) -> Any:
    """The value in a text that no person typed; json.loads for a bounded depth.

    Raises ValueError: it is no JSON, or no UTF-8, or TooDeep.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    check_nesting(text.encode("utf-8", "surrogatepass"))
    try:
        return json.loads(text)  # noqa: TID251
    except RecursionError:  # the caller is near the limit already
        raise TooDeep from None


def check_nesting(data: bytes) -> None:
    """Raise TooDeep for such a JSON text, which is in UTF-8."""
    if len(data) <= _DEEPEST_READ or data.count(b"[") + data.count(b"{") <= _DEEPEST_READ:
        return
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")  # what is left of quotes begins or ends a text
    brackets = data.translate(_AS_LISTS, _OTHERS).replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])  # without those inside of texts
    for _ in range(_REDUCED):
        brackets = brackets.replace(b"[]", b"")
    if any(map((_DEEPEST_READ - _REDUCED).__lt__, accumulate(map(_STEPS.__getitem__, brackets)))):
        raise TooDeep
