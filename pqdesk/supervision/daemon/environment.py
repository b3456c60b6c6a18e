"""What of this process's environment a program gets that outlives it: names that are needed, and nothing by chance.

A shell's environment holds what is nobody's business for weeks: keys that were exported for something else, LD_PRELOAD,
PYTHONPATH. Workers run on with what was there when supervisord started, so what a worker needs is said where it is
defined (`--env`, `--secret`), or is a name in $PQDESK_PASS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from pqdesk.paths import PASS_VARIABLE

_PASSED = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "USERNAME", "SHELL", "PATH", "TMPDIR", "LANG", "LANGUAGE", "TZ", "TZDIR"),
        *("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),  # a worker may tell people something
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV"),
        *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    }
)
_PASSED_BEGINNINGS = ("LC_", "XDG_", "PQDESK_")
# What a command has from the message it is called for, and from the worker that calls it.
_OF_A_MESSAGE = re.compile(
    r"PQDESK_(ID|QUEUE|TYPE|ATTEMPT|RECEIPT|WORKER|PAYLOAD_FILE|DAEMON_VERSION|HEADER_.*)|XDG_ACTIVATION_TOKEN"
)
_EXPANDED = re.compile(r"%\(ENV_([A-Za-z_][A-Za-z0-9_]*)\)")


def clean_environment(configuration: Iterable[str] = ()) -> dict[str, str]:
    """What another program is started with.

    What texts of supervisord's `configuration` name as %(ENV_NAME)s is passed on, since it would refuse them otherwise.
    """
    named = set(os.environ.get(PASS_VARIABLE, "").replace(",", " ").split())
    for text in configuration:
        named.update(_EXPANDED.findall(text))
    return {name: value for name, value in os.environ.items() if name in named or _is_passed(name)}


def _is_passed(name: str) -> bool:
    return name in _PASSED or (name.startswith(_PASSED_BEGINNINGS) and not _OF_A_MESSAGE.fullmatch(name))
