"""A secret on a command line is warned of, with the way to give it instead; what is none is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pqdesk.cli.main import main
from pqdesk.cli.worker_options import names_of_secrets


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["psql", "--password=hunter2"], ["password"]),
        (["curl", "--api-key", "hunter2"], ["api-key"]),
        (["x", "TOKEN=hunter2", "-passwd", "hunter2"], ["TOKEN", "passwd"]),
        (["pqdesk", "consume", "q", "--post-header", "Authorization=Bearer hunter2"], ["Authorization"]),
        (["x", "--client-secret=a b"], ["client-secret"]),
    ],
)
def test_what_looks_like_a_secret_is_named(words: Sequence[str], names: list[str]) -> None:
    assert list(names_of_secrets(words)) == names


@pytest.mark.parametrize(
    "words",
    [
        ["psql", "--password"], ["x", "--password", "--verbose"], ["x", "--token-file", "/run/t"], ["sort", "--key=2"],
        ["x", "--token=$TOKEN"], ["x", "Authorization=Bearer $TOKEN"], ["x", "Authorization=Bearer ${TOKEN}"],
        ["x", "--password=@file"], ["x", "--max-tokens=500"], ["x", "--password={payload.p}"], ["echo", "password"],
    ],
)  # fmt: skip
def test_what_is_read_from_elsewhere_is_none(words: Sequence[str]) -> None:
    assert list(names_of_secrets(words)) == []


def test_adding_and_editing_a_worker_warns_and_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add = ["-w", str(tmp_path / "w"), "add-worker", "w", "--no-start"]

    assert main([*add, "--secret", "TOKEN=hunter2", "--env", "API_KEY=x", "--", "true", "--password=hunter2"]) == 0

    error = capfd.readouterr().err
    assert "hunter2" not in error
    for told in ("value of TOKEN stood on the command line", "--secret API_KEY", "'password' looks like a secret"):
        assert told in error
    assert main(["-w", str(tmp_path / "w"), "edit-worker", "w", "--env", "DB_PASSWORD=y"]) == 0
    assert "--secret DB_PASSWORD" in capfd.readouterr().err


def test_without_a_secret_nothing_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(tmp_path / "w"), "add-worker", "w", "--no-start", "--env", "HOME_PAGE=x", "--", "true"]) == 0

    assert "warning" not in capfd.readouterr().err
