"""Text for a terminal: the result on stdout, remarks and errors on stderr, and nothing in it that does harm.

Nothing of it can move the cursor, hide or turn round: escaped are Unicode's control and format characters (ESC, CR, the
C1 set; bidi overrides, zero-width), line and paragraph separators and lone surrogates. Needs no extra.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_LONGEST, _END = 2000, 500


def say(text: str) -> None:
    """A line for people on stdout."""
    print(visible(text))


@contextmanager
def result_of(done: str) -> Iterator[None]:
    """Print in here what came of something that is `done`: where that cannot be written, the error says so."""
    try:
        yield
        sys.stdout.flush()
    except OSError as exc:
        exc.add_note(done)
        raise


def remark(text: str) -> None:
    """A line beside the result, on stderr, so that the result stays clean for a pipe."""
    print(visible(text), file=sys.stderr)


def say_error(text: str) -> None:
    """One line on stderr, in the form of every error of every command; of a very long one both ends."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _END]} … {text[-_END:]}"
    line = f"pqdesk: error: {visible(text)}"
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # stderr is closed or full: the exit code has to say it all
        pass


# The categories Cc, Cf, Cs, Zl and Zp of Unicode 16, without \n and \t; a test compares it with Python's own tables.
# Written out, because asking for the category of each character of 16 MiB takes seconds.
_CLASS = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """`text` in one line, with `\\n`, `\\x1b`, `\\u202e` for what would not show or do harm."""
    return text if text.isprintable() else _unsafe("\\n\\t").sub(_escaped, text)


def visible_lines(text: str) -> str:
    """`text` with its line breaks and tabs kept, and all else as `visible` has it."""
    return text if text.isprintable() else _unsafe("").sub(_escaped, text.replace("\r\n", "\n"))


def visible_log_line(line: str) -> str:
    """A line of a worker's log: its colours are dropped, since escaped they would hide the words."""
    return visible_lines(_COLOURS.sub("", line))


def visible_json(document: str) -> str:
    """A JSON document with the same characters as JSON escapes; between its tokens there are none but line breaks."""
    return document if document.isprintable() else _unsafe("").sub(_json_escaped, document)


@cache
def _unsafe(further: str) -> re.Pattern[str]:
    """Compiled when the first text is not plainly printable: that takes longer than most commands print."""
    return re.compile(f"[{_CLASS}{further}]")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return _SHORT.get(match[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
