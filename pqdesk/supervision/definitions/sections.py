"""Sections of supervisor configuration, read as supervisord reads them, hand-written ones too.

Its own parser is not used: importing it takes longer than opening the window.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from configparser import Error, MissingSectionHeaderError, ParsingError, RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from pqdesk.errors import SupervisorError
from pqdesk.opening import UnfitFile, read_plain
from pqdesk.supervision.definitions.quoting import split_environment

_LARGEST_BYTES = 1024 * 1024
_LARGEST_NUMBER = 10**9  # no clock and no loop takes more


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name and its values as written."""

    name: str
    values: Mapping[str, str]
    folder: Path

    @property
    def program(self) -> str:
        """NAME of [program:NAME], which is supervisord's group."""
        return self.name.partition(":")[2].strip()

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
        environment: dict[str, str] = {}
        if "%(ENV_" in written:
            own = {} if option == "environment" else self.environment()
            environment = {f"ENV_{name}": value for name, value in {**os.environ, **own}.items()}
        try:
            return written.replace("%(here)s", str(self.folder).replace("%", "%%")) % {**environment, **known, **more}
        except (KeyError, ValueError, TypeError):
            return written

    def environment(self) -> dict[str, str]:
        """The variables that it sets; none where supervisord could not read them."""
        try:
            return split_environment(self.get("environment"))
        except ValueError:
            return {}

    def number(self, option: str, default: int) -> int:
        try:
            written = int(self.get(option, str(default)))
        except ValueError:
            return default  # supervisord refuses the file and says why
        return max(-_LARGEST_NUMBER, min(written, _LARGEST_NUMBER))

    def is_on(self, option: str, *, default: bool) -> bool:
        return self.get(option, str(default)).lower() in ("yes", "true", "on", "1")


def read_sections(file: Path) -> tuple[Section, ...]:
    """The sections of `file`.

    Raises:
        SupervisorError: It cannot be read, or is not configuration. One line, with the file's name and the line's.
    """
    return parse_sections(read_configuration(file), file)


def read_configuration(file: Path) -> str:
    """The text of `file`, its line ends as they are.

    Raises SupervisorError: it cannot be read, or is not UTF-8. One line, with the file's name.
    """
    try:
        data = read_plain(file, _LARGEST_BYTES, may_be_link=True)  # people keep it elsewhere on purpose
    except UnfitFile as exc:
        raise SupervisorError(f"cannot read '{file}': {exc.strerror}; nothing was changed; mend or remove it") from exc
    except OSError as exc:
        raise SupervisorError(f"cannot read '{file}': {exc.strerror}; see to its permissions") from exc
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise SupervisorError(_not_configuration(file, line, "it is not UTF-8")) from exc


def parse_sections(text: str, file: Path) -> tuple[Section, ...]:
    """The sections in `text`, which is what `file` holds, or shall hold. Raises SupervisorError.

    The last may be DEFAULT, whose values supervisord takes for every section of every file.
    """
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except MissingSectionHeaderError as exc:
        reason = f"{exc.line.strip()!r} stands before any [section]"
        raise SupervisorError(_not_configuration(file, exc.lineno, reason)) from exc
    except ParsingError as exc:
        line, written = exc.errors[0]
        raise SupervisorError(_not_configuration(file, line, f"{written} is no KEY=VALUE")) from exc
    except Error as exc:
        raise SupervisorError(_not_configuration(file, None, " ".join(str(exc).split()))) from exc
    names = [*parser.sections(), *([parser.default_section] if parser.defaults() else [])]
    return tuple(Section(name, dict(parser.items(name)), file.parent) for name in names)


def _not_configuration(file: Path, line: int | None, reason: str) -> str:
    where = f"'{file}'" if line is None else f"'{file}', line {line},"
    return f"{where} is not supervisor configuration: {reason}; correct or remove it"
