"""A few of the files that `python -m tests.contract.sqlite.garbling` tries by the thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.sqlite.garbling import Sample, try_file

_FILES = 24


@pytest.mark.timeout(600)
def test_whatever_is_in_a_file_there_are_answers_or_errors_of_ours_in_one_sentence(tmp_path: Path) -> None:
    sample = Sample(tmp_path)

    found = [try_file(sample, tmp_path / "w", f"test-{number}") for number in range(_FILES)]

    assert [(case.what, told) for case, told in found if told] == []
