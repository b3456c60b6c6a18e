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
    value: str  # its first line
    at: int
    rest: list[int]  # the lines on which the value goes on


class _Span:
    """One [section]: its lines from the header to the next header; the numbers of lines count from its own header."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self.read(lines)

    @property
    def end(self) -> int:
        """Behind its last value; what follows are comments and blank lines."""
        if not self.options:
            return 1
        last = self.options[-1]
        return (last.rest[-1] if last.rest else last.at) + 1

    def read(self, lines: list[str]) -> None:
        """Have these lines, the first of which is the header."""
        self.lines = lines[:1]
        self.options: list[_Option] = []
        self.indent = _indent_of(lines[0])
        self._level = len(self.indent)
        for line in lines[1:]:
            self.add(line)

    def add(self, line: str) -> None:
        value, number = _value_of(line), len(self.lines)
        self.lines.append(line)
        if not value:
            return
        if self.is_more(line):
            self.options[-1].rest.append(number)
            return
        indent = _indent_of(line)
        self._level = len(indent)
        match = _OPTION.match(value)
        if match is not None:
            self.options.append(_Option(match["option"].rstrip().lower(), match["value"], number, []))
            self.indent = indent

    def is_more(self, line: str) -> bool:
        """Whether the value of the last option goes on in a line, if anything is in it."""
        return bool(self.options) and len(_indent_of(line)) > self._level

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
        spans = [(begin, span) for begin, span in self._numbered() if span.name == section]
        return [(one.name, one.value, begin + one.at) for begin, span in spans for one in span.options]

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
        span.read(span.lines)

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
    span.read(span.lines)


def _cut(lines: list[str]) -> tuple[list[str], list[_Span]]:
    """What stands before the first section, and the sections."""
    head: list[str] = []
    spans: list[_Span] = []
    for line in lines:
        header = None if spans and spans[-1].is_more(line) else _HEADER.match(_value_of(line))
        if header is not None:
            spans.append(_Span(header["header"], [line]))
        elif spans:
            spans[-1].add(line)
        else:
            head.append(line)
    return head, spans


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
