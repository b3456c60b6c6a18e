"""What a person chooses for a worker, and the command line that does it: each comes back from the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqdesk.errors import InvalidInput
from pqdesk.supervision.definitions.recipes import (
    Recipe,
    command_of,
    kind_of,
    queues_of,
    recipe_of,
    usual_restart,
    with_recipe,
)
from pqdesk.worker_options import Kind

_WORD = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=8).filter(
    lambda text: text.strip() and not text.startswith("-")
)
_NAME = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() and not text.startswith("-")
)
_HANDLER = st.tuples(_WORD, st.sampled_from(["send", "Mail.send"])).map(":".join)
_QUEUES = st.lists(_NAME, min_size=1, max_size=3).map(tuple)
_COMMAND = st.lists(st.one_of(_WORD, st.sampled_from(["--", "-n", "", "--handler"])), max_size=3).flatmap(
    lambda rest: _WORD.map(lambda program: (program, *rest))
)
_DURATION = st.one_of(st.none(), st.sampled_from(["250ms", "10s", "5m", "1h30m"]))
_NUMBER = st.one_of(st.none(), st.integers(1, 64))
_CONSUMES = {
    "queues": _QUEUES,
    "concurrency": _NUMBER,
    "timeout": _DURATION,
    "lease": _DURATION,
    "max_attempts": _NUMBER,
}
_PAYLOAD = st.text(min_size=1, max_size=8).filter(lambda text: "\n" not in text)
_HEADERS = st.lists(st.sampled_from(["Authorization=$TOKEN", "X-A=b=c", "X-A="]), max_size=3).map(tuple)
_URL = st.sampled_from(["http://localhost:8000/x", "https://example.com/?a=b&c=d"])
_RECIPES = st.one_of(
    st.builds(Recipe, st.just(Kind.FUNCTION), handler=_HANDLER, **_CONSUMES),
    st.builds(Recipe, st.just(Kind.COMMAND), command=_COMMAND, **_CONSUMES),
    st.builds(Recipe, st.just(Kind.POST), url=_URL, headers=_HEADERS, **_CONSUMES),
    st.builds(Recipe, st.just(Kind.FOLDER), folder=_WORD, queue=_NAME),
    st.builds(
        Recipe,
        st.just(Kind.SCHEDULE),
        queue=_NAME,
        handler=_HANDLER,
        cron=st.just("*/10 * * * *"),
        timezone=st.sampled_from(["UTC", None]),
    ),
    st.builds(
        Recipe,
        st.just(Kind.SCHEDULE),
        queue=_NAME,
        command=_COMMAND,
        every=st.sampled_from(["250ms", "5m"]),
        missed=st.sampled_from([None, "all"]),
    ),
    st.builds(Recipe, st.just(Kind.SCHEDULE), queue=_NAME, payload=_PAYLOAD, every=st.sampled_from(["5m", "1h30m"])),
    st.builds(Recipe, st.just(Kind.OTHER), command=_COMMAND),
)


@settings(max_examples=1000)
@given(recipe=_RECIPES)
def test_a_recipe_comes_back_from_its_command(recipe: Recipe) -> None:
    command = command_of(recipe)

    assert recipe_of(command) == recipe
    assert with_recipe(command, recipe) is command


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (
            "pqdesk consume --timeout=5s a b --handler m:f",
            Recipe(Kind.FUNCTION, handler="m:f", queues=("a", "b"), timeout="5s"),
        ),
        ("pqdesk consume a -- sha256sum -b", Recipe(Kind.COMMAND, command=("sha256sum", "-b"), queues=("a",))),
        ("pqdesk consume a --handler m:f --drain", Recipe(Kind.FUNCTION, handler="m:f", queues=("a",), drain=True)),
        ("pqdesk produce a --folder /srv/in", Recipe(Kind.FOLDER, folder="/srv/in", queue="a")),
        ("pqdesk produce a --every 5m --payload {}", Recipe(Kind.SCHEDULE, queue="a", payload="{}", every="5m")),
    ],
)
def test_a_command_by_hand_is_understood(words: str, recipe: Recipe) -> None:
    assert recipe_of(words.split(" ")) == recipe


@pytest.mark.parametrize(
    "words",
    [
        "sleep 5",
        "pqdesk watch",
        "pqdesk consume a",
        "pqdesk consume a --handler m:f --handler m:g",
        "pqdesk consume a --handler m:f -- x",
        "pqdesk consume a --handler m:f --concurrency many",
        "pqdesk consume a --handler m:f --unheard-of x",
        "pqdesk consume a --handler m:f --post-header X=y",
        "pqdesk -w /x consume a --handler m:f",
        "/opt/pqdesk consume a --handler m:f",
        "pqdesk produce a b --handler m:f",
        "pqdesk produce a --folder x --every 5m",
        "pqdesk produce a --timezone UTC --handler m:f",
    ],
)
def test_a_command_that_no_recipe_tells_completely_stays_as_it_is(words: str) -> None:
    command = tuple(words.split(" "))

    assert recipe_of(command) == Recipe(Kind.OTHER, command=command)
    assert command_of(recipe_of(command)) == command


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (Recipe(Kind.FUNCTION, handler="", queues=("a",)), "the function is missing"),
        (Recipe(Kind.FUNCTION, handler="m:f", queues=()), "name of a queue is missing"),
        (Recipe(Kind.FUNCTION, handler="m:f", queues=("-x",)), "reads as an option"),
        (Recipe(Kind.FUNCTION, handler="m:f", queues=("a",), concurrency=0), "concurrency is 0"),
        (Recipe(Kind.FUNCTION, handler="m:f", queues=("a",), timeout="soon"), "no duration"),
        (Recipe(Kind.COMMAND, command=(), queues=("a",)), "the command is missing"),
        (Recipe(Kind.POST, url="localhost", queues=("a",)), "no address"),
        (Recipe(Kind.POST, url="ftp://x/", queues=("a",)), "no address"),
        (Recipe(Kind.POST, url="http://x/a b", queues=("a",)), "no address"),
        (Recipe(Kind.POST, url="http://x/", queues=("a",), headers=("Token",)), "no header"),
        (Recipe(Kind.FOLDER, folder=" ", queue="a"), "the folder is missing"),
        (Recipe(Kind.SCHEDULE, queue="a"), "one thing"),
        (Recipe(Kind.SCHEDULE, queue="a", handler="m:f", payload="x"), "one thing"),
        (Recipe(Kind.SCHEDULE, queue="a", payload="x\ny"), "one line"),
        (Recipe(Kind.SCHEDULE, queue="a", payload="x"), "so often or at times"),
        (Recipe(Kind.SCHEDULE, queue="a", payload="x", every="5m", cron="* * * * *"), "not both"),
        (Recipe(Kind.SCHEDULE, queue="a", payload="x", every="5m", timezone="UTC"), "cron line"),
        (Recipe(Kind.SCHEDULE, queue="a", payload="x", every="5m", missed="never"), "missed runs"),
        (Recipe(Kind.OTHER, command=(" ",)), "the command is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_told(recipe: Recipe, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        command_of(recipe)


def test_what_runs_is_known_from_the_command_of_each_recipe() -> None:
    post = command_of(Recipe(Kind.POST, url="http://localhost/", queues=("a",), concurrency=2))
    folder = command_of(Recipe(Kind.FOLDER, folder="/srv", queue="a"))

    assert (kind_of(post), queues_of(post), usual_restart(post)) == ("consumer", ("a",), "always")
    assert (kind_of(folder), queues_of(folder), usual_restart(folder)) == ("producer", ("a",), "if it fails")
