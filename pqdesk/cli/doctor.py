"""`doctor`: what is wrong with this workspace and machine, and what to do. Looks only; makes and mends nothing."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pqdesk.cli.command import command
from pqdesk.cli.doctor_checks import CHECKS, Finding, problem
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import visible
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.cli.tables import console_for
from pqdesk.errors import PQDeskError
from pqdesk.messages.counting import counted

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@command("doctor", has_json=True)
@click.option("--quiet", "is_quiet", is_flag=True, help="Only what needs somebody; nothing when all is well: for cron.")
@pass_settings
def doctor_command(settings: Settings, is_quiet: bool) -> int:
    """Say what is wrong here, and what to do.

    Looks at the workspace and this machine; mends nothing. Exit 1 for a problem: when something needs somebody.
    """
    findings = [one for one in examine(settings) if not is_quiet or one.verdict == "problem"]
    if settings.is_json:
        print_json(findings)
    elif findings:
        _print(findings)
    return ExitCode.FAILED if any(one.verdict == "problem" for one in findings) else ExitCode.DONE


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding on the workspace and on the machine. A check that fails is a finding as well."""
    told = set()  # why there is no workspace at all is told once
    for check in CHECKS:
        try:
            yield from check(settings)
        except (PQDeskError, OSError) as exc:
            if str(exc) not in told:
                yield problem(check.__name__.strip("_").replace("_", " "), str(exc))
            told.add(str(exc))


def _print(findings: list[Finding]) -> None:
    import sys

    from rich.text import Text

    console = console_for(sys.stdout)
    width = max(len(one.subject) for one in findings)
    for one in findings:
        line = Text(overflow="fold")
        line.append(f"{one.verdict:<8}", _STYLES[one.verdict]).append(f" {one.subject:<{width}}  {visible(one.text)}")
        if one.todo:
            line.append(f"; {visible(one.todo)}", "bold" if one.verdict == "problem" else "")
        console.print(line, soft_wrap=True)
    numbers = {verdict: sum(one.verdict == verdict for one in findings) for verdict in ("problem", "warning")}
    console.print(f"{counted(numbers['problem'], 'problem')}, {counted(numbers['warning'], 'warning')}")
