"""The executable `pqdeskd` of a bundle: everything without a window."""

from pqdesk.bundle import leave_bundle

leave_bundle()  # first: what is started from here on must not find the bundle's libraries

if __name__ == "__main__":
    from pqdesk.cli.main import run

    run()
