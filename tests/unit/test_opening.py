"""Files of ours are opened as files: what else stands in their place is told in words, and holds nobody up."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pqdesk.cli.logbook import log_traceback, logging_to
from pqdesk.errors import PQDeskError, SupervisorError
from pqdesk.opening import UnfitFile, check_private_folder, open_plain, read_plain
from pqdesk.paths import WorkspacePaths, runtime_folder
from pqdesk.storage import open_store
from pqdesk.storage.sqlite.owners import Owner, begun_receipts, is_alive
from pqdesk.storage.sqlite.waiting import Bells, PollableEvent, bell_path, is_waited_for
from pqdesk.supervision.daemon.client import SupervisorClient
from pqdesk.supervision.daemon.launch import boot_error
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.secret_files import read_secrets
from pqdesk.supervision.definitions.validation import located
from pqdesk.supervision.definitions.worker_files import WorkerFiles
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.logs.journal_file import ExitJournal
from pqdesk.supervision.logs.log_files import LogFollower, all_lines, clear_log, tail_lines
from pqdesk.supervision.logs.message_lines import lines_around, lines_of_message
from pqdesk.supervision.private_files import check_private_folder as check_socket_folder
from pqdesk.supervision.waiting import held_lock

TOO_LONG_S = 10


def make_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # its whole path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


IN_PLACE: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "it is a pipe"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a link"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "it is a link"),
    "link to a file": (lambda path: path.symlink_to(path.parent.parent / "precious"), "it is a link"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "it is a link"),
    "folder": (os.mkdir, "it is a folder"),
    "socket": (make_socket, "it is a socket"),
}


@pytest.fixture(params=IN_PLACE)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    found = WorkspacePaths(tmp_path / "w")
    for folder in (found.root, found.run, found.logs):
        folder.mkdir()
    write_supervisor_configuration(found)
    write_definition(found, WorkerDefinition(name="a", command=("true",), secrets={"TOKEN": "x"}))
    (found.root / "precious").write_text("precious")
    return found


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """What waits for ever is ended, and fails."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"it waited for {TOO_LONG_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TOO_LONG_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put_in_place(kind: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    IN_PLACE[kind][0](path)
    return path


def kind_at(path: Path) -> int:
    return stat.S_IFMT(path.lstat().st_mode)


def test_what_is_no_file_is_told_as_what_it_is_and_left(kind: str, paths: WorkspacePaths) -> None:
    path = put_in_place(kind, paths.run / "file")
    before = kind_at(path)

    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR | os.O_CREAT):
        with pytest.raises(UnfitFile, match=IN_PLACE[kind][1]) as raised:
            open_plain(path, flags)
        assert raised.value.filename == str(path)

    assert kind_at(path) == before
    assert (paths.root / "precious").read_text() == "precious"


def test_a_device_itself_is_no_file() -> None:
    with pytest.raises(UnfitFile, match="it is a device"):
        open_plain("/dev/zero")
    with pytest.raises(UnfitFile, match="it is a device"):
        read_plain("/dev/null", 10)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(open_plain(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_file_is_emptied_only_when_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    os.close(open_plain(tmp_path / "file", os.O_WRONLY | os.O_TRUNC))

    assert (tmp_path / "file").read_text() == ""


def test_what_is_missing_is_missing(tmp_path: Path) -> None:
    for may_be_link in (False, True):
        with pytest.raises(FileNotFoundError):
            read_plain(tmp_path / "none", 10, may_be_link=may_be_link)


@pytest.mark.parametrize("size", [11, 100_000])
def test_more_than_such_a_file_can_have_is_not_read(tmp_path: Path, size: int) -> None:
    with open(tmp_path / "file", "wb") as file:
        os.truncate(file.fileno(), size)

    with pytest.raises(UnfitFile, match="more than 10 bytes"):
        read_plain(tmp_path / "file", 10)
    assert len(read_plain(tmp_path / "file", size)) == size


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o777])
def test_what_others_may_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.write_text("1")
    file.chmod(mode)

    with pytest.raises(UnfitFile, match="others may write"):
        read_plain(file, 10)
    assert read_plain(file, 10, may_be_shared=True) == b"1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_not_opened_by_root_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("1")
    os.chown(file, 12345, -1)

    with pytest.raises(UnfitFile, match="it belongs to user 12345"):
        read_plain(file, 10)
    monkeypatch.setenv("PQDESK_ALLOW_OWNER", "1")
    assert read_plain(file, 10) == b"1"


def test_a_link_to_a_file_of_ones_own_can_be_allowed(paths: WorkspacePaths) -> None:
    (paths.run / "link").symlink_to(paths.root / "precious")

    assert read_plain(paths.run / "link", 10, may_be_link=True) == b"precious"


# --- every place ----------------------------------------------------------------------------------


def calls(paths: WorkspacePaths) -> dict[str, tuple[Path, tuple[Callable[[], object], ...]]]:
    """By place, its file and what opens it."""
    log, lock, token = paths.logs / "a.out.log", paths.run / "x.lock", "ab" * 16
    [secrets] = (paths.supervisor / "secrets").iterdir()
    owner = Owner(1, token, 1, "boot", "name")
    return {
        "log": (
            log,
            (
                lambda: tail_lines(log, 5),
                lambda: LogFollower(log).read(),
                lambda: list(all_lines(log)),
                lambda: clear_log(log),
                lambda: lines_of_message([log], 1),
                lambda: lines_around([log], 1),
            ),
        ),
        "rotated log": (log.with_name("a.out.log.1"), (lambda: tail_lines(log, 5), lambda: LogFollower(log).read())),
        "supervisord's log": (paths.logs / "supervisord.log", (lambda: ExitJournal(paths).refresh(),)),
        "boot log": (paths.boot_log, (lambda: boot_error(paths.boot_log),)),
        "app log": (
            paths.app_log,
            (lambda: log_traceback(paths, ValueError("x")), lambda: write_to_log(paths)),
        ),
        "journal": (paths.run / "restarts.json", (lambda: ExitJournal(paths).refresh(),)),
        "lock": (lock, (lambda: held_lock(lock, 0, "at it").__enter__(),)),
        "pid": (paths.pid_file, (lambda: SupervisorClient(paths.socket)._who(),)),
        "main configuration": (
            paths.supervisor_configuration,
            (
                lambda: read_definitions(paths),
                lambda: located(f"x in section 'y' (file: '{paths.supervisor_configuration}')"),
            ),
        ),
        "worker": (
            paths.workers / "a.conf",
            (
                lambda: read_definitions(paths),
                lambda: WorkerFiles(paths).remove("a", ()),
                lambda: WorkerFiles(paths).read("a"),
            ),
        ),
        "secrets": (secrets, (lambda: read_secrets(secrets), lambda: WorkerFiles(paths).read("a"))),
        "removed": (paths.supervisor / "removed" / "a.json", (lambda: WorkerFiles(paths).removed("a"),)),
        "owner": (
            paths.run / "owners" / token,
            (
                lambda: is_alive(paths.run / "owners", owner, "boot"),
                lambda: begun_receipts(paths.run / "owners", token),
            ),
        ),
        "initializer lock": (paths.run / "initialize.lock", (lambda: open_store(paths).close(),)),
        "bell": (
            Path(bell_path(paths.run / "bells", "q")),
            (lambda: is_waited_for(paths.run / "bells", "q"), lambda: ring_and_wait(paths)),
        ),
    }


PLACES = (
    "log", "rotated log", "supervisord's log", "boot log", "app log", "journal", "lock", "pid", "main configuration",
    "worker", "secrets", "removed", "owner", "initializer lock", "bell",
)  # fmt: skip


def write_to_log(paths: WorkspacePaths) -> None:
    with logging_to(paths):
        logging.getLogger("pqdesk").info("a line")


def ring_and_wait(paths: WorkspacePaths) -> None:
    bells, alarm = Bells(paths.run / "bells", paths.run), PollableEvent()
    try:
        bells.ring("q")
        bells.wait("q", 0.01, alarm)
        bells.silence("q")
    finally:
        bells.close()
        alarm.close()


@pytest.mark.parametrize("place", PLACES)
def test_no_call_hangs_or_touches_what_is_in_place_of_a_file(place: str, kind: str, paths: WorkspacePaths) -> None:
    (paths.logs / "a.out.log").write_text("a line\n")
    path, several = calls(paths)[place]
    if place == "bell" and kind == "pipe":
        pytest.skip("it is one")
    put_in_place(kind, path)
    before = kind_at(path)

    for call in several:
        with suppress(PQDeskError, OSError):
            call()

    assert kind_at(path) == before
    assert (paths.root / "precious").read_text() == "precious"


def test_the_places_are_all_tried(paths: WorkspacePaths) -> None:
    assert set(calls(paths)) == set(PLACES)


def test_a_log_replaced_while_it_is_written_ends_nobody(kind: str, paths: WorkspacePaths) -> None:
    with logging_to(paths):
        logging.getLogger("pqdesk").info("before")
        put_in_place(kind, paths.app_log)
        logging.getLogger("pqdesk").info("after")

    assert (paths.root / "precious").read_text() == "precious"


def test_a_followed_log_replaced_by_something_else_is_told(kind: str, paths: WorkspacePaths) -> None:
    log = paths.logs / "a.out.log"
    log.write_text("a line\n")
    follower = LogFollower(log)
    assert follower.read() == ["a line"]

    put_in_place(kind, log)

    with suppress(UnfitFile):  # raised at once, or once the file that is open was read to its end
        follower.read()
    follower.close()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"inode": ' + "9" * 5000 + "}", '{"inode": 1, "offset": 2, "processes": [1]}', "nul\0"]
)
def test_a_journal_that_is_none_is_begun_anew(text: str, paths: WorkspacePaths) -> None:
    (paths.run / "restarts.json").write_text(text)

    ExitJournal(paths).refresh()


def test_a_secret_is_not_read_from_a_file_that_others_write(paths: WorkspacePaths) -> None:
    [secrets] = (paths.supervisor / "secrets").iterdir()
    assert read_secrets(secrets) == {"TOKEN": "x"}

    secrets.chmod(0o660)

    assert read_secrets(secrets) == {}
    assert "x" in shlex.split(secrets.read_text(), comments=True)[0]  # left as it is


# --- nothing in a folder that others can take first ------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_runtime_folder_that_others_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    assert runtime_folder().parent == shared

    shared.chmod(mode)

    assert not runtime_folder().is_relative_to(shared)


@pytest.mark.parametrize("bad", ["parent", "folder"])
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_no_socket_goes_into_a_folder_that_others_can_exchange(tmp_path: Path, bad: str, mode: int) -> None:
    folder = tmp_path / "pqdesk" / "0123456789abcdef"
    folder.mkdir(parents=True)
    check_socket_folder(folder)

    (folder if bad == "folder" else folder.parent).chmod(mode)

    with pytest.raises(SupervisorError, match="others may write to it"):
        check_socket_folder(folder)


def test_a_private_folder_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(UnfitFile, match="it is a link, not a folder"):
        check_private_folder(tmp_path / "link")
