"""The installed programs, run as a person runs them from a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PQDESK = BIN / "pqdesk"
# Generous: the machine is shared, and a supervisord that stops waits for its workers.
_TIMEOUT_S = 60.0


def environment_with_programs() -> dict[str, str]:
    """This environment, with the programs of ours first in PATH, as after `source .venv/bin/activate`."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def run(
    *command: str | os.PathLike[str],
    folder: Path | None = None,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. With `check` an exit status other than 0 fails, with what it said."""
    done = subprocess.run(
        [os.fspath(word) for word in command],
        cwd=folder,
        env={**environment_with_programs(), **(environment or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    if check:
        said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{said}"
    return done


def pqdesk(workspace: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """`pqdesk -w WORKSPACE …`; options as those of `run`."""
    return run(PQDESK, "-w", workspace, *arguments, **options)


def pqdesk_json(workspace: Path, *arguments: str) -> Any:
    """What a command that looks prints with --json."""
    return json.loads(pqdesk(workspace, *arguments, "--json").stdout)


def run_python(code: str, *arguments: str | os.PathLike[str]) -> str:
    """Run `code` in a Python of its own; what it prints."""
    return run(sys.executable, "-c", code, *arguments).stdout
