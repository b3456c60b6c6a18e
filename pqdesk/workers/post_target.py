"""Where messages are posted to; posting.py does it, and is imported only then."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pqdesk.errors import InvalidInput
from pqdesk.workers.post_headers import own_headers

DEFAULT_TIMEOUT_S = 60.0  # where nothing says how long a request may take: a silent server must not hold a worker


@dataclass(frozen=True, slots=True)
class PostTarget:
    """An address that messages are posted to, and headers that go with each. `check` it before taking any message.

    A header whose value is `$NAME` gets its value from the environment, so that a secret stands in no command line.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def check(self) -> None:
        """Raise InvalidInput for what cannot be posted to."""
        origin_of(self.url)
        own_headers(self.headers)


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
