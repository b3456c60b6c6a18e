"""What supervisord would refuse in a [program:…] section, told with its line before it is asked.

supervisord checks the same (supervisor/options.py, datatypes.py), but only when it reads the file, and at its start one
wrong value keeps every worker from running.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.sections import Section

_BOOLEANS = ("yes", "true", "on", "1", "no", "false", "off", "0")
_SIZE = re.compile(r"-?\d{1,15}\s*([kmg]b)?", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[+-]?\d{1,9}\s*")
_CODES = re.compile(r"\s*\d{1,3}(\s*,\s*\d{1,3})*\s*|")


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


def _is_boolean(value: str) -> bool:
    return value.lower() in _BOOLEANS


def _is_size(value: str) -> bool:
    return _SIZE.fullmatch(value.strip()) is not None


def _is_restart(value: str) -> bool:
    return _is_boolean(value) or value.lower() == "unexpected"


def _is_signal(value: str) -> bool:
    if _is_number(value):
        return int(value) in {int(one) for one in signal.Signals}
    name = value.strip().upper()
    return (name if name.startswith("SIG") else f"SIG{name}") in signal.Signals.__members__


def _are_codes(value: str) -> bool:
    return _CODES.fullmatch(value) is not None


_Check = tuple[Callable[[str], bool], str]
_WHOLE: _Check = (_is_number, "a whole number of at most nine digits")
_YES_OR_NO: _Check = (_is_boolean, "true or false")
_BYTES: _Check = (_is_size, "a size such as 1MB")
_CHECKS: dict[str, _Check] = {
    **dict.fromkeys(("priority", "startsecs", "startretries", "stopwaitsecs", "numprocs", "numprocs_start"), _WHOLE),
    **dict.fromkeys(("stdout_logfile_backups", "stderr_logfile_backups"), _WHOLE),
    **dict.fromkeys(("autostart", "stopasgroup", "killasgroup", "redirect_stderr"), _YES_OR_NO),
    **dict.fromkeys(("stdout_logfile_maxbytes", "stderr_logfile_maxbytes"), _BYTES),
    "autorestart": (_is_restart, "true, false or unexpected"),
    "stopsignal": (_is_signal, "a signal such as TERM"),
    "exitcodes": (_are_codes, "numbers such as 0,2"),
}


def problem_of(section: Section, text: ConfigurationText) -> tuple[int | None, str] | None:
    """The line, and what is wrong there; None when nothing is."""
    if "command" not in section.values:
        program = section.name.partition(":")[2].strip()
        return text.header_line(section.name), f"names no command for worker {program!r}"
    for option, (is_good, wanted) in _CHECKS.items():
        if option in section.values and not is_good(section.get(option)):
            lines = [line for name, _, line in text.options(section.name) if name == option]
            return lines[-1] if lines else None, f"has {option}={section.values[option]!r}, which is not {wanted}"
    return None
