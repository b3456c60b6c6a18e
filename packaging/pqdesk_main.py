"""The executable `pqdesk` of a bundle: the window."""

import os
import sys

from pqdesk.bundle import leave_bundle, program_command

leave_bundle()  # first: what is started from here on must not find the bundle's libraries

_OF_THE_WINDOW = ("--background", "--check")  # besides a whole path, as `pqdeskd open` gives it

if __name__ == "__main__":
    words = sys.argv[1:]
    if any(word not in _OF_THE_WINDOW and not os.path.isabs(word) for word in words):
        command = program_command(*words)  # a command, by the name that it has in $PATH
        os.execv(command[0], command)

    from pqdesk.gui.app import run

    sys.exit(run())
