"""What a server's answer to a POST means: a result, an error in one line, a time to wait."""

from __future__ import annotations

import email.utils
from typing import Any

from pqdesk.clock import Clock
from pqdesk.messages.json_text import load_json
from pqdesk.messages.payloads import encode_payload
from pqdesk.workers.post_connection import Answer

_ERROR_BODY_BYTES = 1024
_LONGEST_DELAY_S = 86_400.0


def result_of(answer: Answer) -> Any:
    """The body: None when empty, JSON if it says so and is, text, else bytes."""
    if not answer.body:
        return None
    try:
        charset = answer.headers.get_content_charset("utf-8")
        text = answer.body.decode(charset, "ignore" if answer.is_cut else "strict")
        text.encode("utf-8")  # some encodings decode to lone surrogates, which no result can hold
    except (LookupError, ValueError):  # no such charset, a NUL in its name, or other bytes than it says
        return answer.body
    kind = answer.headers.get_content_type()
    if not answer.is_cut and (kind == "application/json" or kind.endswith("+json")):
        try:
            value = load_json(text)
            encode_payload(value)
            return value
        except ValueError:  # also what Python reads and JSON has not, such as NaN
            pass
    return text


def error_of(answer: Answer) -> str:
    """The status and the first KiB of the body, in one line."""
    text = answer.body[:_ERROR_BODY_BYTES].decode("utf-8", "replace").strip()
    status = shown_in_line(f"HTTP {answer.status} {answer.reason}".rstrip())
    place = answer.headers.get("Location") if 300 <= answer.status < 400 else None
    if place is not None:
        return f"{status}: it sends us to {shown_in_line(place[:200])}, which is not followed; post there at once"
    return f"{status}: {shown_in_line(text)}" if text else status


def shown_in_line(text: str) -> str:
    """In one line, with `\\n` and `\\x1b` for what would not show or do harm."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def retry_after_s(value: str | None, clock: Clock) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), at most a day; None: it does not say."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _LONGEST_DELAY_S)
    try:
        at_s = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, at_s - clock.wall_us() / 1_000_000), _LONGEST_DELAY_S)
