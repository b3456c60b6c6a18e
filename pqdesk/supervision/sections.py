"""Sections of supervisor configuration, read as supervisord reads them, hand-written ones too.

Its own parser is not used: importing it takes longer than opening the window.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from pqdesk.errors import SupervisorError


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name and its values as written."""

    name: str
    values: Mapping[str, str]
    folder: Path

    def get(self, option: str, default: str = "", **more: object) -> str:
        """The value with %(here)s, %(program_name)s, %(ENV_X)s and `more` filled in.

        One that supervisord could not expand comes back as written.
        """
        written = self.values.get(option, default)
        if "%" not in written:
            return written
        program = self.name.partition(":")[2]
        known = {
            "here": str(self.folder),
            "program_name": program,
            "group_name": program,
            "process_num": 0,
            "numprocs": 1,
        }
        environment = {f"ENV_{name}": value for name, value in os.environ.items()}
        try:
            return written.replace("%(here)s", str(self.folder).replace("%", "%%")) % {**environment, **known, **more}
        except (KeyError, ValueError, TypeError):
            return written

    def number(self, option: str, default: int) -> int:
        try:
            return int(self.get(option, str(default)))
        except ValueError:
            return default  # supervisord refuses the file and says why

    def is_on(self, option: str, *, default: bool) -> bool:
        return self.get(option, str(default)).lower() in ("yes", "true", "on", "1")


def read_sections(file: Path) -> tuple[Section, ...]:
    """The sections of `file`.

    Raises:
        SupervisorError: It cannot be read, or is not configuration. One line, with the file's name.
    """
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        with open(file, encoding="utf-8") as lines:
            parser.read_file(lines)
    except OSError as exc:
        raise SupervisorError(f"cannot read '{file}': {exc.strerror}; see to its permissions") from exc
    except (Error, UnicodeDecodeError) as exc:
        reason = " ".join(str(exc).split())
        raise SupervisorError(f"'{file}' is not supervisor configuration: {reason}; correct or remove it") from exc
    return tuple(_sections(parser, file))


def _sections(parser: RawConfigParser, file: Path) -> Iterator[Section]:
    for name in parser.sections():
        yield Section(name, dict(parser.items(name)), file.parent)
