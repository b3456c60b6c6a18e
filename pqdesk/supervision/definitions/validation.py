"""What cannot stand in a worker's file, told with its line before supervisord reads it.

supervisord checks values too (supervisor/options.py, datatypes.py), but at its start one wrong value keeps every worker
from running. And it obeys whatever section it finds in any file: another program that it runs, a module that it
imports, a log of its own elsewhere. A worker's file holds workers, which are listed, and shown before a first start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.quoting import check_written_name
from pqdesk.supervision.definitions.sections import Section, read_configuration
from pqdesk.worker_checks import signal_called
from pqdesk.worker_options import MOST_REPLICAS

_WHOLE = (r"\s*[+-]?\d{1,9}\s*", "a whole number of at most nine digits")
_YES_OR_NO = (r"yes|true|on|1|no|false|off|0", "true or false")
_BYTES = (r"\s*-?\d{1,15}\s*([kmg]b)?\s*", "a size such as 1MB")
# By option, what its value has to look like, and how to say so.
_CHECKS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("priority", "startsecs", "startretries", "stopwaitsecs", "numprocs_start"), _WHOLE),
    "numprocs": (_WHOLE[0], f"a whole number of at most {MOST_REPLICAS}"),
    **dict.fromkeys(("stdout_logfile_backups", "stderr_logfile_backups"), _WHOLE),
    **dict.fromkeys(("autostart", "stopasgroup", "killasgroup", "redirect_stderr"), _YES_OR_NO),
    **dict.fromkeys(("stdout_logfile_maxbytes", "stderr_logfile_maxbytes"), _BYTES),
    "autorestart": (f"{_YES_OR_NO[0]}|unexpected", "true, false or unexpected"),
    "stopsignal": (r".*", "a signal such as TERM"),
    "exitcodes": (r"\s*\d{1,3}(\s*,\s*\d{1,3})*\s*|", "numbers such as 0,2"),
}


def problem_of(section: Section, text: ConfigurationText) -> tuple[int | None, str] | None:
    """The line, and what is wrong there; None when nothing is."""
    if "command" not in section.values:
        return text.header_line(section.name), f"names no command for worker {section.program!r}"
    for option, (pattern, wanted) in _CHECKS.items():
        if option not in section.values:
            continue
        value = section.get(option)
        if not re.fullmatch(pattern, value, re.IGNORECASE) or (
            (option == "stopsignal" and signal_called(value) is None)
            or (option == "numprocs" and int(value) > MOST_REPLICAS)
        ):
            lines = [line for name, _, line in text.options(section.name) if name == option]
            return lines[-1] if lines else None, f"has {option}={section.values[option]!r}, which is not {wanted}"
    return None


def process_names_of(section: Section) -> list[str]:
    """Of the processes of a [program:…] section, in the order of their numbers."""
    first, count = section.number("numprocs_start", 0), max(1, section.number("numprocs", 1))
    return [
        section.get("process_name", section.program, process_num=number, numprocs=count)
        for number in range(first, first + count)
    ]


def check_names(names: Iterable[str], section: Section, text: ConfigurationText, file: Path) -> None:
    """Of what a file defines, the name stands in commands, and in the paths of its logs. Raises SupervisorError."""
    for name in names:
        try:
            check_written_name(name)
        except InvalidInput as exc:
            raise unusable(file, text, section, str(exc)) from exc


def check_sections(sections: Iterable[Section], text: ConfigurationText, file: Path) -> None:
    """Raises SupervisorError: a worker's file holds more than workers and groups of them."""
    for section in sections:
        if section.name.startswith("group:"):
            check_names((section.program,), section, text, file)
        elif not section.name.startswith("program:"):
            wrong = f"section {section.name!r:.80} is no worker; take it out, or write it into 'supervisord.conf'"
            raise unusable(file, text, section, wrong)


def clash_of(read: Mapping[Path, Sequence[Section]], paths: WorkspacePaths) -> tuple[Path, Section, str] | None:
    """The first file that does not go with those before it, or with all, the section, and why.

    supervisord puts all files together: of a section that is there twice it takes a value from here and one from there.
    """
    programs: dict[str, tuple[Path, Section]] = {}
    for file, section in _named("program:", read):
        first, known = programs.setdefault(section.program, (file, section))
        if known is not section:
            return file, section, f"worker {section.program!r} is defined in '{first}' already; take one of them out"
    grouped = set[str]()
    for file, group in _named("group:", read):
        for program in [one.strip() for one in group.get("programs").split(",")]:
            is_there = program in programs and programs[program][1].name == f"program:{program}"
            if file != paths.supervisor_configuration and (program in grouped or not is_there):
                why = "grouped already" if is_there else "no worker"
                return file, group, f"it names {program!r:.80}, which is {why}"
            grouped.add(program)
    return None


def _named(kind: str, read: Mapping[Path, Iterable[Section]]) -> Iterator[tuple[Path, Section]]:
    return ((file, one) for file, sections in read.items() for one in sections if one.name.startswith(kind))


def unusable(file: Path, text: ConfigurationText, section: Section, wrong: str) -> SupervisorError:
    line = text.header_line(section.name)
    return SupervisorError(f"'{file}', line {line}, cannot be used: {wrong}; nothing of the file is started")


_WHERE = re.compile(r"in section '(?P<section>[^']+)' \(file: '(?P<file>[^']+)'\)")


def located(reason: str) -> str:
    """`reason` with the number of the line, where it names a section and a file; else as it is.

    The line is that of the option whose name or value the reason tells, or else of the section's header.
    """
    where = _WHERE.search(reason)
    if where is None:
        return reason
    try:
        text = ConfigurationText(read_configuration(Path(where["file"])))
    except SupervisorError:
        return reason
    line = _line_told(text, where["section"], reason[: where.start()])
    return reason if line is None else f"{reason[: where.end() - 1]}, line {line}){reason[where.end() :]}"


def _line_told(text: ConfigurationText, section: str, told: str) -> int | None:
    options = text.options(section)
    exactly = [line for name, value, line in options if value and (f"{name}={value}" in told or f"'{value}'" in told)]
    paths = [(value.replace("%(here)s", ""), line) for _, value, line in options]
    within = [line for _, line in sorted((len(path), line) for path, line in paths if "/" in path and path in told)]
    named = [line for name, _, line in options if re.search(rf"\b{name}\b", told)]
    return next(iter((*exactly, *reversed(within), *named)), text.header_line(section))
