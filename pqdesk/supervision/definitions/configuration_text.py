"""Changing values in the text of a configuration, and nothing else: comments, order, blanks, line ends stay.

The text is cut up as configparser reads it (Lib/configparser.py, RawConfigParser._read, with the inline comments that
supervisor allows): a value may go on in lines that are indented more, a blank before `;` or `#` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HEADER = re.compile(r"\[(?P<header>.+)\]")
_OPTION = re.compile(r"(?P<option>.*?)\s*(?:[=:])\s*(?P<value>.*)$")
_INLINE = re.compile(r"(?:(?<=\s)|^)[;#]")


@dataclass(slots=True)
class _Option:
    name: str
    at: int
    rest: list[int]  # the lines on which the value goes on


class _Span:
    """One [section]: its lines from the header to the next header; the numbers of lines count from its own header."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self.lines = lines
        self.options: list[_Option] = []
        self.indent = ""
        self.read()

    @property
    def end(self) -> int:
        """Behind its last value; what follows are comments and blank lines."""
        if not self.options:
            return 1
        last = self.options[-1]
        return (last.rest[-1] if last.rest else last.at) + 1

    def read(self) -> None:
        """Find its options, after its lines have changed."""
        self.options, self.indent = [], _indent_of(self.lines[0])
        indent = len(self.indent)
        for number, line in enumerate(self.lines[1:], 1):
            value = _value_of(line)
            if not value:
                continue
            here = _indent_of(line)
            if self.options and len(here) > indent:
                self.options[-1].rest.append(number)
                continue
            indent = len(here)
            match = _OPTION.match(value)
            if match is not None:
                self.options.append(_Option(match["option"].rstrip().lower(), number, []))
                self.indent = here

    def find(self, option: str) -> _Option | None:
        return next((one for one in reversed(self.options) if one.name == option), None)


class ConfigurationText:
    """The text of a file, to be changed value by value."""

    def __init__(self, text: str) -> None:
        self._head, self._spans = _cut(_LINE.findall(text))
        self._newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"

    @property
    def text(self) -> str:
        return "".join((*self._head, *(line for span in self._spans for line in span.lines)))

    @property
    def has_sections(self) -> bool:
        return bool(self._spans)

    def raw(self, section: str) -> str:
        """A section as it is written, from its header to its last value."""
        return "".join(line for span in self._of(section) for line in span.lines[: span.end])

    def header_line(self, section: str) -> int | None:
        """The number of the line, from 1, of a section's header."""
        return next((begin for begin, span in self._numbered() if span.name == section), None)

    def options(self, section: str) -> list[tuple[str, str, int]]:
        """Name, value (its first line) and the number of the line, from 1, of each option of a section."""
        found = []
        for begin, span in self._numbered():
            for one in span.options if span.name == section else ():
                match = _OPTION.match(_value_of(span.lines[one.at]))
                found.append((one.name, match["value"] if match is not None else "", begin + one.at))
        return found

    def set(self, section: str, values: Mapping[str, str]) -> None:
        """Give options of a section these values; those that are not there yet are added at its end."""
        spans = self._of(section)
        for option, value in values.items():
            for span in reversed(spans):
                found = span.find(option)
                if found is not None:
                    _replace_value(span, found, value)
                    break
            else:
                self._append_option(spans[-1], option, value)

    def add_copy(self, source: str, section: str, *, after: str, values: Mapping[str, str]) -> None:
        """A section like `source`, with these values instead, behind the section `after`."""
        lines = [line for span in self._of(source) for line in span.lines[: span.end]]
        lines[-1] = self._ended(lines[-1])
        copy = _Span(section, [lines[0].replace(f"[{source}]", f"[{section}]", 1), *lines[1:]])
        before = self._of(after)[-1]
        tail = before.lines[before.end :]
        before.lines[before.end - 1 :] = [self._ended(before.lines[before.end - 1]), self._newline]
        self._spans.insert(self._spans.index(before) + 1, copy)
        self.set(section, values)
        copy.lines += tail

    def append(self, text: str) -> None:
        """Sections at the end."""
        lines = self._spans[-1].lines if self._spans else self._head
        if lines:
            lines[-1] = self._ended(lines[-1])
            if lines[-1].strip():
                lines.append(self._newline)
        head, spans = _cut(_LINE.findall(text))
        lines += head
        self._spans += spans

    def remove(self, section: str) -> str:
        """Take a section out, with the blank lines before it; what was taken, without these."""
        taken = self.raw(section)
        for span in self._of(section):
            at = self._spans.index(span)
            before = self._spans[at - 1].lines if at else self._head
            while before and not before[-1].strip():
                del before[-1]
            before += span.lines[span.end :]
            del self._spans[at]
        return taken

    def _append_option(self, span: _Span, option: str, value: str) -> None:
        last = span.lines[span.options[-1].at] if span.options else ""
        sign = " = " if re.match(r"[^=:]*\s[=:]\s", last) else "="
        span.lines[span.end - 1] = self._ended(span.lines[span.end - 1])
        span.lines.insert(span.end, f"{span.indent}{option}{sign}{value}{self._newline}")
        span.read()

    def _numbered(self) -> Iterator[tuple[int, _Span]]:
        begin = len(self._head) + 1
        for span in self._spans:
            yield begin, span
            begin += len(span.lines)

    def _of(self, section: str) -> list[_Span]:
        return [one for one in self._spans if one.name == section]

    def _ended(self, line: str) -> str:
        return line if line.endswith(("\r", "\n")) else line + self._newline


def _replace_value(span: _Span, option: _Option, value: str) -> None:
    line = span.lines[option.at]
    body = line.rstrip("\r\n")
    comment = _comment_at(body)
    match = _OPTION.match(body[:comment].strip())
    assert match is not None
    before = len(body) - len(body.lstrip()) + match.start("value")
    after = "" if comment is None else body[len(body[:comment].rstrip()) :]
    span.lines[option.at] = f"{body[:before]}{value}{after}{line[len(body) :]}"
    for number in reversed(option.rest):
        del span.lines[number]
    if option.rest:
        span.read()


def _cut(lines: list[str]) -> tuple[list[str], list[_Span]]:
    """What stands before the first section, and the sections."""
    head: list[str] = []
    found: list[tuple[str, list[str]]] = []
    indent, has_option = 0, False
    for line in lines:
        value = _value_of(line)
        here = len(_indent_of(line))
        header = _HEADER.match(value) if value and not (has_option and here > indent) else None
        if header is not None:
            found.append((header["header"], [line]))
            indent, has_option = here, False
            continue
        if value and not (has_option and here > indent):
            indent, has_option = here, bool(found) and _OPTION.match(value) is not None
        (found[-1][1] if found else head).append(line)
    return head, [_Span(name, own) for name, own in found]


def _value_of(line: str) -> str:
    """A line without its comment and the blanks around."""
    body = line.rstrip("\r\n")
    return body[: _comment_at(body)].strip()


def _indent_of(line: str) -> str:
    body = line.rstrip("\r\n")
    return body[: len(body) - len(body.lstrip())]


def _comment_at(body: str) -> int | None:
    """Where a comment begins in a line; None where there is none."""
    if body.lstrip()[:1] in ("#", ";"):
        return 0
    found = _INLINE.search(body)
    return None if found is None else found.start()
