"""Changing values in the text of a configuration, and nothing else: comments, order, blanks, line ends stay.

The text is cut up as configparser reads it (Lib/configparser.py, RawConfigParser._read, with the inline comments that
supervisor allows): a value may go on in lines that are indented more, a blank before `;` or `#` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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


@dataclass(slots=True)
class _Span:
    """One [section] from its header on. `end` is behind its last value."""

    name: str
    at: int
    indent: str
    options: list[_Option]

    @property
    def end(self) -> int:
        last = self.options[-1] if self.options else None
        return self.at + 1 if last is None else (last.rest[-1] if last.rest else last.at) + 1


class ConfigurationText:
    """The text of a file, to be changed value by value."""

    def __init__(self, text: str) -> None:
        self._lines: list[str] = _LINE.findall(text)
        self._spans = _spans_of(self._lines)
        self._newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"

    @property
    def text(self) -> str:
        return "".join(self._lines)

    @property
    def has_sections(self) -> bool:
        return bool(self._spans)

    def raw(self, section: str) -> str:
        """A section as it is written, from its header to its last value."""
        return "".join("".join(self._lines[one.at : one.end]) for one in self._of(section))

    def header_line(self, section: str) -> int | None:
        """The number of the line, from 1, of a section's header."""
        return next((one.at + 1 for one in self._of(section)), None)

    def options(self, section: str) -> list[tuple[str, str, int]]:
        """Name, value (its first line) and the number of the line, from 1, of each option of a section."""
        found = []
        for span in self._of(section):
            for one in span.options:
                body = self._lines[one.at].rstrip("\r\n")
                match = _OPTION.match(body[: _comment_at(body)].strip())
                found.append((one.name, match["value"] if match is not None else "", one.at + 1))
        return found

    def set(self, section: str, values: Mapping[str, str]) -> None:
        """Give options of a section these values; those that are not there yet are added at its end."""
        for option, value in values.items():
            self._set(section, option, value)

    def add_copy(self, source: str, section: str, *, after: str, values: Mapping[str, str]) -> None:
        """A section like `source`, with these values instead, behind the section `after`."""
        lines = [line for span in self._of(source) for line in self._lines[span.at : span.end]]
        lines[-1] = self._ended(lines[-1])
        lines[0] = lines[0].replace(f"[{source}]", f"[{section}]", 1)
        copy = ConfigurationText("".join(lines))
        copy.set(section, values)
        end = self._of(after)[-1].end
        self._lines[end - 1] = self._ended(self._lines[end - 1])
        self._replace(end, end, [self._newline, *copy._lines])

    def append(self, text: str) -> None:
        """Sections at the end."""
        if self._lines:
            self._lines[-1] = self._ended(self._lines[-1])
        blank = [self._newline] if self._lines and self._lines[-1].strip() else []
        self._replace(len(self._lines), len(self._lines), [*blank, *_LINE.findall(text)])

    def remove(self, section: str) -> str:
        """Take a section out, with the blank lines before it; what was taken, without these."""
        taken = self.raw(section)
        for span in reversed(self._of(section)):
            begin = span.at
            while begin > 0 and not self._lines[begin - 1].strip():
                begin -= 1
            self._lines[begin : span.end] = []
        self._spans = _spans_of(self._lines)
        return taken

    def _set(self, section: str, option: str, value: str) -> None:
        spans = self._of(section)
        for span in reversed(spans):
            for one in reversed(span.options):
                if one.name == option:
                    self._replace_value(one, value)
                    return
        span = spans[-1]
        last = self._lines[span.options[-1].at] if span.options else ""
        sign = " = " if re.match(r"[^=:]*\s[=:]\s", last) else "="
        self._lines[span.end - 1] = self._ended(self._lines[span.end - 1])
        self._replace(span.end, span.end, [f"{span.indent}{option}{sign}{value}{self._newline}"])

    def _replace_value(self, option: _Option, value: str) -> None:
        line = self._lines[option.at]
        body = line.rstrip("\r\n")
        comment = _comment_at(body)
        match = _OPTION.match(body[:comment].strip())
        assert match is not None
        before = len(body) - len(body.lstrip()) + match.start("value")
        after = "" if comment is None else body[len(body[:comment].rstrip()) :]
        self._lines[option.at] = f"{body[:before]}{value}{after}{line[len(body) :]}"
        for number in reversed(option.rest):
            del self._lines[number]
        self._spans = _spans_of(self._lines)

    def _replace(self, begin: int, end: int, lines: list[str]) -> None:
        self._lines[begin:end] = lines
        self._spans = _spans_of(self._lines)

    def _of(self, section: str) -> list[_Span]:
        return [one for one in self._spans if one.name == section]

    def _ended(self, line: str) -> str:
        return line if line.endswith(("\r", "\n")) else line + self._newline


def _comment_at(body: str) -> int | None:
    """Where a comment begins in a line; None where there is none."""
    if body.lstrip()[:1] in ("#", ";"):
        return 0
    found = _INLINE.search(body)
    return None if found is None else found.start()


def _spans_of(lines: list[str]) -> list[_Span]:
    spans: list[_Span] = []
    option: _Option | None = None
    indent = 0
    for number, line in enumerate(lines):
        body = line.rstrip("\r\n")
        value = body[: _comment_at(body)].strip()
        if not value:
            continue
        here = len(body) - len(body.lstrip())
        if option is not None and here > indent:
            option.rest.append(number)
            continue
        indent = here
        header = _HEADER.match(value)
        if header is not None:
            spans.append(_Span(header["header"], number, body[:here], []))
            option = None
        elif spans and (match := _OPTION.match(value)) is not None:
            option = _Option(match["option"].rstrip().lower(), number, [])
            spans[-1].options.append(option)
            spans[-1].indent = body[:here]
    return spans
