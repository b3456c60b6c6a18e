"""The colours of states in a terminal, as rich names them. NO_COLOR takes them away; the words stay."""

from __future__ import annotations

from pqdesk.messages.states import QueueWord, State
from pqdesk.supervision.records import WorkerState

STATE_STYLES = {
    State.SCHEDULED: "cyan",
    State.READY: "",
    State.RUNNING: "blue",
    State.RETRYING: "yellow",
    State.COMPLETED: "green",
    State.FAILED: "bold red",
    State.CANCELLED: "dim",
}

WORKER_STYLES = {
    WorkerState.STOPPED: "dim",
    WorkerState.STARTING: "blue",
    WorkerState.RUNNING: "green",
    WorkerState.STOPPING: "blue",
    WorkerState.EXITED: "yellow",
    WorkerState.BACKING_OFF: "yellow",
    WorkerState.CRASH_LOOPING: "bold red",
    WorkerState.FAILED_TO_START: "bold red",
    WorkerState.UNKNOWN: "dim",
}
QUEUE_STYLES = {
    QueueWord.WORKING: "green",
    QueueWord.IDLE: "dim",
    QueueWord.PAUSED: "yellow",
    QueueWord.STALLED: "bold red",
    QueueWord.NO_WORKER: "bold red",
}
