"""What was said before or after the name of a command and holds for all of it: workspace, JSON, tracebacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pqdesk.door import check_workspace
from pqdesk.errors import NotFound
from pqdesk.paths import WorkspacePaths, choose_workspace

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection
    from pqdesk.workspace import Workspace

R = TypeVar("R")


@dataclass
class Settings:
    """Filled in while click reads the arguments; the commands only read it."""

    workspace: str | None = None
    is_json: bool = False
    is_verbose: bool = False
    checked: WorkspacePaths | None = None

    @property
    def paths(self) -> WorkspacePaths:
        """The workspace at --workspace, else at $PQDESK_WORKSPACE, else the default one.

        Raises WorkspaceError: it is there, and is refused at the door.
        """
        paths = self.unchecked_paths
        if self.checked != paths:
            check_workspace(paths)
            self.checked = paths
        return paths

    @property
    def unchecked_paths(self) -> WorkspacePaths:
        """The same for `doctor`, which tells all that is wrong with it."""
        return choose_workspace(self.workspace)

    @property
    def command(self) -> str:
        """How to call another command on the same workspace: for the lines that say what to do."""
        if self.workspace is None:
            return "pqdesk"
        from shlex import quote

        return f"pqdesk -w {quote(self.workspace)}"


def settings_of(context: click.Context) -> Settings:
    return context.find_root().ensure_object(Settings)


def pass_settings(function: Callable[..., R]) -> Callable[..., R]:
    """Call `function` with the Settings first. No workspace is opened."""
    return click.pass_obj(function)


@contextmanager
def opened_workspace(settings: Settings, *, makes: bool = False) -> Iterator[Workspace]:
    """The workspace for acting; one that is not there is made only by what puts or configures."""
    from pqdesk.workspace import Workspace

    if not makes:
        require_workspace(settings)
    with Workspace(settings.paths.location, program="cli") as workspace:
        yield workspace


@contextmanager
def opened_inspection(settings: Settings) -> Iterator[Inspection]:
    """A connection that only reads; nothing is ever made or changed."""
    from pqdesk.storage import open_inspection

    require_workspace(settings)
    with closing(open_inspection(settings.paths)) as inspection:
        yield inspection


def _passing(opened: Callable[[Settings], AbstractContextManager[Any]]) -> Callable[..., Callable[..., Any]]:
    """A decorator that calls a command with what is opened for it first."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> R:
            with opened(settings_of(click.get_current_context())) as it:
                return function(it, *args, **kwargs)

        return call

    return decorate


pass_workspace = _passing(opened_workspace)  # which has to exist: acting on messages never makes one
pass_inspection = _passing(opened_inspection)


def require_workspace(settings: Settings) -> None:
    """Raise NotFound unless there is a queue file; touches nothing."""
    if not settings.paths.database.exists():
        raise NotFound(
            f"no workspace at {str(settings.paths.location)!r}; "
            f"make one by putting a message: {settings.command} put QUEUE PAYLOAD"
        )


def require_workspace_or_workers(settings: Settings) -> None:
    """Raise NotFound where there is neither a queue file nor a supervisor configuration; touches nothing."""
    if not settings.paths.supervisor_configuration.exists() and not settings.paths.workers.exists():
        require_workspace(settings)


def require_queue(settings: Settings, inspection: Inspection, queue: str | None) -> None:
    """Raise NotFound unless there is this queue; None is all of them."""
    if queue is not None and queue not in {record.name for record in inspection.queues()}:
        raise NotFound(f"there is no queue {queue!r}; see: {settings.command} queues")


def print_version(context: click.Context, _: click.Parameter, is_asked: bool) -> Any:
    """`--version`: PQDesk's and that of the SQLite it brings along."""
    if not is_asked or context.resilient_parsing:
        return
    from pqdesk import __version__
    from pqdesk.storage import sqlite_version

    click.echo(f"PQDesk {__version__} with SQLite {sqlite_version()}")
    context.exit()
