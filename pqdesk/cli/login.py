"""`start-at-login`: whether this workspace's workers start when their user logs in."""

from __future__ import annotations

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import say
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.services.workers import login_start_of


@command("start-at-login", has_json=True)
@click.argument("switch", type=click.Choice(["on", "off"]), required=False)
@click.option(
    "--keep-after-logout/--end-at-logout",
    "is_kept",
    default=None,
    help="With systemd: whether your services run on after you log out; it holds for all of them.",
)
@pass_settings
def start_at_login_command(settings: Settings, switch: str | None, is_kept: bool | None) -> None:
    """Start workers when you log in, or no more.

    Those that start with supervisord, by a service of your own systemd, else by an autostart entry of the desktop.
    Without `on` or `off`, tells how it is.
    """
    login = login_start_of(settings.paths)
    if switch is not None:
        login.switch(switch == "on")
    if is_kept is not None:
        login.keep_after_logout(is_kept)
    state = login.state()
    if settings.is_json:
        print_json(state)
        return
    say(f"start at login: {'on' if state.is_on else 'off'}" + (f" ({state.way})" if state.is_on else ""))
    say(state.explanation)
    if state.is_on and state.is_lingering is False:
        say(f"To keep them running after you log out: {settings.command} start-at-login --keep-after-logout")
