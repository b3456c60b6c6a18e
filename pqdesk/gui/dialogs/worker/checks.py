"""What a field may hold, one field at a time, with the reason in words. Pure but for looking at folders."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import check_name
from pqdesk.messages.schedules import Cron
from pqdesk.supervision.commands import usual_restart
from pqdesk.supervision.quoting import check_worker_name
from pqdesk.supervision.recipes import (
    CommandRecipe,
    FolderRecipe,
    FunctionRecipe,
    PostRecipe,
    Recipe,
    ScheduleRecipe,
    command_of,
)
from pqdesk.zones import find_zone

# Good in everything: with one field replaced, whatever is refused then is about that field.
_GOOD: dict[type[Recipe], Recipe] = {
    FunctionRecipe: FunctionRecipe(handler="a.py:b", queues=("q",)),
    CommandRecipe: CommandRecipe(command=("true",), queues=("q",)),
    PostRecipe: PostRecipe(url="http://localhost", queues=("q",)),
    FolderRecipe: FolderRecipe(folder="/", queue="q"),
    ScheduleRecipe: ScheduleRecipe(queue="q", payload="1", every="1s"),
}


def check_field(kind: type[Recipe], **values: object) -> None:
    """Raises InvalidInput if a recipe of this kind cannot have these."""
    command_of(replace(_GOOD[kind], **values))  # type: ignore[arg-type]


def check_new_name(text: str, taken: frozenset[str]) -> None:
    """A worker's name that no other has."""
    if not text:
        raise InvalidInput("give it a name: letters, digits, '.', '_' and '-'")
    check_worker_name(text)
    if text in taken:
        raise InvalidInput(f"there is a worker {text!r} already; choose another name")


def check_queue(text: str) -> None:
    if not text:
        raise InvalidInput("name the queue")
    check_field(FolderRecipe, queue=check_name(text, "the queue"))


def check_queues(text: str) -> None:
    if not split_queues(text):
        raise InvalidInput("name the queue that it takes from")
    for name in split_queues(text):
        check_queue(name)


def split_queues(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(dict.fromkeys(filter(None, (one.strip() for one in text.split(",")))))


def check_handler(text: str) -> None:
    """`FILE_OR_MODULE:FUNCTION`; whether it is there is found out by a test."""
    place, _, function = text.rpartition(":")
    if not text:
        raise InvalidInput("name the function: mail.py:send, or package.module:send")
    if not place or not function:
        raise InvalidInput("write the file or module, a colon and the function: mail.py:send")
    if not all(part.isidentifier() for part in function.split(".")):
        raise InvalidInput(f"{function!r} is no name of a function")
    check_field(FunctionRecipe, handler=text)


def check_command(text: str) -> None:
    if not text:
        raise InvalidInput("give a program and its arguments")
    split_command(text)


def split_command(text: str) -> tuple[str, ...]:
    """As a shell would split it, and nothing else that a shell does. Raises InvalidInput."""
    try:
        return tuple(shlex.split(text))
    except ValueError as exc:
        what = "a quote is not closed" if "quotation" in str(exc) else "there is nothing after the last backslash"
        raise InvalidInput(what) from exc


def check_url(text: str) -> None:
    if not text:
        raise InvalidInput("give the address that the message is posted to")
    check_field(PostRecipe, url=text)


def check_headers(text: str) -> None:
    check_field(PostRecipe, headers=split_command(text))


def check_folder(text: str) -> None:
    """A folder to watch: an absolute path, to a folder where there is something."""
    if not text:
        raise InvalidInput("choose the folder")
    _check_is_folder(text)
    check_field(FolderRecipe, folder=text)


def check_working_folder(text: str) -> None:
    if text:
        _check_is_folder(text)


def _check_is_folder(text: str) -> None:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise InvalidInput("write the whole path, from / on")
    if not os.path.isdir(path):
        raise InvalidInput(f"there is no folder {text!r}; make it first")


def check_every(text: str) -> None:
    if not text:
        raise InvalidInput("say how often: 10s, 5m, 2h")
    check_field(ScheduleRecipe, every=text)


def check_cron(text: str) -> None:
    if not text:
        raise InvalidInput("write five fields: minute, hour, day, month, weekday")
    Cron(text, UTC)
    check_field(ScheduleRecipe, every=None, cron=text)


def check_timezone(text: str) -> None:
    if text:
        find_zone(text)


def check_payload(text: str) -> None:
    if not text:
        raise InvalidInput("write the payload: JSON, or any text")
    check_field(ScheduleRecipe, payload=text)


def optional_duration(name: str) -> Callable[[str], None]:
    """A duration, or nothing."""

    def check(text: str) -> None:
        if text:
            check_field(CommandRecipe, **{name: text})

    return check


def usual_restart_of(kind: type[Recipe]) -> str:
    """After which ends a worker of this kind is usually started again."""
    return usual_restart(command_of(_GOOD[kind]) if kind in _GOOD else ())
