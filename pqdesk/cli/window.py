"""`open`, and `pqdesk` alone: the window. It is a program of its own; this only starts it."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from pqdesk.bundle import is_bundle, window_command
from pqdesk.cli.command import command
from pqdesk.cli.settings import Settings, pass_settings, settings_of
from pqdesk.paths import WORKSPACE_VARIABLE, choose_workspace


@command("open")
@click.argument("path", required=False)
@click.option("--background", is_flag=True, help="Start in the tray, without a window.")
@click.option("--page", metavar="NAME", help="Show this page, called as in the sidebar.")
@click.option("--filter", "filter_text", metavar="TEXT", help="Show these messages, as the window's filter has them.")
@pass_settings
def open_command(
    settings: Settings, path: str | None, background: bool, page: str | None, filter_text: str | None
) -> int:
    """Open the window on a workspace.

    PATH is a workspace, its queue.db, or any SQLite file with queues. Without PATH, the window opens on the
    workspace of -w or $PQDESK_WORKSPACE, else on the one last used.
    """
    return open_window(path, is_background=background, page=page, filter_text=filter_text)


def open_window(
    path: str | None, *, is_background: bool, page: str | None = None, filter_text: str | None = None
) -> int:
    """Run the window until it is closed; returns its exit code. Without a path the window chooses."""
    given = path or settings_of(click.get_current_context()).workspace or os.environ.get(WORKSPACE_VARIABLE)
    if is_bundle():
        sys.stdout.flush()
        words = ["--background"] if is_background else []
        for option, value in (("--page", page), ("--filter", filter_text)):
            words += [] if value is None else [option, value]
        words += [str(choose_workspace(given).location)] if given else []
        command = window_command(*words)
        os.execv(command[0], command)
    # By name: the two front doors do not import each other, and no command loads Qt.
    run_app: Any = import_module("pqdesk.gui.app").run_app
    return int(run_app(Path(given).expanduser() if given else None, is_background, page, filter_text))
