"""How a command is declared: the options that every command takes, before its name or after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from pqdesk.cli.settings import settings_of


def _set(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value == "":  # an unset shell variable must not mean the folder one happens to stand in
        raise click.BadParameter("it is empty; name a folder, or leave the option out for the default workspace")
    if value:
        setattr(settings_of(context), str(option.name), value)


def common_options(*, has_json: bool) -> list[click.Option]:
    """New -w, -v and, where asked for, --json. The one nearest to its command decides."""
    common: dict[str, Any] = {"callback": _set, "expose_value": False}
    place = "The workspace; else $PQDESK_WORKSPACE, else your default one."
    options = [
        click.Option(["-w", "--workspace"], metavar="PATH", help=place, **common),
        click.Option(["--json", "is_json"], is_flag=True, help="Print JSON.", **common),
        click.Option(["-v", "--verbose", "is_verbose"], is_flag=True, help="Show the traceback of an error.", **common),
    ]
    return options if has_json else [options[0], options[2]]


class PQDeskCommand(click.Command):
    """A command with the common options."""

    def __init__(self, *args: Any, has_json: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(common_options(has_json=has_json))


_COMMAND_WORDS = "pqdesk.cli.command.words"


class DashesCommand(PQDeskCommand):
    """A command whose arguments may end in `-- COMMAND …`: another program's words, which click must not read."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[_COMMAND_WORDS] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


def command_words() -> list[str] | None:
    """What stood after `--`; None without `--`. Raises UsageError when nothing stood there."""
    context = click.get_current_context()
    words: list[str] | None = context.meta.get(_COMMAND_WORDS)
    if words is not None and not words:
        raise click.UsageError("no command after '--'", context)
    return words


def command(
    name: str, *, cls: type[PQDeskCommand] = PQDeskCommand, **attributes: Any
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Declare a command; what its function returns is the exit code, None being 0."""
    return click.command(name, cls=cls, **attributes)
