"""Which programs are PQDesk's own: from source an interpreter's, in a bundle two that need no Python on the machine.

A bundle is one folder, made by packaging/build:

    pqdesk        the window
    pqdeskd       everything without one: commands, workers, supervisord, supervisorctl
    bin/pqdesk    pqdeskd under the name that people and workers call it by; the folder for $PATH
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

PROGRAM = "pqdesk"

# What the start of a bundle sets for itself, where the loader of shared libraries looks; what was there before is kept
# in NAME_ORIG (PyInstaller 6.22).
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_OF_QT = ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH")


def is_bundle() -> bool:
    return bool(getattr(sys, "frozen", False))


def leave_bundle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Give back the environment that a bundle was started with, so that every program started from it has that.

    Else the system's programs would load libraries and plugins of the bundle, which were never made for them: the
    `xdg-open` behind a link as much as the command of a message. To be called before anything else; the bundle's own
    programs find all by themselves.
    """
    inside = getattr(sys, "_MEIPASS", None)
    if not is_bundle() or inside is None:
        return
    for name in _LIBRARY_PATHS:
        before = environment.pop(f"{name}_ORIG", None)
        environment.pop(name, None)
        if before is not None:
            environment[name] = before
    for name in list(environment):
        if name.startswith("_PYI_") or (name in _OF_QT and environment[name].startswith(inside)):
            del environment[name]


def program_command(*words: str) -> list[str]:
    """How to call PQDesk's commands, without a window, from wherever: whole paths, nothing from the folder."""
    if is_bundle():
        return [os.path.join(_folder(), "pqdeskd"), *words]
    return [*_interpreter("pqdesk"), *words]


def window_command(*words: str) -> list[str]:
    """The same for the window."""
    if is_bundle():
        return [os.path.join(_folder(), PROGRAM), *words]
    return [*_interpreter("pqdesk.gui.app"), *words]


def path_with_program(environment: MutableMapping[str, str]) -> str:
    """PATH, the folder of the program `pqdesk` first, so that workers find the one that belongs to this library."""
    path = environment.get("PATH") or os.defpath
    folder = _program_folder()
    rest = [one for one in path.split(os.pathsep) if one != folder]
    return os.pathsep.join([folder, *rest] if folder else rest)


def _interpreter(module: str) -> list[str]:
    # -P: a module in the current folder must not stand in for one of the library's; utf8: configuration is, everywhere
    return [sys.executable, "-P", "-X", "utf8", "-m", module]


def _folder() -> str:
    return os.path.dirname(sys.executable)


def _program_folder() -> str | None:
    if is_bundle():
        return os.path.join(_folder(), "bin")
    import sysconfig  # here: it takes longer than all else in this module

    user_scheme = sysconfig.get_preferred_scheme("user")
    for folder in (_folder(), sysconfig.get_path("scripts"), sysconfig.get_path("scripts", user_scheme)):
        if os.access(os.path.join(folder, PROGRAM), os.X_OK):
            return folder
    return None
