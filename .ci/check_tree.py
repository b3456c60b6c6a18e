"""What may not be in the tree: big or generated files, addresses of package indexes, folders that hide packages.

Forbidden calls and imports are for ruff and import-linter to find.
Each finding is one line, `FILE:LINE: what`. Looks at the files that git tracks, or would with the next `git add`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LARGEST_BYTES = 1_000_000

_INDEX_ADDRESS = re.compile(
    r"https?://\S*/(simple/|-/\w|packages/[0-9a-f]{2}/)|"  # of PyPI, npm and PyPI's files
    r"https?://(\w+\.)*(python(hosted)?|npmjs|debian|ubuntu)\.(org|com)/\S*(simple|debian|ubuntu|pool)\b|"
    r"(extra-)?index[-_]url\s*[=:]"
)
_GENERATED = re.compile(r"(^|/)(__pycache__|\.venv|build|dist|[^/]+\.egg-info)/|\.(pyc|pyo|orig|rej|db-wal|db-shm)$")
_WOULD_HIDE = ("supervisor/__init__.py", "packaging/__init__.py")  # the installed packages of these names


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for name in names if name and (path := Path(name)).is_file()]


def findings(path: Path) -> Iterator[str]:
    name = path.as_posix()
    size = path.stat().st_size
    if size > _LARGEST_BYTES:
        yield f"{name}: {size} bytes; a file has at most {_LARGEST_BYTES}"
        return
    if _GENERATED.search(name):
        yield f"{name}: made by a program; name it in .gitignore"
    if name in _WOULD_HIDE:
        yield f"{name}: makes the folder a package that hides the installed one of its name"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return  # a picture
    for number, line in enumerate(lines, start=1):
        if _INDEX_ADDRESS.search(line) and name != ".ci/check_tree.py":
            yield f"{name}:{number}: address of a package index; it belongs to the machine: {line.strip()[:100]}"


def main() -> int:
    files = tracked_files()
    found = [finding for path in files for finding in findings(path)]
    print("\n".join([*found, f"{len(files)} files looked at, {len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
