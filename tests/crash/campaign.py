"""Producers and consumers on one file, killed at random moments; in the end everything must have come through.

    python -m tests.crash.campaign --kills 10000 [--seed N] [--folder DIR] [--untruthful]

Each process is forked, so that a kill costs a few milliseconds. Some are stopped for longer than their lease and then
go on: their receipts must be refused, one at least. Everything is drained at the end, and what the processes said they
did is held against what is in the file. Exit status 1 when a promise was broken; the workspace and the histories stay
then.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.crash import children
from tests.crash.processes import Processes
from tests.crash.verdict import broken_promises, happened, summary, tell

_PRODUCERS, _CONSUMERS = 2, 4
_LONGEST_PAUSE_S = 0.06
_MOST_EVENTS, _PATIENCE_S = 24, 0.25  # between two kills: on a busy machine they would else hit what has not begun yet
_REFUSED_WITHIN_S = 60.0
_STOP_SHARE = 0.15
_STOP_S = 2 * children.LEASE_S
_PREPARE_S = 60.0


def run(processes: Processes, kills: int, rng: random.Random, consume: children.Child) -> list[str]:
    """Kill that many processes, then drain. One sentence for each broken promise."""
    processes.run_to_its_end(children.prepare, _PREPARE_S)
    for role in (*[children.produce] * _PRODUCERS, *[consume] * _CONSUMERS):
        processes.fork(role)
    for _ in range(kills):
        time.sleep(rng.uniform(0, _LONGEST_PAUSE_S))  # the moment of the kill is what is random here
        processes.wait_for_history(rng.randrange(_MOST_EVENTS), _PATIENCE_S)
        processes.continue_stopped()
        running = [pid for pid in processes.running if pid not in processes.stopped]
        if len(running) > _PRODUCERS and rng.random() < _STOP_SHARE:
            processes.stop(running.pop(rng.randrange(len(running))), _STOP_S)
        processes.fork(processes.kill(rng.choice(running)))
    if consume is children.consume:  # others tell nothing of it
        _outlive_a_lease(processes, consume)
    processes.end()
    return broken_promises(processes)


def _outlive_a_lease(processes: Processes, consume: children.Child) -> None:
    """Stop one that has a message in hand for longer than its lease, until one was refused: else it takes luck."""
    give_up_at = time.monotonic() + _REFUSED_WITHIN_S
    while not happened(processes.histories)["refused"] and time.monotonic() < give_up_at:
        processes.stop_one_with_a_message(consume, _STOP_S)
        while processes.stopped:  # the others go on, and take it when its lease is over
            processes.wait_for_history(1, _PATIENCE_S)
            processes.continue_stopped()
        processes.wait_for_history(_MOST_EVENTS, _PATIENCE_S)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--folder", type=Path, help="where the workspace and the histories go (default: a new one)")
    parser.add_argument("--untruthful", action="store_true", help="with consumers that lie, to see them found out")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="pqcrash"))
    folder.mkdir(parents=True, exist_ok=True)
    consume = children.consume_untruthfully if options.untruthful else children.consume
    processes = Processes(folder, folder / "workspace", str(options.seed))
    started = time.monotonic()
    try:
        broken = run(processes, options.kills, random.Random(options.seed), consume)
    finally:
        processes.end()
    took_s = time.monotonic() - started
    print(f"{options.kills} kills in {took_s:.0f} s, seed {options.seed}, {summary(happened(processes.histories))}")
    if not broken and options.folder is None:
        shutil.rmtree(folder)
    return tell(broken, f"broken promises, see {folder}" if broken else "broken promises")


if __name__ == "__main__":
    sys.exit(main())
