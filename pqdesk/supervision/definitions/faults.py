"""supervisord's words about its configuration, with the line that they are about."""

from __future__ import annotations

import re
from pathlib import Path

from pqdesk.errors import SupervisorError
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.sections import read_configuration

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
