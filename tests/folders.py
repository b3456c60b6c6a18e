"""Folders of a user who has never run anything."""

from __future__ import annotations

from pathlib import Path


def fresh_folders(home: Path, runtime: Path) -> dict[str, str]:
    """Make them, 0700, and tell the variables that lead programs there. `runtime` has to be short: sockets go there."""
    for folder in (home, runtime):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(runtime),
    }
