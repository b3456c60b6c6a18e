"""Payloads and results from a command line or standard input; how they are read is in messages/written.py."""

from __future__ import annotations

import os
import sys
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES
from pqdesk.messages.written import Form, parse_payload


def given_payload(argument: str, form: Form | None) -> Any:
    """The payload that an argument stands for; '-' is standard input.

    Raises:
        InvalidInput: It is not what `form` says; or standard input is empty, and no form says that this is meant.
    """
    if argument != "-":
        return parse_payload(argument_bytes(argument), form)
    data = read_standard_input("payload")
    if not data and form is None:  # `</dev/null`, cron, a program that failed: hardly ever meant
        raise InvalidInput("standard input is empty; give a payload, or --as text (or bytes) for an empty one")
    return parse_payload(data, form)


def argument_bytes(argument: str) -> bytes:
    """The bytes that were typed: the shell may hand over what is no UTF-8."""
    return os.fsencode(argument)


def read_standard_input(what: str, *, limit_bytes: int = PAYLOAD_LIMIT_BYTES) -> bytes:
    """All of standard input. Raises InvalidInput when it is endless, before it fills the memory."""
    if sys.stdin is None:
        raise InvalidInput(f"standard input is closed, so there is no {what}")
    data = sys.stdin.buffer.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise InvalidInput(
            f"{what} on standard input has more than {limit_bytes:,} bytes; put a path or an address instead"
        )
    return data
