"""Producers and consumers on one file, killed at random moments; in the end everything must have come through.

    python -m tests.crash.campaign --kills 10000 [--seed N] [--folder DIR] [--untruthful]

Each process is forked, so that a kill costs a few milliseconds. Some are stopped for longer than their lease and then
go on: their receipts must be refused. Everything is drained at the end, and what the processes said they did is held
against what is in the file. Exit status 1 when a promise was broken; the workspace and the histories stay then.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pqdesk import Workspace
from tests.crash import children
from tests.crash.checker import FinalMessage, violations
from tests.crash.history import History, read_histories

_PRODUCERS, _CONSUMERS = 2, 4
_LONGEST_PAUSE_S = 0.06
_STOP_SHARE = 0.15
_STOP_S = 2 * children.LEASE_S
_DRAIN_S = 60.0
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(slots=True)
class Campaign:
    """The loop that forks and kills. `processes` maps pid → role; `stopped` pid → when to go on (monotonic)."""

    folder: Path
    seed: int
    consume: children.Child = children.consume
    processes: dict[int, children.Child] = field(default_factory=dict)
    stopped: dict[int, float] = field(default_factory=dict)
    histories: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def run(self, kills: int) -> list[str]:
        """Kill that many processes, then drain. One sentence for each broken promise."""
        rng = random.Random(self.seed)
        self._run_to_its_end(children.prepare)
        for role in (*[children.produce] * _PRODUCERS, *[self.consume] * _CONSUMERS):
            self._fork(role)
        for _ in range(kills):
            time.sleep(rng.uniform(0, _LONGEST_PAUSE_S))  # the moment of the kill is what is random here
            self._continue_stopped()
            running = [pid for pid in self.processes if pid not in self.stopped]
            if len(running) > _PRODUCERS and rng.random() < _STOP_SHARE:
                self._stop(running.pop(rng.randrange(len(running))))
            self._fork(self._kill(rng.choice(running)))
        self.end()
        self._run_to_its_end(children.drain)
        final = self._final_messages()
        return [*self.failures, *violations(read_histories(self.histories), final), *self._wrong_counts(final)]

    def end(self) -> None:
        """Kill what still runs."""
        for pid in list(self.processes):
            self._kill(pid)

    def summary(self) -> str:
        happened = Counter(event.what for event in read_histories(self.histories))
        words = ("putting", "put", "got", "acking", "acked", "returned", "refused")
        return f"seed {self.seed}, {len(self.histories)} processes: " + ", ".join(f"{happened[w]} {w}" for w in words)

    def _fork(self, role: children.Child) -> int:
        path = self.folder / f"history-{len(self.histories):06d}"
        self.histories.append(path)
        path.touch()
        rng = random.Random(f"{self.seed}-{len(self.histories)}")
        pid = os.fork()
        if pid:
            self.processes[pid] = role
            return pid
        status = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            role(self.workspace, History(path), rng)
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it is, this process must not return into the parent's code
            traceback.print_exc()
        finally:
            os._exit(status)

    def _kill(self, pid: int) -> children.Child:
        """Kill and reap. A process that had already ended by itself has failed."""
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        else:
            self._note_failure(pid, status)
        self.stopped.pop(pid, None)
        return self.processes.pop(pid)

    def _stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = time.monotonic() + _STOP_S

    def _continue_stopped(self) -> None:
        for pid, until in list(self.stopped.items()):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGCONT)
                del self.stopped[pid]

    def _run_to_its_end(self, role: children.Child) -> None:
        pid = self._fork(role)
        deadline = time.monotonic() + _DRAIN_S
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > deadline:
                self.failures.append(f"{role.__name__} did not end within {_DRAIN_S:g} s")
                self._kill(pid)
                return
            time.sleep(0.01)
        del self.processes[pid]
        if status:
            self._note_failure(pid, status)

    def _note_failure(self, pid: int, status: int) -> None:
        role = self.processes[pid].__name__
        self.failures.append(f"{role} ended by itself with {os.waitstatus_to_exitcode(status)}, its traceback is above")

    def _final_messages(self) -> dict[int, FinalMessage]:
        """All messages of the workspace, page by page."""
        final: dict[int, FinalMessage] = {}
        before: int | None = None
        with Workspace(self.workspace) as workspace:
            while page := workspace.messages(children.QUEUE, before=before, limit=1000):
                for record in page:
                    # A put has a payload of fewer characters than a preview, so the preview is all of it.
                    token = record.payload_preview.split('"')[3]
                    final[record.id] = FinalMessage(record.state.word, token)
                before = page[-1].id
        return final

    def _wrong_counts(self, final: dict[int, FinalMessage]) -> Iterator[str]:
        """Where the queue's counters do not say what is there."""
        there = Counter(message.state for message in final.values())
        with Workspace(self.workspace) as workspace:
            told = asdict(workspace.counts(children.QUEUE))
        for state, count in told.items():
            if count != there[state]:
                yield f"the counter of {state} says {count}, and there are {there[state]}"


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
    campaign = Campaign(folder, options.seed, consume)
    started = time.monotonic()
    try:
        broken = campaign.run(options.kills)
    finally:
        campaign.end()
    print(f"{options.kills} kills in {time.monotonic() - started:.0f} s, {campaign.summary()}")
    for sentence in broken[:50]:
        print(sentence)
    print(f"{len(broken)} broken promises" + (f", see {folder}" if broken else ""))
    if not broken and options.folder is None:
        shutil.rmtree(folder)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
