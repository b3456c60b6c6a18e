"""What is lost and what is repeated when consumers are killed, counted."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.contenders import ENTRIES
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import Failed, Member, Settings

_CONTENDERS = ("pqdesk", "localqueue-2s", "litequeue", "persist-queue", "huey", "simplebroker")
_NOTES = {
    "litequeue": "what was in hand stays locked until a program calls retry()",
    "huey": "get deletes",
    "simplebroker": "read deletes; its documents show a second queue for what is in hand",
}
_MESSAGES = 300
_KILLS = 4
_WORK_S = 0.003
_QUIET_S = 5.0  # longer than any lease here
_PATIENCE_S = 60.0


def losses(settings: Settings) -> PartResult:
    """All at the same time: their handlers only sleep."""
    how = (
        f"{_MESSAGES} messages; {_KILLS} consumers in turn, each killed by SIGKILL in its handler, then one to the end"
    )
    columns = ["messages", "kills", "done", "lost", "begun twice", "again after ack"]
    result = PartResult("losses", "consumers killed in the middle", how, columns)
    with ThreadPoolExecutor(len(_CONTENDERS)) as pool:
        result.rows = list(pool.map(lambda key: _row(key, settings), _CONTENDERS))
    cells = result.rows[0].cells
    for column in ("lost", "again after ack"):
        value = cells.get(column)
        text = f"PQDesk's messages {column}"
        result.goals.append(Goal(text, value if isinstance(value, int) else None, 0, "messages", "low"))
    return result


def _row(key: str, settings: Settings) -> Row:
    entry = ENTRIES[key]
    if entry.version is None:
        return Row(entry.label, {}, "not installed")
    folder = settings.folder / "losses" / key
    folder.mkdir(parents=True)
    journal = folder / "journal"
    journal.touch()
    try:
        _kill_and_drain(Run(key, folder / "queue", journal))
    except Failed as exc:
        return Row(entry.label, {}, str(exc))
    return Row(
        f"{entry.label} {entry.version}", count_journal(journal.read_text(), _MESSAGES), _NOTES.get(key, entry.note)
    )


def count_journal(text: str, messages: int) -> dict[str, Cell]:
    """What a journal of lines `b N`, `e N`, `a N` says about `messages` numbered from 0."""
    begun: Counter[int] = Counter()
    ended: set[int] = set()
    acked: set[int] = set()
    after_ack = 0
    for line in text.splitlines():
        what, number = line[0], int(line[2:])
        if what == "b":
            begun[number] += 1
            after_ack += number in acked
        elif what == "e":
            ended.add(number)
        else:
            acked.add(number)
    return {
        "messages": messages,
        "kills": _KILLS,
        "done": len(ended),
        "lost": messages - len(ended),
        "begun twice": sum(times > 1 for times in begun.values()),
        "again after ack": after_ack,
    }


class Run:
    """One contender's files and its consumers, one at a time."""

    def __init__(self, key: str, folder: Path, journal: Path) -> None:
        self._key, self._folder, self._journal = key, folder, journal

    def fill(self) -> None:
        member = Member(ENTRIES[self._key], self._folder)
        try:
            member.do("fill", count=_MESSAGES)
        finally:
            member.end()

    def consumer(self) -> Member:
        member = Member(ENTRIES[self._key], self._folder)
        member.start("work_through", journal=str(self._journal), work_s=_WORK_S)
        return member

    def count(self, what: str) -> int:
        return len({line for line in self._journal.read_text().splitlines() if line.startswith(what)})

    @property
    def size(self) -> int:
        return self._journal.stat().st_size


def _kill_and_drain(run: Run) -> None:
    run.fill()
    for number in range(1, _KILLS + 1):
        consumer = run.consumer()
        _wait_for_begun(run, number * _MESSAGES // (_KILLS + 2))
        consumer.kill()
    consumer = run.consumer()
    deadline = time.monotonic() + _PATIENCE_S
    size, since = run.size, time.monotonic()
    while run.count("e") < _MESSAGES and time.monotonic() < min(since + _QUIET_S, deadline):
        time.sleep(0.05)
        if run.size != size:
            size, since = run.size, time.monotonic()
    time.sleep(0.1)  # the last ack
    consumer.kill()


def _wait_for_begun(run: Run, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while run.count("b") < count:
        if time.monotonic() > deadline:
            raise Failed("its consumer did not get on")
        time.sleep(0.001)


PARTS = [Part("losses", "messages lost and repeated when consumers are killed", 12, losses)]
