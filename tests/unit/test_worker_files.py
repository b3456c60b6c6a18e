"""Changing workers in their files: what is not meant stays as it was written, to the byte."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pqdesk.errors import DiskFull, InvalidInput, NotFound, PQDeskError, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.configuration_text import ConfigurationText
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.worker_files import WorkerFiles
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from tests.unit.test_definitions import parsed_by_supervisor

HAND_WRITTEN = """\
# my own worker, do not touch

[program: web]
command = pqdesk consume web --handler 'x y':f \t; the command
  --concurrency 2
    # a comment in between
environment = A='1',B=two
nice_thing = 1 ; PQDesk knows nothing of it
  that goes on
priority=7

; the one below is of somebody else
[program:other]
command=sleep 1
stdout_logfile=/tmp/%(program_name)s.log
[group:g]
programs=other
priority=3
"""


@pytest.fixture
def paths(short_folder: Path) -> WorkspacePaths:
    made = WorkspacePaths(short_folder)
    write_supervisor_configuration(made)
    return made


@pytest.fixture
def files(paths: WorkspacePaths) -> WorkerFiles:
    return WorkerFiles(paths)


def hand_written(paths: WorkspacePaths, text: str = HAND_WRITTEN) -> Path:
    file = paths.workers / "mine.conf"
    file.write_bytes(text.encode())
    return file


def secret_files(paths: WorkspacePaths) -> list[Path]:
    folder = paths.supervisor / "secrets"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_one_value_is_changed_and_nothing_else(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)

    change = files.change(replace(files.read("other"), stop_wait_s=77))

    assert file.read_text() == HAND_WRITTEN.replace("%(program_name)s.log\n", "%(program_name)s.log\nstopwaitsecs=77\n")
    assert (change.changed, change.added, change.removed) == (("other",), (), ())


def test_a_value_of_several_lines_is_replaced_and_its_comments_stay(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)
    web = files.read("web")
    assert web.command == ("pqdesk", "consume", "web", "--handler", "x y:f", "--concurrency", "2")

    files.change(replace(web, command=("pqdesk", "consume", "web", "--", "cat"), is_autostart=False))

    expected = HAND_WRITTEN.replace("'x y':f", "X").replace(
        "pqdesk consume web --handler X \t; the command\n  --concurrency 2\n",
        "pqdesk consume web -- cat \t; the command\n",
    )
    expected = expected.replace("priority=7\n", "priority=7\nautostart=false\n")
    assert file.read_text() == expected
    assert files.read("web").command[-1] == "cat"


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_stay(paths: WorkspacePaths, files: WorkerFiles, line_end: str) -> None:
    file = hand_written(paths, HAND_WRITTEN.replace("\n", line_end))

    files.change(replace(files.read("other"), command=("sleep", "2")))

    assert file.read_bytes() == HAND_WRITTEN.replace("sleep 1", "sleep 2").replace("\n", line_end).encode()


def test_a_hand_written_worker_is_scaled_with_all_that_it_has(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)
    before = file.read_text()

    change = files.change(replace(files.read("web"), replicas=3))

    parsed = parsed_by_supervisor(paths)
    assert {"web", "web-2", "web-3"} <= set(parsed)
    assert {parsed[name].priority for name in ("web", "web-2", "web-3")} == {7}  # type: ignore[attr-defined]
    assert parsed["web-3"].command == parsed["web"].command  # type: ignore[attr-defined]
    assert (change.added, change.changed) == (("web-2", "web-3"), ())
    files.change(replace(files.read("web"), replicas=1))
    assert file.read_text() == before


def test_each_replica_has_logs_of_its_own(paths: WorkspacePaths, files: WorkerFiles) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",)))

    files.change(replace(files.read("worker"), replicas=2))
    files.change(replace(files.read("worker"), replicas=3))

    logs = [one.stdout_log.name for one in files.read("worker").processes]
    assert logs == ["worker.out.log", "worker-2.out.log", "worker-3.out.log"]
    [read] = read_definitions(paths).workers
    assert files.preview(replace(read, file=None)) == (paths.workers / "worker.conf").read_text()


def test_a_missing_number_is_filled_and_the_highest_go_first(paths: WorkspacePaths, files: WorkerFiles) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",), replicas=4))
    file = paths.workers / "worker.conf"
    text = ConfigurationText(file.read_text())
    text.remove("program:worker-2")
    file.write_text(text.text)

    grown = files.change(replace(files.read("worker"), replicas=4))
    shrunk = files.change(replace(files.read("worker"), replicas=2))

    assert grown.added == ("worker-2",)
    assert shrunk.removed == ("worker-4", "worker-3")


def test_numprocs_is_not_scaled(paths: WorkspacePaths, files: WorkerFiles) -> None:
    hand_written(paths, "[program:w]\ncommand=true\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n")

    with pytest.raises(InvalidInput, match="numprocs"):
        files.change(replace(files.read("w"), replicas=3))
    files.change(replace(files.read("w"), stop_wait_s=3))

    assert files.read("w").stop_wait_s == 3


def test_a_file_that_changed_meanwhile_is_not_overwritten(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)
    seen = files.read("other")
    WorkerFiles(paths).change(replace(files.read("other"), stop_wait_s=1))
    text = file.read_text()

    with pytest.raises(SupervisorError, match="was changed meanwhile"):
        files.change(replace(seen, stop_wait_s=2))
    files.change(replace(files.read("web"), stop_wait_s=5))

    assert file.read_text() == text.replace("priority=7\n", "priority=7\nstopwaitsecs = 5\n".replace(" = ", "="))


def test_a_link_stays_a_link(paths: WorkspacePaths, files: WorkerFiles, tmp_path: Path) -> None:
    kept = tmp_path / "kept.conf"
    kept.write_text(HAND_WRITTEN)
    (paths.workers / "mine.conf").symlink_to(kept)

    files.change(replace(files.read("other"), command=("sleep", "2")))

    assert (paths.workers / "mine.conf").readlink() == kept
    assert kept.read_text() == HAND_WRITTEN.replace("sleep 1", "sleep 2")


def test_of_two_who_change_the_same_at_once_one_is_told(paths: WorkspacePaths, files: WorkerFiles) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",)))
    seen = files.read("worker")
    outcomes: list[object] = []

    def change(number: int) -> None:
        try:
            outcomes.append(WorkerFiles(paths).change(replace(seen, stop_wait_s=number)).changed)
        except SupervisorError as exc:
            outcomes.append(str(exc))

    threads = [threading.Thread(target=change, args=(number,)) for number in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count(("worker",)) == 1
    assert sum("was changed meanwhile" in str(one) for one in outcomes) == 3


def test_a_refused_change_changes_nothing(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)

    with pytest.raises(InvalidInput, match="quote"):
        files.change(replace(files.read("other"), environment={"A": 'x"y'}, secrets={"S": "x"}))

    assert file.read_text() == HAND_WRITTEN
    assert secret_files(paths) == []


def test_a_worker_of_supervisord_conf_itself_is_not_touched(paths: WorkspacePaths, files: WorkerFiles) -> None:
    with paths.supervisor_configuration.open("a") as file:
        file.write("[program:mine]\ncommand=true\n")

    for act in (lambda: files.change(replace(files.read("mine"), stop_wait_s=1)), lambda: files.remove("mine", ())):
        with pytest.raises(SupervisorError, match="PQDesk does not write"):
            act()


def test_no_worker_is_added_twice(paths: WorkspacePaths, files: WorkerFiles) -> None:
    hand_written(paths)

    for name in ("web", "other"):
        with pytest.raises(SupervisorError, match="already"):
            files.add(WorkerDefinition(name=name, command=("true",)))
    with pytest.raises(SupervisorError, match="already"):
        files.add(WorkerDefinition(name="mine", command=("true",)))


def test_a_removed_worker_comes_back_as_it_was(paths: WorkspacePaths, files: WorkerFiles) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",), secrets={"TOKEN": "x'y"}, replicas=2))
    before = (paths.workers / "worker.conf").read_text()

    files.remove("worker", ["worker-2"])

    assert read_definitions(paths).workers == ()
    assert secret_files(paths) == []
    removed = files.removed("worker")
    assert (removed.running, "x" in repr(removed.secrets)) == (("worker-2",), True)
    assert "TOKEN" not in repr(removed)
    files.bring_back(removed)
    assert (paths.workers / "worker.conf").read_text() == before
    assert files.read("worker").secrets == {"TOKEN": "x'y"}
    with pytest.raises(NotFound):
        files.removed("worker")


def test_of_a_file_with_several_workers_only_one_is_removed(paths: WorkspacePaths, files: WorkerFiles) -> None:
    file = hand_written(paths)

    removed = files.remove("web", ())

    assert "[program:other]" in file.read_text()
    assert "my own worker" in file.read_text()
    assert [one.name for one in read_definitions(paths).workers] == ["other"]
    files.bring_back(removed)
    assert files.read("web").environment == {"A": "1", "B": "two"}
    with pytest.raises(SupervisorError, match="already"):
        files.bring_back(removed)


def test_secrets_are_in_a_private_file_and_nowhere_else(paths: WorkspacePaths, files: WorkerFiles) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",), secrets={"TOKEN": "hunter2"}, environment={"A": "b"}))

    [file] = secret_files(paths)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "hunter2" in file.read_text()
    assert "hunter2" not in (paths.workers / "worker.conf").read_text()
    worker = files.read("worker")
    assert (worker.command, worker.secrets) == (("true",), {"TOKEN": "hunter2"})
    assert "hunter2" not in repr(worker)
    assert "hunter2" not in files.preview(worker)


def test_changed_secrets_are_a_new_file_and_the_old_one_goes_at_the_next_change(
    paths: WorkspacePaths, files: WorkerFiles
) -> None:
    files.add(WorkerDefinition(name="worker", command=("true",), secrets={"TOKEN": "one"}))
    [first] = secret_files(paths)

    change = files.change(replace(files.read("worker"), secrets={"TOKEN": "two"}))

    assert change.changed == ("worker",)
    assert first in secret_files(paths), "what runs may be started again before it is told"
    files.change(replace(files.read("worker"), secrets={}))
    assert files.read("worker").secrets == {}
    assert first not in secret_files(paths)
    files.change(replace(files.read("worker"), stop_wait_s=1))
    assert secret_files(paths) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_file(
    paths: WorkspacePaths, files: WorkerFiles, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = hand_written(paths)
    worker = files.read("other")

    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match=r"mine\.conf.*nothing was changed; free some space") as caught:
        files.change(replace(worker, stop_wait_s=1))
    with pytest.raises(DiskFull):
        files.add(WorkerDefinition(name="new", command=("true",)))

    assert "\n" not in str(caught.value)
    assert file.read_text() == HAND_WRITTEN
    assert [one.name for one in paths.workers.iterdir()] == ["mine.conf"]


def test_a_broken_file_is_named_with_its_line(paths: WorkspacePaths, files: WorkerFiles) -> None:
    for name, text, line in (
        ("headless", "a=1\n[program:x]\ncommand=x\n", 1),
        ("garbled", "[program:y]\ncommand=y\n\nnonsense\n", 4),
        ("latin", "[program:z]\ncommand=\xe4\n", 2),
        ("empty", "\n\n[program:q]\na=1\n", 3),
    ):
        (paths.workers / f"{name}.conf").write_bytes(text.encode("latin-1"))
        with pytest.raises(SupervisorError, match=rf"{name}\.conf', line {line},"):
            files.read(name)

    assert len(read_definitions(paths).problems) == 4


_LINES = st.sampled_from(
    [
        *(
            "key=value",
            "key = value ; comment",
            "  more",
            "\tmore ;x",
            "",
            "  ",
            "# comment",
            "; comment",
            "  ; inside",
        ),
        *("KEY: other", "command=sleep 1", "command = a b", " indented=1", "x=1;2", "x=", "stopwaitsecs=3", "\u2028=1"),
        *("environment=A=1", "[program:a]", "[program:b]", "[program:a-2]", "[other]", "  [program:c]", "a]b=[1]"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=600)
@given(lines=st.lists(_LINES, max_size=14), stop_wait_s=st.integers(0, 99), replicas=st.integers(1, 3))
def test_whatever_was_written_a_change_is_right_or_refused(
    short_folder: Path, lines: list[str], stop_wait_s: int, replicas: int
) -> None:
    paths = WorkspacePaths(short_folder)
    write_supervisor_configuration(paths)
    file = paths.workers / "mine.conf"
    text = "\n".join(["[program:a]", "command=true", *lines])
    file.write_bytes(text.encode())
    files = WorkerFiles(paths)
    try:
        old = files.read("a")
    except PQDeskError:
        return
    others = {one.name: one for one in read_definitions(paths).workers if one.name != "a"}

    try:
        files.change(replace(old, stop_wait_s=stop_wait_s, replicas=replicas, command=("false", "x ;y")))
    except SupervisorError:
        assert file.read_bytes() == text.encode()
        return

    now = {one.name: one for one in read_definitions(paths).workers}
    new = now.pop("a")
    assert (new.stop_wait_s, new.replicas, new.command) == (stop_wait_s, replicas, ("false", "x ;y"))
    assert (new.environment, new.is_autostart) == (old.environment, old.is_autostart)
    assert now == others
    kept = [line for line in file.read_text().split("\n") if line.strip().startswith(("#", ";"))]
    assert len(kept) >= sum(line.strip().startswith(("#", ";")) for line in lines) - 2 * (old.replicas > replicas)
