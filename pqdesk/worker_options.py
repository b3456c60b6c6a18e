"""What a worker is: one table of its options, from which all derives that runs, writes, reads, checks or shows one.

`consume` and `produce` take their options from it, `add-worker`, `edit-worker` and the window offer them, supervision
writes a command line by it and reads it back. The check of an option is the one that the worker makes at its start.

A new option is one row here and an argument of the field's name where the worker uses it: in `run_consumer` or
`run_producer`, or in the target of the only kind that has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import ATTEMPTS_LIMIT, LARGEST_ID
from pqdesk.messages.written import FORMS, RULE
from pqdesk.worker_checks import (
    check_command,
    check_cron,
    check_folder,
    check_handler,
    check_header,
    check_pattern,
    check_payload,
    check_queue,
    check_seconds,
    check_signal,
    check_size,
    check_timezone,
    check_url,
    choice_of,
    duration_of,
    number_of,
    whole_seconds_of,
)


class Kind(StrEnum):
    """What a worker does with messages, in the order in which a kind is looked for."""

    FUNCTION = "function"
    COMMAND = "command"
    POST = "post"
    FOLDER = "folder"
    SCHEDULE = "schedule"
    OTHER = "other"


CONSUMERS = (Kind.FUNCTION, Kind.COMMAND, Kind.POST)
PRODUCERS = (Kind.FOLDER, Kind.SCHEDULE)
MOST_REPLICAS = 500

Form = Literal["text", "folder", "number", "flag", "several", "words"]
_DAY_S = 86_400
_MISSED = {name: name for name in ("once", "skip", "all")}
_RESTARTS = {"always": "always", "if-it-fails": "if it fails", "never": "never"}


def _here(text: str) -> str:
    """A path as it is meant where it is written: the worker runs in another folder."""
    return os.path.abspath(os.path.expanduser(text))


def _handler_here(text: str) -> str:
    file, sign, function = text.rpartition(":")
    return f"{os.path.abspath(file)}:{function}" if sign and file.endswith(".py") and os.path.exists(file) else text


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOption:
    """One option.

    Attributes:
        field: Its name in a recipe or definition, and as an argument.
        option: As it is written: `--post`; `--` is all that stands behind that.
        kinds: The kinds of worker that have it.
        check: From what is written to what the worker takes; InvalidInput tells why not. Of `several` for each.
        help, metavar: For the command line.
        form: A text, a folder, a number, a flag, several texts, or the words after `--`.
        group: Of `what`, a worker has exactly one, of `when` at most one.
        needs, lacking: One of these other fields has to be given, and what is said when none is.
        is_word: In `consume` and `produce` it stands without its option.
        here: Makes of it what is meant in the folder where it is written.
        written: Back to what is written, where that is not `str`.
        label, hint, placeholder: Of its field in the window; without a label it is not asked there, and stays.
        offer: What the window calls it where one of a group is chosen.
        choices: What may be given, and what the window calls that; with `is_open` other things too.
        least, most, unit, suffix: Of a number in the window; the placeholder stands for the least.
    """

    field: str
    option: str
    kinds: tuple[Kind, ...] = tuple(Kind)
    check: Callable[[Any], Any]
    help: str = ""
    metavar: str = ""
    form: Form = "text"
    group: Literal["what", "when"] | None = None
    needs: tuple[str, ...] = ()
    lacking: str = ""
    is_word: bool = False
    here: Callable[[str], str] = str
    written: Callable[[Any], str] = str
    label: str = ""
    hint: str = ""
    placeholder: str = ""
    offer: str = ""
    choices: Mapping[str, str] | None = None
    is_open: bool = False
    least: int = 0
    most: int = 0
    unit: int = 1
    suffix: str = ""

    @property
    def name(self) -> str:
        """As a sentence calls it."""
        return "a command after --" if self.form == "words" else self.option

    def read(self, value: Any) -> Any:
        """What the worker takes of `value`. Raises InvalidInput."""
        return tuple(map(self.check, value)) if self.form == "several" else self.check(value)


# What a worker does. In the order in which they are written and asked for.
OPTIONS = (
    WorkerOption(
        field="handler", option="--handler", kinds=(Kind.FUNCTION,), group="what", check=check_handler,
        metavar="MODULE_OR_FILE:FUNCTION", help="The Python function to call: 'mail:send', 'mail.py:send'.",
        here=_handler_here, label="Function", placeholder="mail.py:send",
        hint="A file or module, a colon, the function; it gets one message at a time",
    ),
    WorkerOption(
        field="command", option="--", kinds=(Kind.COMMAND,), group="what", check=check_command, form="words",
        label="Command", placeholder="sha256sum",
        hint="Gets the payload on standard input. Exit 0: done, its output is the result; 75: try again; 65: failed",
    ),
    WorkerOption(
        field="is_piped", option="--pipe", kinds=(Kind.COMMAND,), check=bool, form="flag",
        help="Start the command once; each message is a JSON line to it, each answer one from it.",
        label="Start it once, a JSON line per message",
        hint='Reads {"id": 7, "payload": …} and answers {"id": 7, "ok": …} or "retry" or "fail" with a reason',
    ),
    WorkerOption(
        field="url", option="--post", kinds=(Kind.POST,), group="what", check=check_url, metavar="URL",
        help="Send each message by HTTP POST, the payload as the body.",
        label="Address", placeholder="http://localhost:8000/messages",
        hint="Each payload is posted there. 2xx: done; 5xx, 408, 429: retried; others: failed",
    ),
    WorkerOption(
        field="headers", option="--post-header", kinds=(Kind.POST,), check=check_header, form="several", metavar="K=V",
        help="For --post: a header; may be repeated. $NAME in V is a variable of the worker.",
        label="Headers", placeholder="none, or Authorization=$TOKEN",
        hint="Name=value, with blanks between them; $NAME is a variable, a secret perhaps",
    ),
    WorkerOption(
        field="folder", option="--folder", kinds=(Kind.FOLDER,), group="what", check=check_folder, form="folder",
        metavar="DIR", help="Watch this folder: a message per new or changed file.", here=_here,
        label="Folder", placeholder="/home/ada/incoming",
        hint="A message for each new or changed file, once it is written completely",
    ),
    WorkerOption(
        field="settle_s", option="--settle", kinds=(Kind.FOLDER,), check=duration_of("settle", may_be_zero=True),
        metavar="DURATION", help="For --folder: how long a file must be unchanged; 2s by default.",
        label="Settled", hint="After so long without a change it is complete", placeholder="2s",
    ),
    WorkerOption(
        field="match", option="--match", kinds=(Kind.FOLDER,), check=check_pattern, form="several", metavar="PATTERN",
        help="For --folder: only such files: '*.jpg'; may be repeated.",
        label="Only", hint="Patterns, with blanks between them", placeholder="all files, or *.jpg *.png",
    ),
    WorkerOption(
        field="ignore", option="--ignore", kinds=(Kind.FOLDER,), check=check_pattern, form="several",
        metavar="PATTERN", help="For --folder: no such files and folders; may be repeated.",
        label="But not", hint="Patterns of files and folders", placeholder="none, or *.bak old",
    ),
    WorkerOption(
        field="is_flat", option="--no-subfolders", kinds=(Kind.FOLDER,), check=bool, form="flag",
        help="For --folder: not the folders in it.", label="Without the folders in it",
    ),
    WorkerOption(
        field="payload", option="--payload", kinds=(Kind.SCHEDULE,), group="what", check=check_payload,
        needs=("every", "cron"), lacking="a fixed payload is put so often or at times: give --every or --cron",
        help="Put this, with --every or --cron.",
        label="Payload", offer="The same payload each time", placeholder='{"report": "daily"}',
    ),
    WorkerOption(
        field="command", option="--", kinds=(Kind.SCHEDULE,), group="what", check=check_command, form="words",
        label="Command", offer="What a command prints, a message per line", placeholder="find /srv -newer stamp",
    ),
    WorkerOption(
        field="handler", option="--handler", kinds=(Kind.SCHEDULE,), group="what", check=check_handler,
        metavar="MODULE_OR_FILE:FUNCTION", help="The Python function to call: 'mail:poll', 'mail.py:poll'.",
        here=_handler_here, label="Function", offer="What a Python function yields", placeholder="mail.py:poll",
        hint="A file or module, a colon, the function",
    ),
    WorkerOption(
        field="command", option="--", kinds=(Kind.OTHER,), group="what", check=check_command, form="words",
        label="Command", placeholder="/usr/bin/python3 server.py",
        hint="A program and its arguments; no shell reads them, so no pipes and no *",
    ),
    WorkerOption(
        field="form", option="--as", kinds=(Kind.SCHEDULE,), check=choice_of("form", {one: one for one in FORMS}),
        choices={"text": "Text", "json": "JSON", "bytes": "Bytes"}, help=f"What --payload, or each line, is; {RULE}",
    ),
    WorkerOption(
        field="queues", option="--queue", kinds=CONSUMERS, check=check_queue, form="several", is_word=True,
        metavar="QUEUE", help="Take from it, or put into it; may be repeated.",
        label="Queues", hint="Names, with commas between them", placeholder="files",
    ),
    WorkerOption(
        field="queue", option="--queue", kinds=PRODUCERS, check=check_queue, is_word=True, metavar="QUEUE",
        label="Queue", placeholder="files",
    ),
    WorkerOption(
        field="concurrency", option="--concurrency", kinds=CONSUMERS, check=number_of("concurrency", most=1000),
        form="number", metavar="N", help="Messages at once in each process.",
        label="At once", placeholder="1", most=1000, suffix=" messages",
    ),
    WorkerOption(
        field="timeout", option="--timeout", kinds=CONSUMERS, check=duration_of("timeout"), metavar="DURATION",
        help="The longest that one message may take.",
        label="Longest", hint="One message may take so long; it is retried then", placeholder="no limit, or 30s, 5m",
    ),
    WorkerOption(
        field="lease", option="--lease", kinds=CONSUMERS, check=duration_of("lease"), metavar="DURATION",
        help="How long a dead machine keeps a message.",
    ),
    WorkerOption(
        field="max_attempts", option="--max-attempts", kinds=CONSUMERS,
        check=number_of("max attempts", most=ATTEMPTS_LIMIT), form="number", metavar="N",
        help="Where neither message nor queue says.",
        label="Attempts", placeholder="as the queue says", most=1_000_000, hint="Then the message is failed",
    ),
    WorkerOption(
        field="drain", option="--drain", kinds=CONSUMERS, check=bool, form="flag",
        help="Stop when nothing is ready, in hand or to be retried.",
    ),
    WorkerOption(
        field="drain_wait", option="--drain-wait", kinds=CONSUMERS, check=duration_of("drain wait", may_be_zero=True),
        metavar="DURATION", needs=("drain",), lacking="--drain-wait belongs to --drain; give that too",
        help="For --drain: how long to wait for messages to be retried; no limit by default.",
    ),
    WorkerOption(
        field="max_messages", option="--max", kinds=CONSUMERS, check=number_of("max", most=LARGEST_ID), form="number",
        metavar="N", help="Stop after N messages.",
    ),
    WorkerOption(
        field="quiet", option="--quiet", kinds=(*CONSUMERS, *PRODUCERS), check=bool, form="flag",
        help="No line per message; warnings and errors only.",
    ),
    WorkerOption(
        field="every", option="--every", kinds=(Kind.SCHEDULE,), group="when", check=duration_of("every"),
        metavar="DURATION", help="Run at once, and then so often.",
        label="Every", offer="Every so often", hint="At once, and then so often", placeholder="5m",
    ),
    WorkerOption(
        field="cron", option="--cron", kinds=(Kind.SCHEDULE,), group="when", check=check_cron, metavar="FIELDS",
        help="Run at these times: '*/10 * * * *'.",
        label="Cron line", offer="At times, as cron has them", hint="Minute, hour, day, month, weekday",
        placeholder="0 3 * * *",
    ),
    WorkerOption(
        field="seconds", option="--seconds", kinds=(Kind.SCHEDULE,), check=bool, form="flag", needs=("cron",),
        lacking="--seconds belongs to a cron line; leave it out",
        help="The --cron expression has six fields, of which the first is seconds.",
    ),
    WorkerOption(
        field="timezone", option="--timezone", kinds=(Kind.SCHEDULE,), check=check_timezone, metavar="NAME",
        needs=("cron",), lacking="a time zone belongs to a cron line; leave it out",
        help="For --cron: 'Europe/Berlin'; else the machine's.",
        label="Time zone", placeholder="this machine's, or Europe/Berlin",
    ),
    WorkerOption(
        field="missed", option="--missed", kinds=(Kind.SCHEDULE,), check=choice_of("missed runs", _MISSED),
        needs=("every", "cron"), lacking="missed runs are those of --every or --cron; give one of them",
        choices={"once": "Are made up for once", "skip": "Are left out", "all": "Are made up for, each"},
        help="Runs missed while the machine slept are made up for once (the default), not at all, or each.",
        label="Missed runs", hint="While the machine slept or the worker was stopped",
    ),
)  # fmt: skip

# How any worker runs: the fields of a WorkerDefinition that have an option.
RUN_OPTIONS = (
    WorkerOption(
        field="replicas", option="--replicas", check=number_of("replicas", most=MOST_REPLICAS), form="number",
        metavar="N", help="How many processes.",
        label="Replicas", hint="Processes that do the same", least=1, most=MOST_REPLICAS,
    ),
    WorkerOption(
        field="is_autostart", option="--autostart/--no-autostart", check=bool, form="flag",
        help="Whether supervisord starts it.", label="Start with supervisord",
    ),
    WorkerOption(
        field="restart", option="--restart", check=choice_of("restart", _RESTARTS),
        written=lambda policy: policy.replace(" ", "-"), help="After which ends it is started again.",
        label="Start again", hint="When it has ended by itself",
        choices={"always": "Always", "if-it-fails": "If it fails", "never": "Never"},
    ),
    WorkerOption(
        field="folder", option="--directory", check=check_folder, form="folder", metavar="DIR", here=_here,
        help="Where it runs; else in the workspace.",
        label="Working folder", hint="Where relative paths begin", placeholder="the workspace",
    ),
    WorkerOption(
        field="stop_signal", option="--stop-signal", check=check_signal, metavar="SIGNAL",
        help="What asks it to end; TERM by default.",
        label="Ends with", hint="The signal that asks it to end", is_open=True,
        choices={
            "TERM": "TERM: finishes first", "INT": "INT: as Ctrl+C", "HUP": "HUP", "QUIT": "QUIT", "USR1": "USR1",
            "USR2": "USR2", "KILL": "KILL: at once",
        },
    ),
    WorkerOption(
        field="stop_wait_s", option="--stop-wait", check=whole_seconds_of("stop wait"), form="number",
        metavar="DURATION", written="{}s".format, help="After that it is killed; 30s by default.",
        label="Time to end", hint="Then it is killed; its message runs again", most=_DAY_S, suffix=" s",
    ),
    WorkerOption(
        field="start_s", option="--start-wait", check=whole_seconds_of("start wait"), form="number",
        metavar="DURATION", written="{}s".format, help="How long it must stay up to be started.",
        label="Counts as up", hint="When it has run for so long", most=_DAY_S, suffix=" s",
    ),
    WorkerOption(
        field="log_bytes", option="--log-size", check=check_size, form="number", metavar="SIZE",
        help="Rotate logs there; 1MB by default, 0: never.",
        label="Log size", placeholder="without end", most=2**40, unit=1024**2, suffix=" MiB",
    ),
    WorkerOption(
        field="log_backups", option="--log-backups", check=number_of("log backups", least=0, most=1000),
        form="number", metavar="N", help="How many old logs are kept; 3 by default.",
        label="Old logs kept", most=1000,
    ),
)  # fmt: skip


def options_of(*kinds: Kind) -> tuple[WorkerOption, ...]:
    """The options that one of these kinds has, each once."""
    rows: dict[str, WorkerOption] = {}
    for row in OPTIONS:
        if {*row.kinds} & {*kinds}:
            rows.setdefault(row.field, row)
    return tuple(rows.values())


def fields_of(kind: Kind) -> frozenset[str]:
    return frozenset(row.field for row in OPTIONS if kind in row.kinds)


def fitting_kind(
    given: Collection[str], kinds: Iterable[Kind], *, inherited: Collection[str] = (), old: Kind | None = None
) -> Kind:
    """The kind among `kinds` that a worker with these fields is.

    Args:
        given: The fields that were given, of `what` exactly one.
        inherited: What the worker has besides: the kind that keeps most of it is taken.
        old: The kind that it is, taken before others.

    Raises:
        InvalidInput: There is none.
    """
    rows = {row.field: row for row in options_of(*kinds)}
    what = [one for one in given if one in rows and rows[one].group == "what"]
    check_one_thing([rows[one] for one in what], [row for row in rows.values() if row.group == "what"])
    possible = [kind for kind in kinds if what[0] in fields_of(kind)]
    best = min(
        possible, key=lambda kind: (len({*given} - fields_of(kind)), len({*inherited} - fields_of(kind)), kind != old)
    )
    wrong = [row.name for row in OPTIONS if row.field in {*given} - fields_of(best)]
    if wrong:
        raise InvalidInput(f"{', '.join(dict.fromkeys(wrong))} does not go with the rest")
    return best


def check_one_thing(given: Collection[WorkerOption], possible: Collection[WorkerOption]) -> None:
    """Raises InvalidInput unless exactly one thing is to be run."""
    if not given:
        if len(possible) == 1:
            raise InvalidInput(f"the {next(iter(possible)).label.lower()} is missing; fill it in")
        names = ", ".join(row.name for row in possible)
        raise InvalidInput(f"nothing to run: a worker runs one thing, so give one of {names}")
    if len(given) > 1:
        names = " and ".join(row.name for row in given)
        raise InvalidInput(f"{names} exclude each other: a worker runs one thing")


def check_together(kind: Kind, values: Mapping[str, Any], *, is_marked: bool = False) -> None:
    """Raises InvalidInput where values that are good in themselves do not go together.

    Args:
        is_marked: The handler may say itself when it runs.
    """
    rows = options_of(kind)
    given = [row for row in rows if row.field in values]
    check_one_thing([row for row in given if row.group == "what"], [row for row in rows if row.group == "what"])
    if not {"queue", "queues"} & values.keys() and kind is not Kind.OTHER:
        check_queue("")
    when = [row.name for row in given if row.group == "when"]
    if len(when) > 1:
        raise InvalidInput(f"{' and '.join(when)} exclude each other: give one, not both")
    if "cron" in values:
        check_seconds(values["cron"], has_seconds=bool(values.get("seconds")))
    for row in given:
        if row.needs and not {*row.needs} & values.keys() and not is_marked:
            raise InvalidInput(row.lacking)
