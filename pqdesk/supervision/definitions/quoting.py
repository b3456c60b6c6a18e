"""Values in supervisord's configuration: what they can hold, and how.

The file is read by configparser (a blank followed by `;` or `#` begins a comment and cannot be escaped), then
`%(here)s` is replaced as plain text, then the value is expanded like a Python format (`%%` is a percent sign), then a
command is split by shlex, and an environment by shlex without escapes (supervisor 4.3: options.py, datatypes.py).
What cannot come back exactly as given is refused: a new line would make a second program, a cut value another command.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from pqdesk.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
WRITTEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ENDS_AS_REPLICA = re.compile(r"-[0-9]+$")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMMENT = re.compile(r"(?<=\s)(?=[;#])")
_HERE = "%(here)s"


def check_worker_name(name: str) -> str:
    """`name` itself. Raises InvalidInput: it is not one that a worker, its files and its replicas can have."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"worker name {name!r} is not allowed; use 1 to 64 letters, digits, '.', '_' and '-', not beginning with "
            "a sign"
        )
    if _ENDS_AS_REPLICA.search(name):
        raise InvalidInput(
            f"worker name {name!r} is not allowed: names that end in '-' and digits are those of replicas"
        )
    if name == "all":
        raise InvalidInput("worker name 'all' is not allowed: it stands for all workers")
    return name


def check_written_name(name: str) -> str:
    """`name` itself, of a worker or a process as a hand-written file has it: it becomes a part of commands and paths.

    Raises InvalidInput: it is none that supervisord, a shell and a folder take for a name.
    """
    if not WRITTEN_NAME.fullmatch(name) or name == "all":
        raise InvalidInput(
            f"worker name {name!r:.80} is not allowed; use letters, digits, '.', '_' and '-', not beginning with a "
            "sign, and not 'all'"
        )
    return name


def quote_command(arguments: Sequence[str]) -> str:
    """`arguments` as the value of `command=`.

    Raises InvalidInput: there is no program, or an argument that the file cannot hold.
    """
    if not arguments or not arguments[0].strip():
        raise InvalidInput("a worker needs a command: a program and its arguments")
    for at, argument in enumerate(arguments):
        refuse_control_characters(argument, f"argument {at} of the command" if at else "the program's name")
    return " ".join(map(_quote_argument, arguments))


def quote_folder(folder: PurePath) -> str:
    """`folder` as the value of `directory=`. Raises InvalidInput: it is not absolute, or the file cannot hold it."""
    text = str(folder)
    if not folder.is_absolute():
        raise InvalidInput(f"the folder {text!r} of a worker must be a whole path, from '/' on")
    refuse_control_characters(text, "the folder's path")
    if _COMMENT.search(text) or text != text.strip():
        raise InvalidInput(
            f"the folder's path {text!r} ends in a blank, or holds one before ';' or '#', which supervisord cuts off; "
            "use another name, or a link to it"
        )
    if _HERE in text:
        raise InvalidInput(f"the folder's path {text!r} holds {_HERE!r}, which supervisord replaces; use another name")
    return text.replace("%", "%%")


def quote_environment(variables: Mapping[str, str]) -> str:
    """`variables` as a part of the value of `environment=`.

    Raises:
        InvalidInput: A name or value that the file cannot hold. No value is told in the error: it may be a secret.
    """
    return ",".join(f'{check_variable(name)}="{_quote_value(name, value)}"' for name, value in variables.items())


def split_environment(value: str) -> dict[str, str]:
    """The inverse of quote_environment, for hand-written values too.

    Raises ValueError: supervisord could not read it either.
    """
    lexer = shlex.shlex(value)
    lexer.wordchars += "/.+-():"
    tokens = list(lexer)
    variables = {}
    for at in range(0, len(tokens), 4):  # name, "=", value, ","
        match tokens[at : at + 3]:
            case [name, "=", quoted]:
                variables[name] = quoted.strip("'\"")
            case _:
                raise ValueError(f'environment is not written as NAME="value",… near {tokens[at]!r}')
    return variables


def refuse_control_characters(text: str, what: str) -> None:
    """Raises InvalidInput if `text` holds a control character or half a surrogate pair."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InvalidInput(f"{what} holds the character {character!a}, which ends or garbles a line; remove it")


def _quote_argument(argument: str) -> str:
    quoted = shlex.quote(argument).replace("%", "%%")
    # An empty pair of quotes inside the quoted text changes nothing for shlex and keeps configparser from seeing
    # a comment, and supervisord from seeing its %(here)s.
    return _COMMENT.sub("''", quoted).replace(_HERE, "%''(here)s")


def check_variable(name: str) -> str:
    """`name` itself. Raises InvalidInput when no shell and no supervisord takes it for a variable."""
    if not is_variable(name):
        raise InvalidInput(f"environment variable {name!r} is not allowed; use letters, digits and '_', no digit first")
    return name


def is_variable(name: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None


def _quote_value(name: str, value: str) -> str:
    what = f"the value of environment variable {name}"
    refuse_control_characters(value, what)
    if '"' in value or value[:1] == "'" or value[-1:] == "'":
        raise InvalidInput(f"{what} holds a quote, which supervisord cannot read back; make it a secret")
    if _COMMENT.search(value):
        raise InvalidInput(f"{what} holds a blank before ';' or '#', a comment to supervisord; make it a secret")
    if _HERE in value:
        raise InvalidInput(f"{what} holds {_HERE!r}, which supervisord replaces; make it a secret")
    return value.replace("%", "%%")
