"""`pqdesk` itself: its own options and the table of its commands, whose modules load when they are called."""

from __future__ import annotations

from importlib import import_module

import click

from pqdesk.cli.command import common_options
from pqdesk.cli.settings import print_version

# Section of the help → command → the module that declares it, under the same name with `_` for `-`.
_SECTIONS: dict[str, dict[str, str]] = {
    "Messages": {
        "put": "put",
        "get": "receipts",
        "ack": "receipts",
        "nack": "receipts",
        "fail": "receipts",
        "release": "receipts",
        "extend": "receipts",
    },
    "Look": {
        "queues": "looking",
        "messages": "looking",
        "show": "show",
        "why": "why",
        "errors": "history",
        "metrics": "history",
        "watch": "watch",
    },
    "Act on messages": {
        "retry": "actions",
        "run-now": "actions",
        "change": "actions",
        "cancel": "actions",
        "delete": "actions",
        "restore": "actions",
        "move": "actions",
        "edit": "edit",
        "duplicate": "actions",
        "purge": "emptying",
        "trash": "emptying",
        "activity": "activity",
        "undo": "activity",
    },
    "Queues": {
        "pause": "queue_settings",
        "resume": "queue_settings",
        "configure": "queue_settings",
        "remove-queue": "queue_settings",
        "look-only": "activity",
        "secure-delete": "activity",
    },
    "Work": {
        "consume": "loops",
        "produce": "loops",
    },
    "Schedules": {
        "schedules": "schedules",
        "add-schedule": "schedules",
        "remove-schedule": "schedules",
        "enable-schedule": "schedules",
        "disable-schedule": "schedules",
        "run-schedule": "schedules",
    },
    "Workers": {
        "workers": "workers",
        "add-worker": "worker_definitions",
        "edit-worker": "worker_definitions",
        "remove-worker": "worker_definitions",
        "scale": "worker_definitions",
        "start": "worker_control",
        "stop": "worker_control",
        "restart": "worker_control",
        "signal": "worker_control",
        "logs": "logs",
        "start-at-login": "login",
        "supervisord": "programs",
        "supervisorctl": "programs",
    },
    "PQDesk": {
        "open": "window",
        "doctor": "doctor",
        "export": "exporting",
        "import": "importing",
        "backup": "keeping",
        "compact": "keeping",
    },
}
_HIDDEN = {"carry-on": "worker_control"}  # for PQDesk itself
_MODULES = {name: module for section in _SECTIONS.values() for name, module in section.items()}


class LazyGroup(click.Group):
    """A group that imports the module of a command when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _MODULES.get(cmd_name) or _HIDDEN.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(import_module(f"pqdesk.cli.{module}"), cmd_name.replace("-", "_") + "_command")
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
