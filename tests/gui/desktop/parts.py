"""What a desktop is made of: X server, session bus, accessibility bus, window manager, and a tray if wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.gui.desktop.accessibility import DesktopError
from tests.gui.desktop.tray import TRAY_PROGRAM
from tests.processes import end_child

_LAUNCHER = "/usr/libexec/at-spi-bus-launcher"
_WINDOW_MANAGER = "openbox"
_TRAY_COMMAND = (TRAY_PROGRAM, "--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "32")
# Each program that is needed, and the Debian package that has it.
_PACKAGES = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus",
    "dbus-send": "dbus",
    _LAUNCHER: "at-spi2-core",
    _WINDOW_MANAGER: "openbox",
    TRAY_PROGRAM: "trayer",
    "xdotool": "xdotool",
    "xprop": "x11-utils",
    "xwininfo": "x11-utils",
    "import": "imagemagick",
}
# Of whatever desktop this runs on, nothing may shine through.
_FOREIGN = ("XDG_", "DBUS_", "QT_", "GTK_", "WAYLAND_", "AT_SPI_", "XAUTHORITY", "DISPLAY", "PYTHON", "VIRTUAL_ENV")
# No activatable services: no portal, keyring or gvfs of this machine gets started, and file dialogs are Qt's own.
_BUS_CONFIGURATION = """<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""


def missing_programs() -> dict[str, str]:
    """What is not installed of that which a desktop needs: program → Debian package."""
    return {program: package for program, package in _PACKAGES.items() if shutil.which(program) is None}


class Parts:
    """Starts the parts in order and ends them in the opposite one.

    Attributes:
        environment: What a program needs to find this desktop, and nothing of another; complete after `start`.
    """

    def __init__(self, folder: Path, folders: Mapping[str, str], marker: tuple[str, str], wait: WaitUntil) -> None:
        self._folder, self._marker, self._wait = folder, marker, wait
        self._running: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
            **folders,
            "LC_ALL": "C.UTF-8",
            "XDG_SESSION_TYPE": "x11",
            "QT_QPA_PLATFORM": "xcb",  # Qt's offscreen platform has no accessibility at all
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }

    def start(self, size: tuple[int, int], *, has_tray: bool) -> None:
        """Raises DesktopError with what is missing or the last words of the part that did not start."""
        if missing := missing_programs():
            packages = " ".join(sorted({*missing.values()}))
            raise DesktopError(f"{', '.join(missing)} not found: apt-get install {packages}")
        self._start_display(size)
        self._start_session_bus()
        self._start_accessibility_bus()
        self._start_window_manager()
        if has_tray:
            self._start_tray()

    def close(self) -> None:
        for part in reversed(self._running):
            end_child(part)

    def run(self, *command: str, is_checked: bool = True) -> str:
        """Run a small program on the desktop; what it prints."""
        done = subprocess.run(
            command, env=self.part_environment, capture_output=True, timeout=60, encoding="utf-8", errors="replace"
        )
        if is_checked and done.returncode:
            raise DesktopError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    @property
    def part_environment(self) -> dict[str, str]:
        variable, value = self._marker
        return {**self.environment, variable: value}

    def _start_display(self, size: tuple[int, int]) -> None:
        screen = f"{size[0]}x{size[1]}x24"
        command = ("Xvfb", "-screen", "0", screen, "-nolisten", "tcp", "-noreset")
        number = self._start_and_listen(*command, option="-displayfd ")
        self.environment["DISPLAY"] = f":{number}"

    def _start_session_bus(self) -> None:
        configuration = self._folder / "bus.conf"
        configuration.write_text(_BUS_CONFIGURATION.format(socket=self._folder / "bus"), encoding="utf-8")
        command = ("dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._start_and_listen(*command, option="--print-address=")

    def _start_accessibility_bus(self) -> None:
        """Before any program: one that starts without it registers only sometimes."""
        self._start(_LAUNCHER, "--launch-immediately")
        question = ("dbus-send", "--session", "--print-reply", "--dest=org.a11y.Bus", "/org/a11y/bus")
        self._wait_to_read("unix:", *question, "org.a11y.Bus.GetAddress")

    def _start_window_manager(self) -> None:
        self._start(_WINDOW_MANAGER)
        self._wait_to_read("window id", "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")

    def _start_tray(self) -> None:
        self._start(*_TRAY_COMMAND)
        self._wait_to_read(TRAY_PROGRAM, "xwininfo", "-root", "-tree")

    def _wait_to_read(self, text: str, *command: str) -> None:
        self._wait(lambda: text in self.run(*command, is_checked=False), f"{text!r} from {' '.join(command)}")

    def _start_and_listen(self, *command: str, option: str) -> str:
        """Start a part that writes a line to the descriptor that `option` names, once it is up; that line."""
        reading, writing = os.pipe()
        with open(reading, encoding="utf-8") as told:
            try:
                self._start(*command, *f"{option}{writing}".split(), inherited=(writing,))
            finally:
                os.close(writing)
            line = told.readline().strip()
        if not line:
            last_words = self._log(command[0]).read_text(errors="replace").strip()
            raise DesktopError(f"{command[0]} did not start: {last_words[-500:]}")
        return line

    def _start(self, *command: str, inherited: tuple[int, ...] = ()) -> None:
        with self._log(command[0]).open("wb") as log:
            part = subprocess.Popen(
                command,
                env=self.part_environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal of the tests must not end it before its programs
                pass_fds=inherited,
            )
        self._running.append(part)

    def _log(self, program: str) -> Path:
        return self._folder / f"{Path(program).name}.log"


WaitUntil = Callable[[Callable[[], Any], str], Any]
