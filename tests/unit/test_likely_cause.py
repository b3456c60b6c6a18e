"""Why a worker does not stay up, in words."""

from __future__ import annotations

import pytest

from pqdesk.supervision.logs.likely_cause import likely_cause


@pytest.mark.parametrize(
    ("exit_text", "lines", "beginning"),
    [
        ("can't find command 'shasum256'", [], "The command was not found: shasum256."),
        ("exit status 127", ["sh: 1: exec: nope: not found"], "The command was not found."),
        ("exit status 126", [], "The command is not executable."),
        ("code 126", ["bash: ./x: Permission denied"], "The command is not executable."),
        (
            "exit status 1",
            ["ModuleNotFoundError: No module named 'requests.x'"],
            "Python cannot find the module requests.x",
        ),
        ("exit status 1", ["ImportError: cannot import name 'x'"], "Python could not import something: cannot import"),
        ("exit status 1", ["PermissionError: [Errno 13] Permission denied: '/etc/x'"], "Permission denied: '/etc/x'."),
        ("exit status 1", ["OSError: [Errno 98] Address already in use", "bye"], "The port it wants is taken"),
        ("exit status 1", ["OSError: [Errno 28] No space left on device"], "The disk is full"),
        ("exit status 1", ["Traceback", "MemoryError"], "It ran out of memory"),
        (
            "exit status 1",
            ["FileNotFoundError: [Errno 2] No such file or directory: 'a'"],
            "A file it needs is not there: 'a'",
        ),
        ("exit status 1", ["ConnectionRefusedError: [Errno 111] Connection refused"], "A service that it needs"),
        ("exit status 1", ["SyntaxError: invalid syntax"], "Its Python code has a mistake: invalid syntax"),
        ("terminated by SIGKILL", [], "Something killed it. The system does that when memory runs out"),
        ("signal KILL", ["all fine"], "Something killed it."),
        ("terminated by SIGSEGV (core dumped)", [], "It crashed in native code"),
        ("terminated by SIGABRT", ["MemoryError"], "It ran out of memory"),
        ("signal USR1", [], "The signal USR1 ended it"),
        ("exit status 2", ["usage: x [-h]"], "Its command line was not understood"),
        ("exit status 0", [], "It ends by itself"),
        ("couldn't chdir to /nowhere: ENOENT", [], "Its folder /nowhere cannot be entered"),
    ],
)
def test_the_likely_cause_in_words(exit_text: str, lines: list[str], beginning: str) -> None:
    assert likely_cause(exit_text, lines).startswith(beginning)


def test_without_an_idea_nothing_is_said() -> None:
    assert likely_cause("exit status 3", ["something went wrong"]) == ""
    assert likely_cause(None, []) == ""


def test_the_newest_line_that_tells_something_counts() -> None:
    lines = ["ImportError: old", "OSError: [Errno 28] No space left on device", "giving up"]

    assert likely_cause("exit status 1", lines).startswith("The disk is full")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("supervisor: couldn't exec /srv/job: ENOENT", "The interpreter that the first line of /srv/job names"),
        ("supervisor: couldn't exec /srv/job: ENOEXEC", "/srv/job is no program"),
        ("/usr/bin/env: ‘python3\\r’: No such file or directory", "Its lines end as on Windows"),
        ("env: 'python9': No such file or directory", "The interpreter python9"),
    ],
)
def test_the_cause_of_a_script_that_supervisord_cannot_run(line: str, words: str) -> None:
    assert likely_cause("exit status 127", [line, "supervisor: child process was not spawned"]).startswith(words)
