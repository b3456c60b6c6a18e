"""Text from strangers, made safe and readable: payloads, errors and names may hold anything.

Control characters, bidirectional overrides and characters of no width would imitate other names or hide text, so
they are shown as symbols (`␊`) or escapes (`\\u202E`). Very long lines freeze Qt's text layout (1 MB in
one line took 29.6 s), so they are wrapped by hand. Nothing here needs Qt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Context
from html import escape
from itertools import chain
from typing import Any

from pqdesk.messages.masking import masked_item, masked_pieces, masked_text

LONGEST_LINE = 4096
_LONGEST_TOOLTIP = 2000
_LONGEST_ENTRY = 80
_NO_MARKUP = str.maketrans("<>&", "‹›＆")

# C0, DEL, C1, soft hyphen, zero width, bidi marks, line and paragraph separators, surrogates, BOM, interlinear, tags
_HIDDEN = (
    "\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f"
)
_IN_LINE = re.compile(f"[\x00-\x1f{_HIDDEN}]")
_IN_TEXT = re.compile(f"[\x00-\x08\x0b-\x1f{_HIDDEN}]")  # a tab and a new line stay


def visible_line(text: str) -> str:
    """`text` as one line in which every character can be seen; a new line is `␊`."""
    return _IN_LINE.sub(_symbol, text) if not text.isascii() or not text.isprintable() else text


def visible_text(text: str) -> str:
    """The same for text of several lines: its line ends and tabs stay, `\\r\\n` is one line end."""
    if text.isascii() and text.isprintable():
        return text
    return _IN_TEXT.sub(_symbol, text.replace("\r\n", "\n"))


def wrap_chunks(chunks: Iterable[str], limit: int = LONGEST_LINE) -> Iterator[str]:
    """The same text with lines longer than `limit` characters cut into several."""
    column = 0
    for chunk in chunks:
        pieces = []
        for at, line in enumerate(chunk.split("\n")):
            if at:
                pieces.append("\n")
                column = 0
            while column + len(line) > limit:
                pieces += [line[: limit - column], "\n"]
                line = line[limit - column :]
                column = 0
            pieces.append(line)
            column += len(line)
        yield "".join(pieces)


def shorten_middle(text: str, limit: int) -> str:
    """At most `limit` characters, the middle left out: both ends of an id or a path tell it apart."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


# --- where Qt or the desktop decides by itself what a text is: each of those texts goes through one of these


def as_tooltip(text: str) -> str:
    """`text` for setToolTip and ToolTipRole, which take what has a tag in it for rich text, and open its images."""
    shown = escape(shorten_middle(visible_text(text), _LONGEST_TOOLTIP))
    return f"<qt>{shown.replace(chr(10), '<br>')}</qt>" if text else ""


def as_entry(text: str) -> str:
    """A name as the text of a menu entry, tab or button, where `&` underlines the next letter and a tab is a column."""
    return shorten_middle(visible_line(text), _LONGEST_ENTRY).replace("&", "&&")


def as_notice(text: str) -> str:
    """`text` for the tray's tooltip and notifications, which some desktops read as markup and others do not.

    Escaped, it would be wrong on the others: what could begin a tag or an entity is replaced by what looks like it.
    """
    return shorten_middle(visible_text(text), _LONGEST_TOOLTIP).translate(_NO_MARKUP)


def payload_chunks(value: Any, *, is_masked: bool = False) -> Iterator[str]:
    """A payload or result as readable text, piece by piece, so that a huge one can be shown bit by bit.

    JSON is indented, each number as it is (integers never through a float); text stays as it is; bytes are
    a hex dump, 16 a line. All of it is visible_text. `is_masked`: what is secret by its name is hidden.
    """
    if isinstance(value, bytes):
        return hex_chunks(value)
    if isinstance(value, str):
        return _text_chunks(value, is_masked=is_masked)
    return (visible_json(piece) for piece in json_chunks(value, is_masked=is_masked))


def visible_json(text: str) -> str:
    """JSON text whose strings are visible and still mean the same: `\\u202e` instead of the character."""
    if text.isascii() and "\x7f" not in text:  # JSON itself escapes the other control characters
        return text
    return _IN_TEXT.sub(_json_escape, text)


def json_chunks(value: Any, *, indent: int = 2, level: int = 0, is_masked: bool = False) -> Iterator[str]:
    """Indented JSON in pieces. Like json.dumps, but lazy, and for integers of any size."""
    if not isinstance(value, dict | list | tuple) or not value:
        yield _json_scalar(masked_text(value) if is_masked and isinstance(value, str) else value)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    pad = "\n" + " " * (indent * (level + 1))
    before = opening + pad
    for item in value.items() if isinstance(value, dict) else value:
        if isinstance(value, dict):
            key, item = item
            if is_masked:
                item = masked_item(key, item)
            before += json.dumps(key, ensure_ascii=False) + ": "
        yield before
        yield from json_chunks(item, indent=indent, level=level + 1, is_masked=is_masked)
        before = "," + pad
    yield "\n" + " " * (indent * level) + closing


def hex_chunks(data: bytes, lines_at_once: int = 256) -> Iterator[str]:
    """Offset, 16 bytes in hex, and what of them is ASCII, one line each."""
    step = 16 * lines_at_once
    for at in range(0, len(data), step):
        yield "".join(_hex_line(data, offset) for offset in range(at, min(at + step, len(data)), 16))


def cut_chunks(chunks: Iterable[str], size: int = 64 * 1024) -> Iterator[str]:
    """The same text in pieces of at most `size` characters."""
    for chunk in chunks:
        for at in range(0, len(chunk), size):
            yield chunk[at : at + size]


def take(chunks: Iterator[str], limit: int) -> tuple[str, Iterator[str] | None]:
    """The first chunks, until there are `limit` characters, and the others; None when there are none."""
    taken: list[str] = []
    size = 0
    for chunk in chunks:
        if size >= limit:
            return "".join(taken), chain((chunk,), chunks)
        taken.append(chunk)
        size += len(chunk)
    return "".join(taken), None


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else json.dumps(match[0])[1:-1]


def _json_scalar(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 2000:  # more digits than int.__str__ allows (CVE-2020-10735)
        return format(Context(prec=value.bit_length() // 3 + 2).create_decimal(value), "f")
    return json.dumps(value, ensure_ascii=False)


def _text_chunks(text: str, size: int = 64 * 1024, *, is_masked: bool = False) -> Iterator[str]:
    normal = text.replace("\r\n", "\n")  # before cutting: a cut may fall between the two
    if is_masked:
        return map(visible_text, masked_pieces(normal, size))
    return (visible_text(normal[at : at + size]) for at in range(0, len(normal), size))


def _hex_line(data: bytes, offset: int) -> str:
    row = data[offset : offset + 16]
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row)
    return f"{offset:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {text}\n"
