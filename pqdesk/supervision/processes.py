"""Telling a running supervisord what to do with its processes, and hearing what they do."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision import client as rpc
from pqdesk.supervision.addresses import address_of
from pqdesk.supervision.client import DaemonDown, Fault, SupervisorClient
from pqdesk.supervision.faults import located
from pqdesk.supervision.files import make_private_folder
from pqdesk.supervision.replicas import ProcessInfo

_CALLS_AT_ONCE = 50  # starting one takes supervisord 3 ms, and the whole has to be answered in time


class Daemon:
    """The supervisord of a workspace, wherever its socket is by now.

    All methods raise DaemonDown when there is none, and SupervisorError when it does not answer.
    """

    def __init__(self, paths: WorkspacePaths, timeout_s: float) -> None:
        self._paths = paths
        self._timeout_s = timeout_s

    def client(self) -> SupervisorClient:
        """A client for the address that the configuration names now."""
        address = address_of(self._paths)
        if self._paths.supervisor_configuration.exists():
            address.prepare()
        return SupervisorClient(address.socket, timeout_s=self._timeout_s)

    def is_down(self) -> bool:
        try:
            self.client().try_call("supervisor.getState")
        except DaemonDown:
            return True
        return False

    def infos(self) -> list[ProcessInfo]:
        return [ProcessInfo.of(one) for one in self.client().call("supervisor.getAllProcessInfo")]

    def unsettled(self, targets: Collection[str] | None = None) -> list[str]:
        """Of `targets`, or of all, the processes that have not stopped for good."""
        return [
            one.process for one in self.infos() if not one.is_settled and (targets is None or one.process in targets)
        ]

    def load(self, processes: Collection[str]) -> str | None:
        """Let supervisord read what was added for `processes`, or changed while they are stopped.

        Returns:
            Why it could not, or None. What was loaded before is unaffected then.
        """
        answer = self.reload()
        if isinstance(answer, Fault):
            return located(answer.reason)
        added, changed, _ = answer
        groups = {one.partition(":")[0] for one in processes}
        busy = {info.group for info in self.infos() if not info.is_settled}
        replaced = [group for group in changed if group in groups - busy]
        new = [group for group in added if group in groups]
        self.ask("removeProcessGroup", replaced)
        refused = self.ask("addProcessGroup", new + replaced, accept={rpc.ALREADY_ADDED})
        return next((fault.reason for fault in refused.values()), None)

    def reload(self) -> tuple[list[str], list[str], list[str]] | Fault:
        """Let supervisord read its configuration: the groups added, changed and removed in it; it applies none."""
        answer = self.client().try_call("supervisor.reloadConfig")
        if isinstance(answer, Fault):
            if answer.code == rpc.SHUTDOWN_STATE:
                raise SupervisorError(rpc.STOPPING)
            return answer
        [[added, changed, removed]] = answer
        return added, changed, removed

    def is_foreign(self) -> bool:
        """Whether what answers runs on another configuration than the workspace's."""
        identification: str = self.client().call("supervisor.getIdentification")
        return identification != address_of(self._paths).identifier

    def drop(self, processes: Collection[str]) -> None:
        """Take processes out that have stopped; one that is there no more, or runs again, is left."""
        groups = list(dict.fromkeys(one.partition(":")[0] for one in processes))
        self.ask("removeProcessGroup", groups, accept={rpc.BAD_NAME, rpc.STILL_RUNNING})

    def ask(
        self, method: str, processes: Sequence[str], *arguments: Any, accept: Collection[int] = ()
    ) -> dict[str, Fault]:
        """Call `method` for each of `processes`, with `arguments` besides its name; those that were refused."""
        client = self.client()
        refused: dict[str, Fault] = {}
        for at in range(0, len(processes), _CALLS_AT_ONCE):
            some = processes[at : at + _CALLS_AT_ONCE]
            answers = client.multicall([(f"supervisor.{method}", (one, *arguments)) for one in some])
            refused |= {
                process: answer
                for process, answer in zip(some, answers, strict=True)
                if isinstance(answer, Fault) and answer.code not in accept
            }
        if any(fault.code == rpc.SHUTDOWN_STATE for fault in refused.values()):
            raise SupervisorError(rpc.STOPPING)
        return refused

    def restore_logs(self, infos: Sequence[ProcessInfo]) -> None:
        """Make the folders of these processes' logs anew where they are gone, and have what runs write to files there.

        supervisord starts nothing whose log has no folder, and writes on to a file that was deleted.

        Raises:
            WorkspaceError, DiskFull: A folder cannot be made.
        """
        make_private_folder(self._paths.logs)
        logs = {Path(log): info for info in infos for log in (info.stdout_log, info.stderr_log) if log}
        for folder in {log.parent for log in logs if log.is_relative_to(self._paths.root)}:
            make_private_folder(folder)
        is_lost = any(info.pid and not log.exists() for log, info in logs.items())
        if (is_lost or not (self._paths.logs / "supervisord.log").exists()) and not self.is_foreign():
            os.kill(self.client().call("supervisor.getPID"), signal.SIGUSR2)  # "reopen all logs", supervisord's manual

    def reason(self, process: str, fault: Fault) -> str:
        """Why a process was not started, as far as supervisord knows."""
        if fault.code != rpc.SPAWN_ERROR:
            return fault.reason
        info = next((one for one in self.infos() if one.process == process), None)
        return info.spawn_error if info is not None and info.spawn_error else fault.reason
