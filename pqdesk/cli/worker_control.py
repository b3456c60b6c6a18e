"""`start`, `stop`, `restart`, `signal`: telling workers what to do."""

from __future__ import annotations

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_workers
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, say
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.cli.worker_settling import (
    START_S,
    has_restarted,
    has_started,
    has_stopped,
    progress_lines,
    report,
    settled,
    stop_s,
)
from pqdesk.cli.workers import ALL, replicas_named
from pqdesk.services.workers import Supervision, workers_of
from pqdesk.supervision.records import ReplicaRecord

_names = click.argument("names", metavar="NAME…|all", nargs=-1, required=True, shell_complete=complete_workers)
_no_wait = click.option("--no-wait", is_flag=True, help="Ask for it and return, before it has happened.")


@command("start", has_json=True)
@click.argument("names", metavar="NAME…|all", nargs=-1, shell_complete=complete_workers)
@click.option("--autostart", "is_autostart", is_flag=True, help="Without a name: supervisord, and what starts with it.")
@_no_wait
@pass_settings
def start_command(settings: Settings, names: tuple[str, ...], is_autostart: bool, no_wait: bool) -> int:
    """Start workers or all. Supervisord is started too, when it does not run."""
    if bool(names) == is_autostart:
        raise click.UsageError("name workers, or 'all', or give --autostart")
    supervision = workers_of(settings.paths, "cli")
    if is_autostart:
        supervision.ensure_running()
        for problem in supervision.problems():
            remark(problem)
        say("supervisord: running")
        return ExitCode.DONE
    before = _replicas(settings, supervision, names)
    supervision.start(names)
    for problem in supervision.problems():
        remark(problem)
    return report(settings, settled(supervision, before, has_started, 0.0 if no_wait else START_S), no_wait)


@command("stop", has_json=True)
@_names
@_no_wait
@click.option("--now", "is_now", is_flag=True, help="Kill them with all their children; messages in hand run again.")
@click.option("--supervisord", "is_daemon", is_flag=True, help="With all: supervisord too.")
@pass_settings
def stop_command(settings: Settings, names: tuple[str, ...], no_wait: bool, is_now: bool, is_daemon: bool) -> int:
    """Stop workers or all. The message in hand is finished first."""
    _check_daemon(names, is_daemon)
    supervision = workers_of(settings.paths, "cli")
    before = _replicas(settings, supervision, names)
    if is_now:
        supervision.stop_now(names)
    if is_daemon:
        supervision.shutdown(on_progress=progress_lines(settings, "stopped"))
    elif not is_now:
        supervision.stop(names)
    return report(settings, settled(supervision, before, has_stopped, 0.0 if no_wait else stop_s(before)), no_wait)


@command("restart", has_json=True)
@_names
@_no_wait
@click.option("--supervisord", "is_daemon", is_flag=True, help="With all: supervisord too, as after an upgrade.")
@pass_settings
def restart_command(settings: Settings, names: tuple[str, ...], no_wait: bool, is_daemon: bool) -> int:
    """Stop and start workers or all."""
    _check_daemon(names, is_daemon)
    supervision = workers_of(settings.paths, "cli")
    before = _replicas(settings, supervision, names)
    if is_daemon:
        supervision.restart_daemon(on_progress=progress_lines(settings, "stopped"))
    else:
        supervision.restart(names)

    def has_settled(was: ReplicaRecord, now: ReplicaRecord) -> bool:
        return has_restarted(was, now) or (is_daemon and was.pid is None)  # which stays as it was

    wait_s = 0.0 if no_wait and not is_daemon else START_S
    return report(settings, settled(supervision, before, has_settled, wait_s), no_wait)


@command("signal", has_json=True)
@click.argument("name", metavar="NAME|all", shell_complete=complete_workers)
@click.argument("number", metavar="SIGNAL")
@pass_settings
def signal_command(settings: Settings, name: str, number: str) -> int:
    """Send a signal to a worker or all.

    SIGNAL is a name or a number: HUP, USR1, 10. It goes to each of the worker's processes.
    """
    supervision = workers_of(settings.paths, "cli")
    found = _replicas(settings, supervision, (name,))
    supervision.signal(name, number)
    if settings.is_json:
        print_json(found)
    else:
        for one in found:
            say(f"{one.process}: {number} sent")
    return ExitCode.DONE


@command("carry-on")
@pass_settings
def carry_on_command(settings: Settings) -> None:
    """Do what workers were asked to do and could not do at once. PQDesk calls this itself."""
    workers_of(settings.paths, "cli").carry_on()


def _check_daemon(names: tuple[str, ...], is_daemon: bool) -> None:
    if is_daemon and names != (ALL,):
        raise click.UsageError("supervisord goes with all its workers: give the name 'all'")


def _replicas(settings: Settings, supervision: Supervision, names: tuple[str, ...]) -> list[ReplicaRecord]:
    """The processes meant, each once. Raises NotFound."""
    found = {one.process: one for name in names for one in replicas_named(settings, supervision, name)}
    return list(found.values())
