"""`pqdesk` itself: its own options and the table of its commands, whose modules load when they are called."""

from __future__ import annotations

from importlib import import_module

import click

from pqdesk.cli.command import common_options
from pqdesk.cli.settings import print_version

# Section of the help → command → the module that declares it, under the same name with `_` for `-`. Whole names: what
# makes a bundle looks for them.
_SECTIONS: dict[str, dict[str, str]] = {
    "Messages": {
        "put": "pqdesk.cli.put",
        "get": "pqdesk.cli.receipts",
        "ack": "pqdesk.cli.receipts",
        "nack": "pqdesk.cli.receipts",
        "fail": "pqdesk.cli.receipts",
        "release": "pqdesk.cli.receipts",
        "extend": "pqdesk.cli.receipts",
    },
    "Look": {
        "queues": "pqdesk.cli.looking",
        "messages": "pqdesk.cli.looking",
        "show": "pqdesk.cli.show",
        "why": "pqdesk.cli.why",
        "errors": "pqdesk.cli.history",
        "metrics": "pqdesk.cli.history",
        "watch": "pqdesk.cli.watch",
    },
    "Act on messages": {
        "retry": "pqdesk.cli.actions",
        "run-now": "pqdesk.cli.actions",
        "change": "pqdesk.cli.actions",
        "cancel": "pqdesk.cli.actions",
        "delete": "pqdesk.cli.actions",
        "restore": "pqdesk.cli.actions",
        "move": "pqdesk.cli.actions",
        "edit": "pqdesk.cli.edit",
        "duplicate": "pqdesk.cli.actions",
        "purge": "pqdesk.cli.emptying",
        "trash": "pqdesk.cli.emptying",
        "activity": "pqdesk.cli.activity",
        "undo": "pqdesk.cli.activity",
        "redo": "pqdesk.cli.activity",
    },
    "Queues": {
        "pause": "pqdesk.cli.queue_settings",
        "resume": "pqdesk.cli.queue_settings",
        "configure": "pqdesk.cli.queue_settings",
        "remove-queue": "pqdesk.cli.queue_settings",
        "look-only": "pqdesk.cli.activity",
        "secure-delete": "pqdesk.cli.activity",
    },
    "Work": {
        "consume": "pqdesk.cli.loops",
        "produce": "pqdesk.cli.loops",
    },
    "Schedules": {
        "schedules": "pqdesk.cli.schedules",
        "add-schedule": "pqdesk.cli.schedules",
        "remove-schedule": "pqdesk.cli.schedules",
        "enable-schedule": "pqdesk.cli.schedules",
        "disable-schedule": "pqdesk.cli.schedules",
        "run-schedule": "pqdesk.cli.schedules",
    },
    "Workers": {
        "workers": "pqdesk.cli.workers",
        "add-worker": "pqdesk.cli.worker_definitions",
        "edit-worker": "pqdesk.cli.worker_definitions",
        "remove-worker": "pqdesk.cli.worker_definitions",
        "scale": "pqdesk.cli.worker_definitions",
        "start": "pqdesk.cli.worker_control",
        "stop": "pqdesk.cli.worker_control",
        "restart": "pqdesk.cli.worker_control",
        "signal": "pqdesk.cli.worker_control",
        "logs": "pqdesk.cli.logs",
        "start-at-login": "pqdesk.cli.login",
        "supervisord": "pqdesk.cli.programs",
        "supervisorctl": "pqdesk.cli.programs",
    },
    "PQDesk": {
        "open": "pqdesk.cli.window",
        "doctor": "pqdesk.cli.doctor",
        "export": "pqdesk.cli.exporting",
        "import": "pqdesk.cli.importing",
        "backup": "pqdesk.cli.keeping",
        "compact": "pqdesk.cli.keeping",
    },
}
_HIDDEN = {"carry-on": "pqdesk.cli.worker_control"}  # for PQDesk itself
_MODULES = {name: module for section in _SECTIONS.values() for name, module in section.items()}


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
        for section, names in _SECTIONS.items():
            rows = []
            for name in names:
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
