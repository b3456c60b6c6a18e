"""`backup` and `compact`: the queue file as a whole, while everybody works on it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import tell
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings, require_workspace


@command("backup", has_json=True)
@click.argument("file")
@pass_settings
def backup_command(settings: Settings, file: str) -> None:
    """Write a copy of the queues to the new FILE.

    It is as they are at one moment. Workers go on meanwhile. FILE is checked and on disk when this is done; it is the
    queue.db of a workspace.
    """
    require_workspace(settings)
    path = Path(os.path.abspath(os.path.expanduser(file)))
    with opened_workspace(settings, makes=True) as workspace:
        size = workspace.backup(path)
    tell(settings, {"file": str(path), "bytes": size}, f"{readable(size)} in {str(path)!r}")


@command("compact", has_json=True)
@pass_settings
def compact_command(settings: Settings) -> None:
    """Give space that is not used any more back to the disk.

    It happens by itself, a little at a time; this does it now. Workers go on meanwhile.
    """
    with opened_workspace(settings) as workspace:
        given_back = workspace.compact()
    text = f"{readable(given_back)} given back to the disk" if given_back else "there was nothing to give back"
    tell(settings, {"bytes_given_back": given_back}, text)


def readable(size: int) -> str:
    """`812 bytes`, `4.2 KiB`, `1,024.0 MiB`."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:,.1f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MiB"
