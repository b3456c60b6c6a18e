"""`supervisord` and `supervisorctl`: the bundled programs, on this workspace's configuration unless told otherwise."""

from __future__ import annotations

import click

from pqdesk.cli.command import PQDeskCommand, command
from pqdesk.cli.settings import Settings, pass_settings, settings_of

_WORKSPACE_OPTIONS = ("-w", "--workspace")


class PassThroughCommand(PQDeskCommand):
    """A command whose words are another program's. Only a leading -w, which these programs do not have, is ours.

    `-v` and `--help` are theirs as well: they print the version and the usage of the program.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        settings, words = settings_of(ctx), list(args)
        while words and words[0].partition("=")[0] in _WORKSPACE_OPTIONS:
            name, sign, value = words.pop(0).partition("=")
            if not sign and not words:
                raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.", ctx)
            settings.workspace = value if sign else words.pop(0)
        ctx.params = {"words": words}
        return []


@command("supervisord", cls=PassThroughCommand)
@pass_settings
def supervisord_command(settings: Settings, words: list[str]) -> int:
    """Run supervisord here. In the background, unless -n is given."""
    from pqdesk.supervision.daemon.bundled_programs import supervisord

    return supervisord(words, settings.paths)


@command("supervisorctl", cls=PassThroughCommand)
@pass_settings
def supervisorctl_command(settings: Settings, words: list[str]) -> int:
    """Run supervisorctl here. Its words: status, start NAME, stop NAME, tail -f NAME, …"""
    from pqdesk.supervision.daemon.bundled_programs import supervisorctl

    return supervisorctl(words, settings.paths)
