"""What packaging/bundle.spec puts into the two executables that PyInstaller does not find by itself.

Modules that are imported by a name: all of pqdesk counts as that, since it is small and a command, a page or a handler
that is missing shows only when somebody wants it. Data lies beside the code that reads it, as in a wheel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pqdesk"
# What each of the two programs is without: the window's has no commands, theirs no window.
WINDOW, COMMANDS = "pqdesk.gui", "pqdesk.cli"

# Of others, by the package that a program is without: named in supervisord's configuration, or by what a terminal is.
NAMED_ELSEWHERE = {WINDOW: ("supervisor.rpcinterface", "rich._unicode_data"), COMMANDS: ()}

# Nobody asks for these in a bundle, and each brings much along.
NEVER = (
    *("tkinter", "unittest", "doctest", "pydoc", "pdb", "lib2to3", "setuptools", "pkg_resources", "pip", "numpy"),
    *("pygments", "markdown_it", "supervisor.tests"),  # rich colours code and reads Markdown with them; we do neither
)
QT_NEVER = (
    *("PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets", "PySide6.QtPrintSupport"),
    *("PySide6.QtSql", "PySide6.QtTest", "PySide6.QtDesigner", "PySide6.QtUiTools", "PySide6.QtXml", "PySide6.QtHelp"),
)
# Distributions whose version is asked for while it runs.
WITH_METADATA = ("supervisor", "PySide6-Essentials")


def own_modules(*, without: str) -> list[str]:
    """The modules of pqdesk by their whole names, but for one package and what starts Python with it."""
    names = sorted(_module_name(path) for path in PACKAGE.rglob("*.py"))
    return [name for name in names if not f"{name}.".startswith(f"{without}.") and name != "pqdesk.__main__"]


def own_data() -> Iterator[tuple[str, str]]:
    """(file, folder in the bundle) of what pqdesk reads beside its code."""
    for path in sorted((PACKAGE / "storage/sqlite/schema").glob("*.sql")):
        yield str(path), "pqdesk/storage/sqlite/schema"
    for path in sorted((ROOT / "resources").rglob("*")):
        if path.is_file() and "screenshots" not in path.parts:
            yield str(path), str(Path("pqdesk") / path.parent.relative_to(ROOT))


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
