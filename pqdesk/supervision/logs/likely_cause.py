"""Why a worker does not stay up, in words, guessed from how it ended and what it wrote last. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pqdesk.log_records import parse_line

# Pattern and what it means, where \1 is what the pattern has found. The first that fits decides: what is more telling
# comes first.
_CAUSES = (
    (r"(?i)No module named ['\"]?([\w.]+)", r"Python cannot find the module \1. Install it for the worker's Python"),
    (r"(?i)\bImportError: (.+)", r"Python could not import something: \1"),
    (
        r"(?i)Address already in use|\bEADDRINUSE\b",
        "The port it wants is taken by another program, perhaps by an older copy of itself",
    ),
    (r"(?i)No space left on device|\bENOSPC\b|Disk quota exceeded", "The disk is full. Free some space"),
    (
        r"\bMemoryError\b|(?i:Cannot allocate memory|out of memory|\bENOMEM\b|std::bad_alloc)",
        "It ran out of memory. Give it less to do at once, or the machine more memory",
    ),
    (
        r"(?i)can't find command ['\"]?([^'\"]+)",
        r"The command was not found: \1. Give its whole path: a worker's PATH may be another",
    ),
    (
        r"(?i)command '([^']+)' is not found here or in \$PATH",
        r"The command \1 was not found. Give its whole path: workers may have another PATH",
    ),
    (
        r"(?i)\b(?:exit (?:status|code)|code) 127\b|command not found|: not found$",
        "The command was not found. Give its whole path: a worker's PATH may be another",
    ),
    (
        r"(?i)\b(?:exit (?:status|code)|code) 126\b|not executable|exec format error|command at .* is a directory",
        "The command is not executable. Check its permissions, and that it is a program",
    ),
    (r"(?i)couldn't chdir to ([^:]+)", r"Its folder \1 cannot be entered. Make it, or choose another"),
    (
        r"(?i)Permission denied(: .+)?|\bEACCES\b|Operation not permitted",
        r"Permission denied\1. Check who may read and write its files",
    ),
    (r"(?i)Connection refused|\bECONNREFUSED\b", "A service that it needs does not answer. Start that first"),
    (
        r"(?i)Name or service not known|Temporary failure in name resolution|\bENOTFOUND\b",
        "A host that it needs cannot be found. Check the name and the network",
    ),
    (r"(?i)No such file or directory(: .+)?", r"A file it needs is not there\1"),
    (r"(?i)\b(?:SyntaxError|IndentationError): (.+)", r"Its Python code has a mistake: \1"),
    (
        r"\bSIGKILL\b|signal KILL\b|signal 9\b|^Killed$",
        "Something killed it. The system does that when memory runs out",
    ),
    (
        r"\bSIG(SEGV|BUS|ILL|FPE)\b|signal (?:SEGV|BUS|ILL|FPE)\b|signal 11\b|Segmentation fault",
        "It crashed in native code",
    ),
    (r"\bSIGABRT\b|signal ABRT\b", "It gave up by itself (abort); its last lines may say why"),
    (r"(?:\bSIG|signal )([A-Z][A-Z0-9]+)\b", r"The signal \1 ended it; somebody or something sent that"),
    (
        r"(?i)\b(?:exit (?:status|code)|code) 2\b|^usage:",
        "Its command line was not understood. Check the options of the command",
    ),
    (r"(?i)\b(?:exit (?:status|code)|code) 0\b", "It ends by itself without an error; a worker has to keep running"),
)
# What the system said about a script that it could not run; it ends with 127 as if it were not there.
_NOT_RUN = (
    (
        r"\bcouldn't exec ([^:]+): ENOEXEC",
        r"\1 is no program; a script has to say in its first line what runs it, as in #!/bin/sh",
    ),
    (
        r"\bcouldn't exec ([^:]+): ENOENT",
        r"The interpreter that the first line of \1 names is not there, or its lines end as on Windows, with CRLF",
    ),
    (
        r"\benv: .?([^\s'’]+?)(?:\\r|\r)'?’?: No such file",
        "Its lines end as on Windows (CRLF), so its interpreter is not found; convert it",
    ),
    (r"\benv: .?([^\s:'’]+)'?’?: No such file", r"The interpreter \1, which its first line names, is not found"),
)
# How it ended says less than an error message does, where both are there.
_WEAK = re.compile(r"\b(?:exit (?:status|code)|code) (?:0|1|2)\b|SIGABRT|signal ABRT")


def likely_cause(exit_text: str | None, error_lines: Sequence[str]) -> str:
    """One sentence, or nothing when there is no idea.

    Args:
        exit_text: How it ended, or why it was not started: `exit status 127`, `code 1`, `signal KILL`,
            `can't find command 'x'`.
        error_lines: What it wrote last, oldest first; of several that tell something, the newest counts.
    """
    told = exit_text or ""
    lines = [parse_line(line).text.strip() for line in reversed(error_lines)]
    for text in lines if re.search(r"\b12[67]\b", told) else ():
        if cause := _first(_NOT_RUN, text):
            return cause
    each = (*lines, told) if _WEAK.search(told) else (told, *lines)
    return next(filter(None, (_first(_CAUSES, text) for text in each)), "")


def _first(causes: Sequence[tuple[str, str]], text: str) -> str:
    found = ((re.search(pattern, text), meaning) for pattern, meaning in causes)
    return next((match.expand(meaning) for match, meaning in found if match is not None), "")
