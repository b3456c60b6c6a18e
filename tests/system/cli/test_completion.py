"""What a shell offers where a name is begun: those of the workspace that the line names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pqdesk import Workspace
from tests.programs import BIN


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("completion") / "w"
    with Workspace(root) as workspace:
        for name in ("mail", "maps", "other"):
            workspace.queue(name).put("x")
        workspace.add_schedule("nightly", "mail", 1, every=3600)
    words = ["add-worker", "mailer", "--no-start", "--", "sleep", "9"]
    subprocess.run([BIN / "pqdesk", "-w", root, *words], check=True, stdout=subprocess.DEVNULL)
    return root


def offered(*words: str) -> list[str]:
    environment = {
        **os.environ, "_PQDESK_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["pqdesk", *words]), "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    done = subprocess.run([BIN / "pqdesk"], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("put", "ma"), ["mail", "maps"]),
        (("put", "o"), ["other"]),
        (("consume", "mail", "m"), ["mail", "maps"]),
        (("retry", "--queue", "oth"), ["other"]),
        (("start", "m"), ["mailer"]),
        (("stop", "a"), ["all"]),
        (("edit-worker", "m"), ["mailer"]),
        (("logs", "su"), ["supervisord"]),
        (("disable-schedule", "n"), ["nightly"]),
        (("add-worker", "m"), []),
        (("add-schedule", "n"), []),
    ],
)
def test_names_are_those_of_the_workspace(root: Path, words: tuple[str, ...], names: list[str]) -> None:
    assert offered("-w", str(root), *words) == names


def test_nothing_is_offered_made_or_told_where_there_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no workspace")

    assert offered("-w", str(tmp_path / "none"), "put", "m") == []
    assert offered("-w", str(tmp_path / "text"), "put", "m") == []
    assert not (tmp_path / "none").exists()
