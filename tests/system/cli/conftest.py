"""Commands called in this process, as quick as functions; what only a process has is run as one (tests.programs)."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pqdesk.cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands' workspace is, or will be."""
    path = tmp_path / "workspace"
    monkeypatch.setenv("PQDESK_WORKSPACE", str(path))
    return path


@pytest.fixture
def cli(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call with the words of a command, on the workspace; `stdin` is what comes on standard input."""

    def call(*words: object, stdin: bytes | None = None) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin or b""), encoding="utf-8"))
            capsys.readouterr()
            code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture
def put(cli: Cli) -> Callable[..., int]:
    """Put a message with these words; its id."""

    def call(*words: object) -> int:
        done = cli("put", *words)
        assert done.code == 0, done.err
        return int(done.out)

    return call


@pytest.fixture
def leave_free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Every disk says that it has so many MiB free of many."""

    def call(mib: int) -> None:
        disk = os.statvfs_result((4096, 4096, 100_000_000, mib << 8, mib << 8, 1, 1, 1, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _folder: disk)

    return call
