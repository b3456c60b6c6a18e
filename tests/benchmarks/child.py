"""The process of one contender: python -m tests.benchmarks.child CONTENDER FOLDER.

Reads one JSON object a line, {"work": NAME, …arguments}, and answers each with one: what was measured,
{"cannot": true}, or {"failed": the error}. Ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.benchmarks.contenders import ENTRIES
from tests.benchmarks.contenders.contender import Cannot, Contender
from tests.benchmarks.work import WORK, Measured


def answer(contender: Contender, order: dict[str, object]) -> Measured:
    name = str(order.pop("work"))
    try:
        return WORK[name](contender, **order)
    except Cannot:
        return {"cannot": True}
    except Exception as exc:  # noqa: BLE001 - a peer's failure is a result
        return {"failed": f"{type(exc).__name__}: {exc}"[:200]}


def main() -> int:
    key, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a contender prints is not an answer
    contender = ENTRIES[key].open(Path(folder))
    for line in sys.stdin:
        print(json.dumps(answer(contender, json.loads(line))), file=answers)
    contender.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
