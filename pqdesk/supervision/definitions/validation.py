"""What supervisord would refuse in a [program:…] section, told with its line before it is asked.

supervisord checks the same (supervisor/options.py, datatypes.py), but only when it reads the file, and at its start one
wrong value keeps every worker from running.
"""

from __future__ import annotations

import re
from pathlib import Path

from pqdesk.errors import SupervisorError
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.sections import Section, read_configuration
from pqdesk.worker_checks import signal_called

_WHOLE = (r"\s*[+-]?\d{1,9}\s*", "a whole number of at most nine digits")
_YES_OR_NO = (r"yes|true|on|1|no|false|off|0", "true or false")
_BYTES = (r"\s*-?\d{1,15}\s*([kmg]b)?\s*", "a size such as 1MB")
# By option, what its value has to look like, and how to say so.
_CHECKS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("priority", "startsecs", "startretries", "stopwaitsecs", "numprocs", "numprocs_start"), _WHOLE),
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
        if not re.fullmatch(pattern, value, re.IGNORECASE) or (option == "stopsignal" and signal_called(value) is None):
            lines = [line for name, _, line in text.options(section.name) if name == option]
            return lines[-1] if lines else None, f"has {option}={section.values[option]!r}, which is not {wanted}"
    return None


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
