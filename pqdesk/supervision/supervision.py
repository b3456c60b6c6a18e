"""The workers of one workspace: how they are, and starting, stopping, restarting them.

The way to supervisord for the window and the commands alike. A worker is addressed by its name, one of its processes
by supervisord's name for it (`NAME-2`), all of them as `all`.
"""

from __future__ import annotations

import signal as signals
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pqdesk.clock import Clock, SystemClock, to_datetime
from pqdesk.errors import InvalidInput, NotFound, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision import client as faults
from pqdesk.supervision.addresses import address_of
from pqdesk.supervision.client import DaemonDown, DaemonHangs, Fault, SupervisorClient
from pqdesk.supervision.daemon import ensure_daemon, is_process_gone, known_sockets
from pqdesk.supervision.definitions import Definitions, read_definitions
from pqdesk.supervision.journal import ExitJournal
from pqdesk.supervision.orphans import end_orphans
from pqdesk.supervision.records import DaemonStateWord, ReplicaRecord, SupervisionStatus, WorkerKind, WorkerState
from pqdesk.supervision.replicas import ProcessInfo, replica_record, unstarted_record
from pqdesk.supervision.waiting import wait_for

ALL = "all"

_MARGIN_S = 5.0  # on top of stopwaitsecs: supervisord looks at its children once a second
_SHUTDOWN_S = 15.0
_STATUS_CALLS: tuple[faults.Call, ...] = (
    ("supervisor.getState", ()),
    ("supervisor.getPID", ()),
    ("supervisor.getIdentification", ()),
    ("supervisor.getAllProcessInfo", ()),
)
