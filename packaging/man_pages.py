"""Make the man pages from the commands themselves: `man_pages.py FOLDER` writes pqdesk.1.gz and pqdesk-COMMAND.1.gz."""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from pqdesk.cli.root import LazyGroup, root
from pqdesk.version import VERSION


def pages() -> Iterator[tuple[str, str]]:
    """(name, roff) of each."""
    assert isinstance(root, LazyGroup)
    context = click.Context(root, info_name="pqdesk")
    names = root.list_commands(context)
    yield "pqdesk", page(root, context, see=[f"pqdesk-{name}" for name in names])
    for name in names:
        command = root.get_command(context, name)
        assert command is not None
        yield f"pqdesk-{name}", page(command, click.Context(command, info_name=name, parent=context), see=["pqdesk"])


def page(command: click.Command, context: click.Context, see: list[str]) -> str:
    name = context.command_path.replace(" ", "-")
    first, *paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    lines = [
        f'.TH "{name.upper()}" "1" "{time.strftime("%Y-%m-%d", time.gmtime(epoch()))}" "PQDesk {VERSION}" "PQDesk"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(first.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {escaped(context.command_path)}",
        escaped(" ".join(command.collect_usage_pieces(context))),
    ]
    if paragraphs:
        lines += [".SH DESCRIPTION", *(line for text in paragraphs for line in (".PP", escaped(text)))]
    rows = [row for one in command.get_params(context) if (row := one.get_help_record(context)) and row[1]]
    if rows:
        lines += [".SH OPTIONS", *(line for left, right in rows for line in (".TP", bold(left), escaped(right)))]
    if isinstance(command, LazyGroup):
        lines += [".SH COMMANDS", *commands(command, context)]
        lines += [".SH EXIT STATUS", escaped(" ".join((command.epilog or "").split()))]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {escaped(one)} (1)" for one in see).replace("),\n", ") ,\n")]
    return "\n".join(lines) + "\n"


def commands(group: LazyGroup, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from (".TP", bold(name), escaped(command.get_short_help_str(limit=200)))


def escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def bold(text: str) -> str:
    return f"\\fB{escaped(text)}\\fR"


def epoch() -> int:
    return int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in pages():
        with open(folder / f"{name}.1.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
            file.write(text.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
