"""When a worker's program ends by itself: after which ends it runs again, and how it is told."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import usual_restart
from pqdesk.supervision.definitions.sections import read_configuration
from pqdesk.supervision.records import RestartPolicy, WorkerState
from tests.support import wait_until
from tests.system.conftest import WAIT_S, SupervisedWorkspace

POLICIES: tuple[RestartPolicy, ...] = ("always", "if it fails", "never")
LASTING_S = (0, 1, 5)
ENDS = {"zero": "exit 0", "one": "exit 1", "signal": "kill -s KILL $$"}
QUIET_S = 9  # longer than any of them runs and supervisord waits after that


def script(name: str, lasting_s: float, end: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", f"echo run >> {name}.runs; sleep {lasting_s}; {end}")


def runs(workspace: SupervisedWorkspace, name: str) -> int:
    file = workspace.paths.root / f"{name}.runs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def name_of(policy: str, lasting_s: float, end: str) -> str:
    return f"{policy.replace(' ', '')}.{lasting_s}.{end}"


def test_every_policy_is_kept_however_soon_and_however_it_ends(supervised: SupervisedWorkspace) -> None:
    cases = [(policy, lasting_s, end) for policy in POLICIES for lasting_s in LASTING_S for end in ENDS]
    for policy, lasting_s, end in cases:
        name = name_of(policy, lasting_s, end)
        definition = WorkerDefinition(name=name, command=script(name, lasting_s, ENDS[end]), restart=policy)
        supervised.supervision.add(definition, start=False)
    supervised.supervision.start("all")
    again = [one for one in cases if one[0] == "always" or (one[0] == "if it fails" and one[2] != "zero")]
    once = [one for one in cases if one not in again]

    wait_until(
        lambda: (
            all(runs(supervised, name_of(*one)) >= 2 for one in again)
            and all(supervised.replica(name_of(*one)).state is WorkerState.EXITED for one in once)
        ),
        WAIT_S,
        "each to end, and to run again where it should",
    )
    began_at = time.monotonic()
    wait_until(lambda: time.monotonic() - began_at > QUIET_S, WAIT_S)

    assert {name_of(*one): runs(supervised, name_of(*one)) for one in once} == dict.fromkeys(
        (name_of(*one) for one in once), 1
    )
    for one in once:
        record = supervised.replica(name_of(*one))
        assert record.last_exit is not None
        told = {"zero": (0, None), "one": (1, None), "signal": (None, "KILL")}[one[2]]
        assert (record.state, record.last_exit.code, record.last_exit.signal) == (WorkerState.EXITED, *told), one


@pytest.mark.parametrize("policy", ["if it fails", "never"])
def test_an_edit_to_another_policy_is_kept_too(supervised: SupervisedWorkspace, policy: RestartPolicy) -> None:
    command = script("job", 0, "exit 0")
    supervised.supervision.add(WorkerDefinition(name="job", command=command, restart="always"), start=True)
    wait_until(lambda: runs(supervised, "job") >= 2, WAIT_S, "it to run again")
    supervised.supervision.stop("job", wait_s=None)

    changed = supervised.supervision.definition("job")
    supervised.supervision.change(replace(changed, restart=policy))
    before = runs(supervised, "job")
    supervised.supervision.start("job")

    supervised.wait_for("job", WorkerState.EXITED)
    began_at = time.monotonic()
    wait_until(lambda: time.monotonic() - began_at > 3, WAIT_S)
    assert runs(supervised, "job") == before + 1
    assert supervised.replica("job").exit_text == "exit status 0"


def test_a_hand_written_file_that_does_not_mean_what_it_says_is_told_and_mended_when_asked(
    supervised: SupervisedWorkspace,
) -> None:
    file = supervised.paths.workers / "once.conf"
    file.parent.mkdir(parents=True)
    file.write_text("; mine\n[program:once]\ncommand = /bin/sh -c 'echo run >> once.runs'\nautorestart = false\n")

    [warning] = supervised.supervision.warnings()
    assert "'once'" in warning
    assert "startsecs=0" in warning
    supervised.supervision.change(replace(supervised.supervision.definition("once"), stop_wait_s=7))
    assert supervised.supervision.warnings() == (warning,), "what nobody asked for stays as it is written"
    supervised.supervision.change(replace(supervised.supervision.definition("once"), breaks_policy=False))

    text = read_configuration(file)
    assert text.startswith("; mine\n")
    assert "startsecs = 0" in text
    assert supervised.supervision.warnings() == ()


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("autorestart=false", True),
        ("autorestart=unexpected", True),
        ("", True),
        ("autorestart=false\nstartsecs=0", False),
        ("autorestart=false\nstartretries=0", False),
        ("autorestart=true", False),
        ("autorestart=unexpected\nstartsecs=0", False),
        ("autorestart=false\nstartsecs=5\nstartretries=2", True),
    ],
)
def test_which_hand_written_files_are_told(supervised: SupervisedWorkspace, text: str, is_wrong: bool) -> None:
    file: Path = supervised.paths.workers / "job.conf"
    file.parent.mkdir(parents=True)
    file.write_text(f"[program:job]\ncommand=sleep 600\n{text}\n")

    assert bool(supervised.supervision.warnings()) is is_wrong


def test_the_proposed_policy_of_a_command_is_to_end_for_good_when_it_is_done() -> None:
    assert usual_restart(("/bin/true",)) == "if it fails"
