"""What is hidden by its name, and what is not; in values and in texts that are cut off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.messages.masking import MASK, has_mask, is_secret_name, masked, masked_pieces, masked_text

SECRET = (
    "password", "PASSWORD", "db_password", "passwd", "pwd", "secret", "client_secret", "token", "accessToken",
    "api_key", "apiKey", "api-key", "key", "private_key", "privateKey", "aws.access.key", "Authorization", "Set-Cookie",
    "credentials", "passphrase", "X-Api-Key",
)  # fmt: skip
PLAIN = ("user", "keyboard", "monkey", "max_tokens", "tokens", "tokenizer", "keys", "to", "id", "compass", "")


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_hidden_wherever_it_is(name: str) -> None:
    value = {"a": [{name: "hunter2"}, {name: ["hunter2"]}, {name: {"x": "hunter2"}}, {name: 271828}], "b": "seen"}

    shown = json.dumps(masked(value), ensure_ascii=False)

    assert is_secret_name(name)
    assert "hunter2" not in shown
    assert "271828" not in shown
    assert "seen" in shown
    assert has_mask(masked(value))
    assert not has_mask(value)


@pytest.mark.parametrize("name", PLAIN)
def test_other_names_hide_nothing(name: str) -> None:
    assert not is_secret_name(name)
    assert masked({name: "x"}) == {name: "x"}
    assert masked_text(json.dumps({name: "x"})) == json.dumps({name: "x"})


@pytest.mark.parametrize("value", [None, True, False, ""])
def test_what_tells_nothing_is_shown(value: Any) -> None:
    assert masked({"password": value}) == {"password": value}


@pytest.mark.parametrize("name", SECRET)
@pytest.mark.parametrize(
    "value", ["hunter2", 'hunter2"x', "a\\", "hunter2 is long and goes on", {"x": "hunter2"}, ["hunter2"], 271828]
)
def test_no_cut_of_a_preview_shows_a_secret(name: str, value: Any) -> None:
    text = json.dumps({"to": "ada", name: value, "then": 1})
    begin = text.index(":", text.index(f'"{name}"')) + 2

    for end in range(begin + 1, len(text) + 1):
        shown = masked_text(text[:end])
        assert "hunter2" not in shown
        assert "271828" not in shown
        assert shown.startswith('{"to": "ada"')


@pytest.mark.parametrize(
    "text", ["password=hunter2", "a=1&token=hunter2&b=2", "PGPASSWORD=hunter2 psql", "https://x/?key=hunter2"]
)
def test_what_is_written_as_name_and_value_is_hidden_too(text: str) -> None:
    shown = masked(text)

    assert "hunter2" not in shown
    assert MASK in shown


@given(st.recursive(st.none() | st.integers() | st.text(alphabet="abx =", max_size=5),
                    lambda one: st.lists(one) | st.dictionaries(st.sampled_from(PLAIN), one)))  # fmt: skip
def test_what_has_no_such_name_is_as_it_was(value: Any) -> None:
    assert masked(value) == value
    assert not has_mask(value)


@pytest.mark.parametrize(
    "text", ['"' * 50_000, "key" * 30_000, '{"key' * 10_000, "a_" * 50_000 + "=", " " * 100_000 + "key"]
)
def test_no_text_takes_long(text: str) -> None:
    masked_text(text)


@pytest.mark.parametrize(
    "secret",
    [
        '"password": "hunter2"', '"password"  :  "hunter2 goes on and \\" on"', '"pwd": {"a": ["hunter2"]}',
        "password=hunter2", "x=1&token=hunter2;y=2", '"token": 271828, "x": 1',
    ],
)  # fmt: skip
def test_no_secret_is_seen_at_the_edge_of_a_piece(secret: str) -> None:
    for before in range(80):
        text = f"{'word ' * 20}"[: 100 - before] + " " + secret + " then more"

        pieces = list(masked_pieces(text, 50))

        shown = "".join(pieces)
        assert "hunter2" not in shown, (before, shown)
        assert "271828" not in shown
        assert shown == masked_text(text)


@given(st.text(alphabet='ab {}[]":,=&;\\\n', max_size=300), st.integers(1, 40))
def test_pieces_together_are_the_whole_text_where_nothing_is_hidden(text: str, size: int) -> None:
    assert "".join(masked_pieces(text, size)) == text


@pytest.mark.parametrize("text", ["a" * 300_000, '"' * 100_000, "x " * 150_000, '"k": 1, ' * 30_000])
def test_pieces_of_a_long_text_do_not_take_long(text: str) -> None:
    assert "".join(masked_pieces(text, 64 * 1024)) == text
