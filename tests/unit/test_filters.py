"""The filter grammar: what each text selects, and what each mistake is told."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.errors import InvalidInput
from pqdesk.messages.filters import has_term, parse_filter, quote
from pqdesk.messages.selection import Ago, Between, Field, Has, Is, Selection, Term
from pqdesk.messages.states import State


def words(first, *others):
    return Selection(search=first, terms=tuple(Term(Field.TEXT, (Has(word),)) for word in others))


def one(field, *tests, path=(), is_negated=False):
    return Selection(terms=(Term(field, tests, is_negated, path),))


def us(text):
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


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
        ("connection  refused", words("connection", "refused")),
        ("ada state:failed example", replace(words("ada", "example"), states=(State.FAILED,))),
        ('"state:failed"', Selection(search="state:failed")),
        ('"two  blanks"', Selection(search="two  blanks")),
        (r'"a \"quoted\" \\ word"', Selection(search=r'a "quoted" \ word')),
        ("http://example.com:80/x", Selection(search="http://example.com:80/x")),
        ("ConnectionError: refused", words("ConnectionError:", "refused")),
        ('{"to": "ada"}', words('{"to":', '"ada"}')),
        ('"key: value"', Selection(search="key: value")),
        ("12:30", Selection(search="12:30")),
        ('it\'s "-5"', words("it's", "-5")),
        ("it's -5", replace(one(Field.TEXT, Has("5"), is_negated=True), search="it's")),
        ('-"two words"', one(Field.TEXT, Has("two words"), is_negated=True)),
        ("-", Selection(search="-")),
        ("-state:failed", one(Field.STATE, Is(6), is_negated=True)),
        ("-id:3", one(Field.ID, Is(3), is_negated=True)),
        ("id:5..9", one(Field.ID, Between(5, 9))),
        ("queue:a,b", one(Field.QUEUE, Is("a"), Is("b"))),
        ('type:"a,b",c', one(Field.TYPE, Is("a,b"), Is("c"))),
        ("worker:mail-2", one(Field.WORKER, Is("mail-2"))),
        ("error:refused", one(Field.ERROR, Has("refused"))),
        ("error:#12", one(Field.ERROR, Is(12))),
        ('error:"#12"', one(Field.ERROR, Has("#12"))),
        ("attempts:3", one(Field.ATTEMPTS, Is(3))),
        ("attempts:>2", one(Field.ATTEMPTS, Between(3, None))),
        ("attempts:>=2", one(Field.ATTEMPTS, Between(2, None))),
        ("attempts:2..4", one(Field.ATTEMPTS, Between(2, 4))),
        ("attempts:..4", one(Field.ATTEMPTS, Between(None, 4))),
        ("priority:-5..5", one(Field.PRIORITY, Between(-5, 5))),
        ("priority:<0", one(Field.PRIORITY, Between(None, -1))),
        ("group:a key:b", Selection(terms=(Term(Field.GROUP, (Is("a"),)), Term(Field.KEY, (Is("b"),))))),
        ("age:>2h", one(Field.AGE, Between(7_200_000_001, None))),
        ("age:1h30m..2h", one(Field.AGE, Between(5_400_000_000, 7_200_000_000))),
        ("ran:<=500ms", one(Field.RAN, Between(None, 500_000))),
        ("finished:<1h", one(Field.FINISHED, Ago(None, 3_599_999_999))),
        ("enqueued:2026-11-24", one(Field.ENQUEUED, Between(us("2026-11-24"), us("2026-11-25") - 1))),
        ("enqueued:>2026-11-24", one(Field.ENQUEUED, Between(us("2026-11-25"), None))),
        ("enqueued:<2026-11-24", one(Field.ENQUEUED, Between(None, us("2026-11-24") - 1))),
        (
            "enqueued:2026-11-24T18:00",
            one(Field.ENQUEUED, Between(us("2026-11-24T18:00"), us("2026-11-24T18:01") - 1)),
        ),
        (
            "finished:>=2026-11-24T18:00:05+01:00",
            one(Field.FINISHED, Between(us("2026-11-24T18:00:05+01:00"), None)),
        ),
        (
            "enqueued:2026-11-20..2026-11-24",
            one(Field.ENQUEUED, Between(us("2026-11-20"), us("2026-11-25") - 1)),
        ),
        ("payload:ada", one(Field.PAYLOAD, Has("ada"))),
        ("payload.n:5", one(Field.VALUE, Is("5"), path=("n",))),
        ("payload.n:>5", one(Field.VALUE, Between(math.nextafter(5, 6), None), path=("n",))),
        ('payload.n:">5"', one(Field.VALUE, Is(">5"), path=("n",))),
        ('Payload."a.b"."c \\"d\\""."":x', one(Field.VALUE, Is("x"), path=("a.b", 'c "d"', ""))),
        ('payload.a:""', one(Field.VALUE, Is(""), path=("a",))),
        ('payload.a.b:"",x', one(Field.VALUE, Is(""), Is("x"), path=("a", "b"))),
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
        ("queue:a,", "1 to 255 characters"),
        ("key: value", "'key:' has no value; write it like key:invoice-4711, or put quotes around text"),
        ('queue:"a"b', "the quote is not closed, or text follows it"),
        ("age:2h", "'2h' alone is too exact; write >2h, <2h or 2h..2h"),
        ("age:>soon", "'soon' is no duration"),
        ("attempts:>x", "'x' is no whole number"),
        ("attempts:4..2", "is empty: the first is above the second"),
        ("enqueued:2026-13-01", "is no time; write 2026-12-24"),
        ("enqueued:yesterday", "is no time"),
        ("finished:1h", "alone is too exact"),
        ("payload.a:x\0", "a null character cannot be searched for"),
        ("type:" + "x" * 256, "1 to 255 characters"),
        ("id:abc", "'abc' is no id"),
        ("id:0", "'0' is no id"),
        ("id:99999999999999999999", "is no id"),
        ("id:9223372036854775808", "is no id"),
        ("id:1,", "'' is no id"),
        ("id:٣", "is no id"),
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
    assert not has_term("states:x state:failed", "state")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_001, "(" * 200_000, "w " * 201, "-w " * 1_000, "type:" + ",".join(map(str, range(1_500))),
        "payload." + "a." * 50_000 + "b:1", "error:" + "9" * 100_000, "state:failed " * 20_000,
    ],
)  # fmt: skip
def test_more_than_a_question_can_hold_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_filter(text)

    assert len(str(raised.value)) < 300
    assert "\n" not in str(raised.value)


def test_ids_are_many_and_words_some() -> None:
    parse_filter("id:" + ",".join(map(str, range(1, 1_500))))
    parse_filter(" ".join(f"w{number}" for number in range(200)))
