"""The executable `pqdesk` of a bundle: the window."""

from pqdesk.bundle import leave_bundle

leave_bundle()  # first: what is started from here on must not find the bundle's libraries

if __name__ == "__main__":
    import sys

    from pqdesk.gui.app import run

    sys.exit(run())
