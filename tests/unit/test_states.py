"""States and outcomes are words to whoever sees them, and numbers in the file."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict
from pathlib import Path

import pytest

from pqdesk import Queue, State
from pqdesk.messages.states import AttemptOutcome

OUTCOMES = [(one, one.value) for one in AttemptOutcome]


@pytest.mark.parametrize(("member", "word"), [*((one, one.name.lower()) for one in State), *OUTCOMES])
def test_a_state_is_its_word(member: State, word: str) -> None:
    assert (str(member), f"{member}", f"{member:>12}", "%s" % member) == (word, word, word.rjust(12), word)  # noqa: UP031
    assert member == word
    assert member in {word}
    assert {member: 1}[word] == 1  # type: ignore[index]
    assert json.dumps([member]) == f'["{word}"]'
    assert type(member)(word) is member
    assert type(member).from_number(member.number) is member
    assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301 - our own, just made
    assert copy.deepcopy(member) is member


def test_the_numbers_of_the_file_are_known_as_before() -> None:
    assert [(int(one), State(int(one))) for one in State] == [(one.number, one) for one in State]
    assert [one.number for one in State] == [1, 2, 3, 4, 5, 6, 7]
    assert [one.number for one in AttemptOutcome] == [1, 2, 3, 4, 5, 6, 7, 8]
    with pytest.raises(ValueError, match="8"):
        State(8)


def test_a_record_is_told_in_words(tmp_path: Path) -> None:
    with Queue("work", workspace=tmp_path / "w") as queue:
        message_id = queue.put("x", expires=3600)
        queue.get(timeout=0).nack("no", delay=60)
        detail = queue.message(message_id)

        told = json.loads(json.dumps(asdict(detail), default=str))

    assert (f"{detail.state}", detail.state == "retrying", told["state"]) == ("retrying", True, "retrying")
    assert (told["attempts"][0]["outcome"], detail.attempts[0].outcome) == ("nacked", "nacked")
    assert detail.expires_at is not None
    assert detail.expires_at.isoformat(" ") == told["expires_at"]
