"""What may be given to a worker, value by value: checks that it makes at its start, and before whoever writes it down.

Each takes what somebody wrote and returns what the worker takes of it. It raises InvalidInput with the reason. No file
is looked at, nothing imported or run: whether a handler or a folder is there, only the start can tell.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import check_int, check_name
from pqdesk.messages.durations import duration_us, parse_duration

_OUR_HEADERS = frozenset(("host", "content-length", "transfer-encoding", "connection", "idempotency-key"))
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_SIZE_UNITS = {"": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}


def check_word(text: str, what: str) -> str:
    """Something, and nothing that a command line would take for an option."""
    if not text.strip():
        raise InvalidInput(f"{what} is missing; fill it in")
    if text.startswith("-"):
        raise InvalidInput(f"{what} {text!r} begins with '-', which reads as an option; write it otherwise")
    return text


def check_queue(text: str) -> str:
    return check_name(check_word(text, "the name of a queue"), "the name of a queue")


def check_handler(text: str) -> str:
    """`FILE_OR_MODULE:FUNCTION`."""
    place, _, function = check_word(text, "the function").rpartition(":")
    if not place or not function:
        raise InvalidInput(f"{text!r} is no function; write file or module, a colon and the function: mail.py:send")
    if not all(part.isidentifier() for part in function.split(".")):
        raise InvalidInput(f"{function!r} is no name of a function")
    return text


def check_command(words: Sequence[str]) -> tuple[str, ...]:
    if not words or not words[0].strip():
        raise InvalidInput("the command is missing; give a program and its arguments")
    if any("\0" in word for word in words):
        raise InvalidInput(f"command {words[0]!r} has a NUL character in its arguments")
    return tuple(words)


def check_folder(text: str) -> Path:
    return Path(check_word(text, "the folder")).expanduser()


def check_pattern(text: str) -> str:
    """Of names of files: `*.jpg`."""
    if not text.strip():
        raise InvalidInput("a pattern of file names is empty; write it like '*.jpg'; nothing was put")
    return text


def check_payload(text: str) -> str:
    if not text or "\n" in text:
        raise InvalidInput("a fixed payload is one line; write JSON in one line, or run a command instead")
    return text


def check_cron(text: str) -> str:
    from pqdesk.messages.schedules import Cron  # what has no times does not need it

    Cron(check_word(text, "the cron line"), UTC)
    return text


def check_seconds(cron: str, *, has_seconds: bool) -> None:
    """Raise InvalidInput for six fields unless they are meant: mostly one is too many, and it runs far too often."""
    count = len(cron.split())
    if count == 6 and not has_seconds:
        raise InvalidInput(
            f"cron expression {cron!r} has six fields, of which the first would be seconds; leave one out, or say "
            "--seconds if that is meant"
        )
    if count != 6 and has_seconds:
        raise InvalidInput(f"cron expression {cron!r} has no field for seconds; with --seconds it has six fields")


def check_timezone(text: str) -> str:
    from pqdesk.zones import find_zone

    find_zone(check_word(text, "the time zone"))
    return text


def duration_of(what: str, *, may_be_zero: bool = False) -> Callable[[str], float]:
    """A check of `250ms`, `10s`, `5m`, `2h`: seconds, above zero unless that is allowed."""
    least_us = 0 if may_be_zero else 1

    def check(text: str) -> float:
        if text.startswith("-") or parse_duration(text) * 1_000_000 < least_us:
            least = "zero or more" if may_be_zero else "above zero"
            raise InvalidInput(f"{what} {text!r} must be {least}; write it like 250ms, 10s, 5m or 2h")
        return duration_us(parse_duration(text), what, least_us=least_us) / 1_000_000

    return check


def number_of(what: str, *, least: int = 1, most: int) -> Callable[[object], int]:
    """A check of a whole number, as text or as what it is."""

    def check(value: object) -> int:
        try:
            return check_int(int(value) if isinstance(value, str) else value, what, least=least, most=most)
        except ValueError:  # InvalidInput is one
            hint = f"use a whole number, {least:,} to {most:,}"
            raise InvalidInput(f"{what} is {value!r:.80}; {hint}") from None

    return check


def whole_seconds_of(what: str) -> Callable[[str], int]:
    """A check of a duration that supervisord is to be told, which knows whole seconds; up to a day."""

    def check(text: str) -> int:
        return check_int(round(parse_duration(text)), what, least=0, most=86_400)

    return check


def choice_of(what: str, choices: Mapping[str, str]) -> Callable[[str], str]:
    """A check of one of a few words, each standing for what the worker takes."""

    def check(text: str) -> str:
        if text not in choices:
            raise InvalidInput(f"{what}: {text!r} is none of {', '.join(choices)}")
        return choices[text]

    return check


def signal_called(text: str) -> signal.Signals | None:
    """The signal of this name, with SIG or without, or of this number; None when there is none."""
    word = text.strip().upper()
    try:
        return signal.Signals(int(word)) if word.isdecimal() else signal.Signals["SIG" + word.removeprefix("SIG")]
    except (KeyError, ValueError):
        return None


def check_signal(text: str) -> str:
    """The name of a signal, without SIG."""
    found = signal_called(text)
    if found is None or text.strip().isdecimal():
        raise InvalidInput(f"stop signal {text!r} is none; use a name such as TERM or INT")
    return found.name.removeprefix("SIG")


def check_size(text: str) -> int:
    """Bytes of `1MB`, `500KB`, `0`."""
    match = re.fullmatch(r"(\d{1,12})\s*([KMG]B)?", text.strip().upper())
    if match is None:
        raise InvalidInput(f"{text!r} is no size; write it like 1MB or 500KB")
    return int(match[1]) * _SIZE_UNITS[match[2] or ""]


# --- HTTP -------------------------------------------------------------------------------------------


def origin_of(url: str) -> SplitResult:
    """The parts of an address that can be posted to. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise InvalidInput(f"{url!r:.200} is no address to post to; write it like http://localhost:8000/messages")
    if parts.username is not None:
        raise InvalidInput("an address with a user name would show its password; use --post-header Authorization=$NAME")
    return parts


def check_url(text: str) -> str:
    origin_of(check_word(text, "the address"))
    return text


def check_header(text: str) -> tuple[str, str]:
    """`Name=value`; `$NAME` or `${NAME}` in the value stands for a variable of the worker's environment."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InvalidInput(f"{text!r} is no header; write it like Authorization=$TOKEN")
    check_header_value(name, value)
    return name, value


def check_header_value(name: str, value: str) -> None:
    """Raises InvalidInput for a header that cannot be sent."""
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OUR_HEADERS or name.lower().startswith("pqdesk-"):
        raise InvalidInput(f"the header {name!r:.80} cannot be set; PQDesk and HTTP write that one, or it is no name")
    if not value.isascii() or not value.isprintable():
        raise InvalidInput(f"the value of the header {name} may have printable ASCII characters only")


def filled_in(header: str, value: str, variables: Mapping[str, str]) -> str:
    """`value` with its variables; `$$` is a dollar sign. Raises InvalidInput for one that is not set, or empty."""

    def fill(match: re.Match[str]) -> str:
        name = match[2] or match[3]
        if match[1] is None and not variables.get(name):
            raise InvalidInput(f"the header {header} is to come from ${name}, which is not set; $$ is a dollar sign")
        return match[1] or variables[name]

    return _VARIABLE.sub(fill, value)
