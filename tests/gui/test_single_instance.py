"""One process per user: the second hands its wish to the first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket

from pqdesk.gui.app import run, run_app
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.single_instance import SingleInstance, Wish, read_wish
from pqdesk.paths import runtime_folder


@pytest.fixture
def first(qapp: object) -> Iterator[SingleInstance]:
    instance = SingleInstance(runtime_folder())
    assert instance.become_first()
    instance.listen()
    yield instance
    instance.close()


def tell(wish: Wish) -> subprocess.Popen[bytes]:
    """A second process that hands over `wish`; its exit code is 0 when the first acknowledged."""
    code = (
        "import sys; from pqdesk.gui.single_instance import SingleInstance, Wish; "
        "from pqdesk.gui.shell.routes import Route; "
        "from pqdesk.paths import runtime_folder; "
        f"sys.exit(not SingleInstance(runtime_folder()).tell_first({wish!r}))"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def test_only_one_is_first(first: SingleInstance) -> None:
    second = SingleInstance(runtime_folder())
    assert not second.become_first()

    first.close()

    assert second.become_first()
    second.close()


@pytest.mark.parametrize(
    "wish",
    [
        Wish(),
        Wish("/data/ä", "token-1"),
        Wish(None, "", is_background=True),
        Wish(route=Route("messages", filter="state:failed")),
    ],
)
def test_a_wish_arrives_and_is_acknowledged(qtbot, first: SingleInstance, wish: Wish) -> None:
    with qtbot.waitSignal(first.wished) as arrived:
        second = tell(wish)

    assert arrived.args == [wish]
    assert second.wait(10) == 0


def test_nobody_there_is_no_success(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pqdesk.gui.single_instance._CONNECT_MS", 50)

    assert not SingleInstance(runtime_folder()).tell_first(Wish())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x02{}",
        b"\x01",
        b"\x01[]",
        b"\x01{}",
        b'\x01{"workspace": 5, "token": "", "background": false}',
        b'\x01{"workspace": null, "token": "", "background": "yes"}',
        b'\x01{"workspace": null, "token": "", "background": false, "page": 5}',
        b'\x01{"workspace": null, "token": "", "background": false, "page": "logs", "filter": ["x"]}',
        b"\x01\xff\xfe",
    ],
)
def test_what_is_no_wish_is_refused(line: bytes) -> None:
    assert read_wish(line) is None


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], (None, False, None, None)),
        (["--background", "/w"], ("/w", True, None, None)),
        (["--page", "workers"], (None, False, "workers", None)),
        (["--page", "messages", "--filter", "-x", "/w"], ("/w", False, "messages", "-x")),
    ],
)
def test_the_windows_program_understands_what_open_says(
    words: list[str], asked: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pqdesk.gui.app.run_app", lambda *values: values)

    assert run(words) == asked


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"page": "nonsense"}, "there is no page 'nonsense'; there are overview, messages, workers, logs"),
        ({"filter_text": "state:broken"}, "state"),
        ({"page": "messages", "filter_text": 'queue:"'}, "quote"),
    ],
)
def test_a_page_or_a_filter_that_cannot_be_shown_is_refused_before_any_window(
    asked: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(**asked) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_garbage_on_the_socket_harms_nobody(qtbot, first: SingleInstance) -> None:
    for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"x" * 200_000):
        socket = QLocalSocket()
        socket.connectToServer(first.socket_path)
        assert socket.waitForConnected(1000)
        socket.write(garbage)
        socket.flush()
        qtbot.waitUntil(lambda socket=socket: socket.state() is QLocalSocket.LocalSocketState.UnconnectedState)

    with qtbot.waitSignal(first.wished):
        second = tell(Wish())
    assert second.wait(10) == 0


def test_a_socket_left_behind_by_a_killed_process_is_replaced(qtbot) -> None:
    folder = runtime_folder()
    folder.mkdir(parents=True)
    (folder / "window.sock").touch()

    first = SingleInstance(folder)
    assert first.become_first()
    first.listen()
    with qtbot.waitSignal(first.wished):
        second = tell(Wish())
    assert second.wait(10) == 0
    first.close()


def test_a_runtime_folder_with_a_long_name_works(qtbot, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    first, second = SingleInstance(folder), SingleInstance(folder)

    assert first.become_first()
    first.listen()
    assert [one.name for one in folder.iterdir() if one.is_socket()] == ["window.sock"]  # there, and nowhere in /tmp
    connection = QLocalSocket()
    connection.connectToServer(second.socket_path)
    assert connection.waitForConnected(1000)
    connection.abort()
    second.close()
    first.close()


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    with pytest.raises(OSError, match="others may write to it"):
        SingleInstance(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_lock_is_told_and_holds_nobody_up(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "window.lock")
    instance = SingleInstance(tmp_path)

    with pytest.raises(OSError, match="not a regular file"):
        instance.become_first()
    instance.close()


def test_the_lock_says_who_has_it(first: SingleInstance) -> None:
    assert (runtime_folder() / "window.lock").read_text() == f"{os.getpid()}\n"
