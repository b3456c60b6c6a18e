"""The queues that are compared. Their modules are imported in the child that runs them, and nowhere else:

one SQLite library per process.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.contender import Contender


@dataclass(frozen=True)
class Entry:
    """Where a contender's class is, and what it is called.

    Attributes:
        package: The distribution that has to be installed; its version is told.
        is_durable: Whether it runs at a level that survives power loss.
        note: What a reader has to know to read its row.
    """

    key: str
    label: str
    module: str
    factory: str
    package: str
    is_durable: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def version(self) -> str | None:
        """None when it is not installed."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return None

    def open(self, folder: Path) -> Contender:
        module = importlib.import_module(f"tests.benchmarks.contenders.{self.module}")
        contender: Contender = getattr(module, self.factory)(folder, **self.options)
        return contender


_ENTRIES = (
    Entry("pqdesk", "PQDesk", "ours", "Ours", "pqdesk", options={"durability": "full"}),
    Entry("pqdesk-relaxed", "PQDesk relaxed", "ours", "Ours", "pqdesk", False, {"durability": "relaxed"}),
    Entry("bare", "bare APSW", "bare", "Bare", "apsw", note="INSERT into a table of two columns: the limit"),
    Entry("bare-queue", "bare APSW and a pipe", "bare", "BareQueue", "apsw", False,
          note="no flush, no lease: the limit"),
    Entry("localqueue", "localqueue", "peers", "LocalQueue", "localqueue", options={"is_durable": True}),
    Entry("localqueue-2s", "localqueue", "peers", "LocalQueue", "localqueue", True,
          {"is_durable": True, "lease_s": 2.0}, "its lease set to 2 s; 60 s by default"),
    Entry("localqueue-relaxed", "localqueue relaxed", "peers", "LocalQueue", "localqueue", False, {"is_durable": False},
          "its default"),
    Entry("litequeue", "litequeue", "peers", "LiteQueue", "litequeue", note="its default is NORMAL; set to FULL here"),
    Entry("persist-queue", "persist-queue", "peers", "PersistQueue", "persist-queue", note="SQLiteAckQueue, JSON"),
    Entry("huey", "huey", "peers", "Huey", "huey", note="SqliteHuey without results; get deletes, there is no ack"),
    Entry("simplebroker", "simplebroker", "peers", "SimpleBroker", "simplebroker",
          note="persistent API; get deletes, there is no ack"),
)  # fmt: skip
ENTRIES = {entry.key: entry for entry in _ENTRIES}
PEERS = ("localqueue", "litequeue", "persist-queue", "huey", "simplebroker")
