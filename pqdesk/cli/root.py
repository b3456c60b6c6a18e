"""`pqdesk` itself: its own options and the table of its commands, whose modules load when they are called."""

from __future__ import annotations

from importlib import import_module

import click

from pqdesk.cli.command import common_options
from pqdesk.cli.settings import print_version

# Section of the help → its modules → the commands that each declares, under the same name with `_` for `-`. Whole names
# of modules: what makes a bundle looks for them.
_SECTIONS: dict[str, dict[str, str]] = {
    "Messages": {"pqdesk.cli.put": "put", "pqdesk.cli.receipts": "get ack nack fail release extend"},
    "Look": {
        "pqdesk.cli.looking": "queues messages",
        "pqdesk.cli.show": "show why",
        "pqdesk.cli.history": "errors metrics",
        "pqdesk.cli.watch": "watch",
    },
    "Act on messages": {
        "pqdesk.cli.actions": "retry run-now change cancel delete restore move edit duplicate",
        "pqdesk.cli.emptying": "purge trash",
        "pqdesk.cli.activity": "activity undo redo",
    },
    "Queues": {
        "pqdesk.cli.queue_settings": "pause resume configure remove-queue",
        "pqdesk.cli.activity": "look-only secure-delete",
    },
    "Work": {"pqdesk.cli.loops": "consume produce"},
    "Schedules": {
        "pqdesk.cli.schedules": "schedules add-schedule remove-schedule enable-schedule disable-schedule run-schedule"
    },
    "Workers": {
        "pqdesk.cli.workers": "workers",
        "pqdesk.cli.worker_definitions": "add-worker edit-worker remove-worker scale",
        "pqdesk.cli.worker_control": "start stop restart signal",
        "pqdesk.cli.logs": "logs",
        "pqdesk.cli.login": "start-at-login",
        "pqdesk.cli.programs": "supervisord supervisorctl",
    },
    "PQDesk": {
        "pqdesk.cli.window": "open",
        "pqdesk.cli.doctor": "doctor",
        "pqdesk.cli.exporting": "export",
        "pqdesk.cli.importing": "import",
        "pqdesk.cli.keeping": "backup compact",
    },
}
_HIDDEN = {"carry-on": "pqdesk.cli.worker_control"}  # for PQDesk itself
_MODULES = {
    name: module for modules in _SECTIONS.values() for module, names in modules.items() for name in names.split()
}


class LazyGroup(click.Group):
    """A group that imports the module of a command when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _MODULES.get(cmd_name) or _HIDDEN.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(import_module(module), cmd_name.replace("-", "_") + "_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _MODULES))
        for section, modules in _SECTIONS.items():
            rows = []
            for name in " ".join(modules.values()).split():
                one = self.get_command(ctx, name)
                assert one is not None
                rows.append((name.ljust(width), one.get_short_help_str(limit=formatter.width - width - 6)))
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    params=[
        *common_options(has_json=True),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=print_version,
            help="Show the versions of PQDesk and SQLite.",
        ),
    ],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Durations are written 250ms, 10s, 5m, 2h or 1d; '-' is standard input. Exit codes: 0 done, 1 failed, "
    "2 wrong usage, 3 nothing there, 4 refused, 75 try again later, 130 Ctrl-C.",
)
@click.pass_context
def root(context: click.Context) -> int | None:
    """Durable background work on one machine: queues, their workers and a window.

    Without a command, opens the window.
    """
    if context.invoked_subcommand is not None:
        return None
    from pqdesk.cli.window import open_window

    return open_window(None, is_background=False)
