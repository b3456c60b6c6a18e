"""Which errors are the same, told apart by what does not vary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.messages.fingerprints import fingerprint, headline

_TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/mail.py", line 12, in send
    deliver(message)
requests.exceptions.ConnectionError: HTTPConnectionPool(host='10.1.2.3', port=8080): Max retries exceeded

  detail that is indented
"""


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("ValueError: n is 7", "ValueError", "n is <n>"),
        ("ValueError", "ValueError", ""),
        ("boom", "", "boom"),
        ("Server says: 500", "", "Server says: <n>"),
        ("cannot open /var/lib/app/x-17.db", "", "cannot open <path>"),
        ("cannot open C:\\data\\in\\x.csv now", "", "cannot open <path> now"),
        ("order 0b9f6cde-9a3b-4d7e-8f0a-1c2d3e4f5a6b is gone", "", "order <id> is gone"),
        ("commit deadbeef42 at 0x7f3a", "", "commit <id> at <id>"),
        ("no user \"ada\" or 'bob'", "", "no user <text> or <text>"),
        ("GET https://example.com/a?b=1 failed", "", "GET <address> failed"),
        ("mail to ada@example.com bounced", "", "mail to <address> bounced"),
        ("at 2026-11-24 20:15:01.25", "", "at <n>-<n>-<n> <n>"),
        ("took  3.5\ts", "", "took <n> s"),
        (
            _TRACEBACK,
            "requests.exceptions.ConnectionError",
            "HTTPConnectionPool(host=<text>, port=<n>): Max retries exceeded",
        ),
        ("", "", ""),
    ],
)
def test_what_varies_is_left_out(text, kind, message):
    found = fingerprint(text)

    assert (found.type, found.message) == (kind, message)


def test_the_number_is_the_same_in_every_run_and_version():
    assert fingerprint("ValueError: n is 7").number == fingerprint("ValueError: n is 8").number
    assert fingerprint("ValueError: n is 7").number == 3723650494996111511
    assert fingerprint("ValueError: n is 7").number != fingerprint("TypeError: n is 7").number


def test_a_text_without_a_type_takes_the_one_it_is_given():
    assert fingerprint("its worker mail-2 died", "died").type == "died"
    assert fingerprint("ValueError: x", "died").type == "ValueError"


@given(st.text())
def test_any_text_has_a_fingerprint(text):
    assert 0 <= fingerprint(text).number < 2**63


def test_a_long_text_is_quick():
    assert fingerprint("a" * 100_000 + "\n" + "/x" * 50_000).message


def test_the_headline_of_a_traceback_is_what_was_raised():
    assert headline(_TRACEBACK, _TRACEBACK).startswith("requests.exceptions.ConnectionError: HTTP")
    assert headline("first\nsecond", "first\nsecond") == "first"
