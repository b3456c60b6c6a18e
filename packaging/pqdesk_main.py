"""The executable `pqdesk` of a bundle: the window."""

import os
import sys

from pqdesk.bundle import leave_bundle, program_command

leave_bundle()  # first: what is started from here on must not find the bundle's libraries

# As `pqdeskd open` gives them, besides a whole path at the end.
_OF_THE_WINDOW = ("--background", "--check", "--page", "--filter")

if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] not in _OF_THE_WINDOW and not os.path.isabs(words[0]):
        command = program_command(*words)  # a command, by the name that it has in $PATH
        os.execv(command[0], command)

    from pqdesk.gui.app import run

    sys.exit(run())
