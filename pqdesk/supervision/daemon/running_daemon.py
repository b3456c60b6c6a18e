"""Telling a running supervisord what to do with its processes, and hearing what they do."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon import client as rpc
from pqdesk.supervision.daemon.client import Call, DaemonDown, Fault, SupervisorClient
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.stopped_by_hand import StoppedByHand
from pqdesk.supervision.definitions.validation import located
from pqdesk.supervision.private_files import make_private_folder
from pqdesk.supervision.processes.replicas import ProcessInfo

_CALLS_AT_ONCE = 50  # starting one takes supervisord 3 ms, and the whole has to be answered in time
_STARTS_AT_ONCE = 25  # with adding them


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

    def load(self, processes: Collection[str]) -> tuple[list[str], str | None]:
        """Let supervisord read what was added for `processes`, or changed while they are stopped.

        Returns the groups that start() has to add; and why its files cannot be read, or None: what was loaded before is
        unaffected then.
        """
        answer = self.reload()
        if isinstance(answer, Fault):
            return [], located(answer.reason)
        added, changed, _ = answer
        groups = {one.partition(":")[0] for one in processes}
        busy = {info.group for info in self.infos() if not info.is_settled}
        replaced = [group for group in changed if group in groups - busy]
        self.ask("removeProcessGroup", replaced)
        return [group for group in added if group in groups] + replaced, None

    def start(self, processes: Sequence[str], added: Collection[str]) -> dict[str, Fault]:
        """Start processes; those that were refused.

        A group that is added is started in the same request: else supervisord would start one that starts with it by
        itself, and what has ended by then would run twice.
        """
        groups = set(added)
        refused: dict[str, Fault] = {}
        for at in range(0, len(processes), _STARTS_AT_ONCE):
            calls: list[Call] = []
            for one in processes[at : at + _STARTS_AT_ONCE]:
                group = one.partition(":")[0]
                if group in groups:
                    groups.discard(group)
                    calls.append(("supervisor.addProcessGroup", (group,)))
                calls.append(("supervisor.startProcess", (one, False)))
            for (method, arguments), answer in zip(calls, self.client().multicall(calls), strict=True):
                is_start = method == "supervisor.startProcess"
                if isinstance(answer, Fault) and is_start and answer.code != rpc.ALREADY_STARTED:
                    refused[arguments[0]] = answer
        if any(fault.code == rpc.SHUTDOWN_STATE for fault in refused.values()):
            raise SupervisorError(rpc.STOPPING)
        return refused if not refused else self._not_run(refused)

    def _not_run(self, refused: dict[str, Fault]) -> dict[str, Fault]:
        """Those that were not even run: one that ended at once was, though supervisord calls that a spawn error too.

        So was one that supervisord has started again by now.
        """
        run = {one.process for one in self.infos() if one.has_run or one.state.has_process}
        return {one: fault for one, fault in refused.items() if fault.code != rpc.SPAWN_ERROR or one not in run}

    def reload(self) -> tuple[list[str], list[str], list[str]] | Fault:
        """Let supervisord read its configuration: the groups added, changed and removed in it; it applies none."""
        found = read_definitions(self._paths)
        if found.problems:  # some of it supervisord would take, and do more than run workers
            return Fault(rpc.CANT_REREAD, found.problems[0])
        StoppedByHand(self._paths).keep_only(found.programs)
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

    def take_out(self, processes: Sequence[str]) -> None:
        """Stop processes that end and are started again all the time, or take their groups out between two runs.

        Both in one request: any other would wake supervisord, which starts what has ended before it looks at that.
        """
        client = self.client()
        for one in processes:
            client.multicall(
                [("supervisor.stopProcess", (one, False)), ("supervisor.removeProcessGroup", (one.partition(":")[0],))]
            )

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

        supervisord starts nothing whose log has no folder, and writes on to a file that was deleted. Raises
        WorkspaceError, DiskFull: a folder cannot be made.
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
