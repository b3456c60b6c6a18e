"""The README's every example does what a newcomer expects of it: it works.

`sh` and `python` blocks run in order, in one clone with one HOME, with .venv/bin in PATH; a block that begins with a
comment naming a file is written there. `bash` blocks are the start itself, which other tests try.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pqdesk import Workspace
from tests.checkout import ROOT, copy_checkout, git_status
from tests.programs import BIN
from tests.system.newcomer import newcomer, run_as

_README = ROOT / "README.md"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|;|//) ([\w./-]+\.(?:py|conf|js|sh))\n")
_INTERPRETERS = {"sh": ["bash", "-eux", "-o", "pipefail", "-c"], "python": ["python", "-W", "error", "-c"]}
# Blocks that are not run here, and what runs them.
_TRIED_ELSEWHERE = {
    "bash packaging/run": "tests/system/test_fresh_clone.py",
    "source .venv/bin/activate": "PATH in this file's fixture",
    "bash tests/run": "whoever runs this",
}
_MADE_BY_EXAMPLES = {
    *("lengths.py", "lengths.js", "lengths.sh", "mail.py", "feeds.py", "message.json", "shop.db", "shop.db-pqdesk/"),
    *("checksums.csv", "checksums.jsonl", "checksums.db"),
}


class Block(NamedTuple):
    line: int
    language: str
    text: str


def _blocks() -> list[Block]:
    readme = _README.read_text(encoding="utf-8")
    return [Block(readme.count("\n", 0, one.start()) + 1, one[1], one[2]) for one in _FENCE.finditer(readme)]


@pytest.fixture
def checkout(short_folder: Path) -> Path:
    folder = short_folder / "pqdesk"
    copy_checkout(folder)
    return folder


@pytest.fixture
def environment(short_folder: Path, checkout: Path) -> Iterator[dict[str, str]]:
    found = newcomer(short_folder / "home")
    found["PATH"] = f"{BIN}:{found['PATH']}"
    yield found
    stopping = ("supervisorctl", "-c", "supervisor/supervisord.conf", "shutdown")  # where an example failed before that
    run_as(found, *stopping, folder=checkout, timeout_s=60)


def test_each_block_is_tried_somewhere() -> None:
    others = [block for block in _blocks() if block.language not in _INTERPRETERS and not _FILE.match(block.text)]
    elsewhere = [block.text.strip() for block in others]

    assert sorted(elsewhere) == sorted(_TRIED_ELSEWHERE)


@pytest.mark.timeout(300)
def test_the_examples_work_in_order(checkout: Path, environment: dict[str, str]) -> None:
    for block in _blocks():
        named = _FILE.match(block.text)
        if named:
            (checkout / named[1]).write_text(block.text, encoding="utf-8")
        elif block.language in _INTERPRETERS:
            command = [*_INTERPRETERS[block.language], block.text]
            done = run_as(environment, *command, folder=checkout, timeout_s=120)
            assert done.returncode == 0, f"README.md:{block.line}:\n{done.stdout}\n{done.stderr}"

    assert {line[3:] for line in git_status(checkout).splitlines()} == _MADE_BY_EXAMPLES


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here (apt-get install nodejs)")
def test_the_javascript_works_too(tmp_path: Path) -> None:
    [text] = [block.text for block in _blocks() if block.language == "js"]
    (tmp_path / "lengths.js").write_text(text, encoding="utf-8")
    pqdesk = [str(BIN / "pqdesk"), "-w", str(tmp_path / "w")]
    subprocess.run([*pqdesk, "put", "texts", "seven b"], check=True)

    subprocess.run(
        [*pqdesk, "consume", "texts", "--pipe", "--drain", "--", "node", str(tmp_path / "lengths.js")], check=True
    )

    with Workspace(tmp_path / "w") as workspace:
        assert workspace.queue("texts").result(1) == 7


def test_links_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", _README.read_text(encoding="utf-8"))

    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []
