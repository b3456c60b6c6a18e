"""The filter grammar: what each text selects, and what each mistake is told."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.errors import InvalidInput
from pqdesk.messages.filters import has_term, parse_filter, quote
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("", Selection()),
        ("  \t ", Selection()),
        ("state:failed", Selection(states=(State.FAILED,))),
        ("State:Failed,ready,failed", Selection(states=(State.FAILED, State.READY))),
        ("queue:emails", Selection(queue="emails")),
        ('queue:"two words"', Selection(queue="two words")),
        ('queue:"a,b"', Selection(queue="a,b")),
        ("type:mail.send", Selection(type="mail.send")),
        ("id:123", Selection(ids=(123,))),
        ("id:12,15,12", Selection(ids=(12, 15))),
        ("timeout", Selection(search="timeout")),
        ("connection  refused", Selection(search="connection refused")),
        ("ada state:failed example", Selection(states=(State.FAILED,), search="ada example")),
        ('"state:failed"', Selection(search="state:failed")),
        ('"two  blanks"', Selection(search="two  blanks")),
        (r'"a \"quoted\" \\ word"', Selection(search=r'a "quoted" \ word')),
        ("http://example.com:80/x", Selection(search="http://example.com:80/x")),
        ("ConnectionError: refused", Selection(search="ConnectionError: refused")),
        ('{"to": "ada"}', Selection(search='{"to": "ada"}')),
        ("key: value", Selection(search="key: value")),
        ("12:30", Selection(search="12:30")),
        ("it's -5", Selection(search="it's -5")),
        (
            "state:running queue:q type:t id:1 text",
            Selection(states=(State.RUNNING,), queue="q", type="t", ids=(1,), search="text"),
        ),
    ],
)
def test_text_selects(text, selection):
    assert parse_filter(text) == selection


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("state:faild", "'state:faild': there is no state 'faild'; the states are scheduled, ready"),
        ("state:", "'state:' has no value; write it like state:failed"),
        ('queue:""', "has no value"),
        ("state:failed state:ready", "is given twice; write state:failed,ready"),
        ("queue:a queue:b", "'queue:b': queue: is given twice"),
        ("queue:a,b", "one queue at a time"),
        ("type:" + "x" * 256, "1 to 255 characters"),
        ("id:abc", "'abc' is no id"),
        ("id:0", "'0' is no id"),
        ("id:99999999999999999999", "is no id"),
        ("id:9223372036854775808", "is no id"),
        ("id:1,", "'' is no id"),
        ("id:٣", "is no id"),
        ("-state:failed", "leaving out with '-' is not possible yet"),
        ("worker:consumer", "'worker:consumer' is not known; use state:, queue:, type: or id:, or put quotes"),
        ("payload.a.b:5", "is not known"),
        ("states:failed", "did you mean state:"),
        ('"open', "the quote is not closed"),
        ('queue:"open', "the quote is not closed"),
    ],
)
def test_a_mistake_names_the_term(text, told):
    with pytest.raises(InvalidInput) as caught:
        parse_filter(text)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_quoted_text_is_searched_for_as_it_is(text):
    assert parse_filter(quote(text)).search == (text or None)


@given(st.text(alphabet='state:id"\\ ,-queue1\n') | st.text())
def test_any_text_gives_a_selection_or_invalid_input(text):
    with suppress(InvalidInput):
        parse_filter(text)


def test_has_term_looks_at_terms_only():
    assert has_term("state:failed x", "state")
    assert not has_term('"state:failed" x', "state")
    assert not has_term("worker:x state:failed", "state")
