"""Where messages are posted to; posting.py does it, and is imported only then."""

from __future__ import annotations

from dataclasses import dataclass

from pqdesk.worker_checks import origin_of
from pqdesk.workers.post_headers import own_headers

DEFAULT_TIMEOUT_S = 60.0  # where nothing says how long a request may take: a silent server must not hold a worker


@dataclass(frozen=True, slots=True)
class PostTarget:
    """An address that messages are posted to, and headers that go with each. `check` it before taking any message.

    `$NAME` in the value of a header comes from the environment, so that a secret stands in no command line.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def check(self) -> None:
        """Raise InvalidInput for what cannot be posted to."""
        origin_of(self.url)
        own_headers(self.headers)
