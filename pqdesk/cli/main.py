"""The entry point of every command: streams made safe, errors turned into one line and an exit code.

Only the standard library and errors.py are imported here, so that a missing extra is reported like any other error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from pqdesk.cli.exits import ExitCode, exit_code_of
from pqdesk.cli.lines import say_error
from pqdesk.errors import PQDeskError

if TYPE_CHECKING:
    from pqdesk.cli.settings import Settings

_EXTRAS = {
    "click": "cli",
    "rich": "cli",
    "supervisor": "workers",
    "psutil": "workers",
    "PySide6": "desktop",
    "shiboken6": "desktop",
    "pyqtgraph": "desktop",
}


def run(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command of `args`, else of the process, and exit with its code."""
    sys.exit(main(sys.argv[1:] if args is None else args))


def main(args: Sequence[str]) -> int:
    """Run the command of `args`; returns its exit code. Nothing escapes but SystemExit of a program passed through."""
    _prepare_streams()
    return _flush(_call(list(args)))


def _call(args: list[str]) -> int:
    settings: Settings | None = None
    try:
        from pqdesk.cli.root import root
        from pqdesk.cli.settings import Settings

        settings = Settings()
        if "_PQDESK_COMPLETE" in os.environ:  # a shell asks what may come next
            root.main(args, prog_name="pqdesk", obj=settings)
        with root.make_context("pqdesk", args, obj=settings) as context:
            result = root.invoke(context)
        return result if isinstance(result, int) else ExitCode.DONE
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 - the top-level handler of the commands
        return _fail(exc, settings)


def _fail(error: Exception | KeyboardInterrupt, settings: Settings | None) -> int:
    """Say what failed in one line on stderr, with the traceback where asked for; returns the exit code."""
    click = sys.modules.get("click")
    if click is not None and isinstance(error, click.exceptions.Exit):  # --help and --version end so
        return int(error.exit_code)
    if settings is not None and settings.is_verbose:
        _print_traceback(error)
    texts: list[str] = []
    if isinstance(error, KeyboardInterrupt):
        code: int = ExitCode.INTERRUPTED
    elif isinstance(error, BrokenPipeError):  # whoever read our output has gone, and needs no telling
        code = ExitCode.FAILED
    else:
        text, code = _explain(error, settings)
        texts.append(text)
    notes = list(getattr(error, "__notes__", ()))  # what a stop left done, and how to go on
    if notes and not texts:
        texts.append("interrupted" if isinstance(error, KeyboardInterrupt) else "nobody reads the output any more")
    if texts:
        say_error("; ".join([*texts, *notes]))
    return code


def _explain(error: Exception, settings: Settings | None) -> tuple[str, int]:
    """The line for `error` and its exit code."""
    if isinstance(error, PQDeskError):
        return str(error), exit_code_of(error)
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get((error.name or "").partition(".")[0])):
        return f"this command needs {error.name}; install it with: pip install 'pqdesk[{extra}]'", ExitCode.FAILED
    if isinstance(error, OSError):
        return _os_error_text(error), ExitCode.FAILED
    click = sys.modules.get("click")
    if click is not None and isinstance(error, click.ClickException):
        return _usage_text(error), error.exit_code
    return _report_bug(error, settings), ExitCode.FAILED


def _usage_text(error: Exception) -> str:
    """Click's message as one line, with the command whose help explains more."""
    text = str(getattr(error, "format_message", error.__str__)()).strip().rstrip(".").replace("\n", " ")
    context = getattr(error, "ctx", None)
    return f"{text} (see {context.command_path} --help)" if context is not None else text


def _os_error_text(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename!s}: {reason}" if error.filename else f"cannot read or write: {reason}"


def _report_bug(error: Exception, settings: Settings | None) -> str:
    """A line for an error that nobody foresaw; its traceback goes to the workspace's log, else to stderr."""
    text = f"unexpected {type(error).__name__}: {error}"
    if settings is None or settings.is_verbose:
        return text
    try:
        from pqdesk.cli.logbook import log_traceback

        path = log_traceback(settings.paths, error)
    except (PQDeskError, OSError):
        _print_traceback(error)
        return text
    return f"{text}; this is a bug in PQDesk, its traceback is in {path}"


def _print_traceback(error: BaseException) -> None:
    import traceback  # here: nearly all commands end without one

    traceback.print_exception(error)


def _prepare_streams() -> None:
    """Give 0, 1 and 2 an open file, or the next file opened would become one; and let no character be unprintable."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number, this one; writing fails, as it should
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush(code: int) -> int:
    """Write out what stdout still holds, so that a failure there is seen and the interpreter's exit meets none."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or ExitCode.FAILED
    except OSError as exc:
        if not code:  # else that was told
            say_error(f"cannot write the output: {exc.strerror}")
        code = code or ExitCode.FAILED
    else:
        return code
    null = os.open(os.devnull, os.O_WRONLY)  # what is left over would fail once more at exit
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return code
