"""`python -m pqdesk` is the command `pqdesk`."""

from pqdesk.cli.main import run

if __name__ == "__main__":
    run()
