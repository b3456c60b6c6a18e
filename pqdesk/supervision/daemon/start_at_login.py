"""Starting a workspace's supervisord when its user logs in: a systemd user service, or else an autostart entry.

Off until somebody switches it on, and nothing is left when it is switched off. Both run `pqdesk start --autostart`,
which attaches to a supervisord that runs already, and ends what a killed one left behind.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from pqdesk.bundle import program_command
from pqdesk.errors import SupervisorError
from pqdesk.messages.origin import WORKER_VARIABLE
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from pqdesk.supervision.look_only import IsLookOnly, never, refuse_look_only
from pqdesk.supervision.private_files import remove_file, write_private_file

Way = Literal["systemd", "autostart"]

_CALL_S = 20.0
_LINGER = Path("/var/lib/systemd/linger")  # logind keeps a file there for each user
_STOP_S = 120
_STILL = "workers still start at login"

_OFF = "Workers start when PQDesk or a command starts them."
_LINGERING = "Workers start with the machine, and run on after you log out."
_SESSION = "Workers start when you log in, and end when you have logged out everywhere."
_DESKTOP = "Workers start when you log in to the desktop; whether they run on after that is up to the system."

_UNIT = """\
# Made by PQDesk; switch it off there, or with `pqdesk start-at-login off`.
[Unit]
Description=PQDesk workers of {title}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={start}
ExecStop={stop}
TimeoutStopSec={stop_s}

[Install]
WantedBy=default.target
"""

_ENTRY = """\
[Desktop Entry]
Type=Application
Name=PQDesk workers of {title}
Comment=Made by PQDesk; switch it off there, or with "pqdesk start-at-login off"
Exec={start}
Terminal=false
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""


@dataclass(frozen=True, slots=True)
class LoginState:
    """Whether the workers of a workspace start at login, and how.

    Attributes:
        way: `systemd` is a service of the user's own systemd, `autostart` an entry of the desktop.
        is_lingering: With systemd: they start with the machine and run on after logging out. None: cannot be had.
        explanation: What happens at login and after logging out, in two sentences or fewer.
    """

    is_on: bool
    way: Way
    is_lingering: bool | None
    explanation: str


class LoginStart:
    """Switches the start at login of one workspace. Runs `systemctl --user`: may take a second."""

    def __init__(self, paths: WorkspacePaths, is_look_only: IsLookOnly = never) -> None:
        self._paths, self._is_look_only = paths, is_look_only
        name = f"pqdesk-{hashlib.sha256(os.fsencode(paths.root)).hexdigest()[:8]}"
        configuration = Path(platformdirs.user_config_dir())
        self._service = f"{name}.service"
        self._unit = configuration / "systemd/user" / self._service
        self._wanted = configuration / "systemd/user/default.target.wants" / self._service
        self._entry = configuration / "autostart" / f"{name}.desktop"

    def state(self) -> LoginState:
        """How it is now; never raises for it."""
        if os.path.lexists(self._wanted):
            is_lingering = _is_lingering()
            return LoginState(True, "systemd", is_lingering, _LINGERING if is_lingering else _SESSION)
        if self._entry.exists():
            return LoginState(True, "autostart", None, _DESKTOP)
        has_manager = _has_manager()
        return LoginState(
            False, "systemd" if has_manager else "autostart", _is_lingering() if has_manager else None, _OFF
        )

    def switch(self, is_on: bool) -> LoginState:
        """Start at login from now on, or no more. What runs now is unaffected.

        Raises:
            LookOnly: The workspace is set to look only.
            SupervisorError: It could not be done; nothing was changed.
        """
        refuse_look_only(self._paths, self._is_look_only, "changed")
        if not is_on:
            self._switch_off()
        elif _has_manager():
            self._enable_service()
            remove_file(self._entry, _STILL)
        else:
            write_supervisor_configuration(self._paths)
            write_private_file(
                self._entry,
                _ENTRY.format(title=_one_line(self._paths.root), start=_entry_words(self._command("start"))),
            )
        return self.state()

    def keep_after_logout(self, is_on: bool) -> LoginState:
        """Let the user's services run on after logging out ("lingering"), or no more; it holds for all of them.

        Raises:
            LookOnly: The workspace is set to look only.
            SupervisorError: There is no systemd, or it does not allow that.
        """
        refuse_look_only(self._paths, self._is_look_only, "changed")
        problem = _call(["loginctl", "enable-linger" if is_on else "disable-linger"])
        if problem is not None:
            verb = "let services run on" if is_on else "have services end"
            raise SupervisorError(
                f"cannot {verb} after logging out: {problem}; nothing was changed; ask who runs the machine"
            )
        return self.state()

    def _enable_service(self) -> None:
        write_supervisor_configuration(self._paths)
        text = _UNIT.format(
            title=_one_line(self._paths.root).replace("%", "%%"),
            start=_unit_words(self._command("start")),
            stop=_unit_words(self._command("stop")),
            stop_s=_STOP_S,
        )
        write_private_file(self._unit, text)
        problem = _systemctl("daemon-reload") or _call(["systemctl", "--user", "enable", self._service])
        if problem is not None:
            remove_file(self._unit, _STILL)
            raise SupervisorError(f"cannot make workers start at login: {problem}; nothing was changed")

    def _switch_off(self) -> None:
        if os.path.lexists(self._wanted) or self._unit.exists():
            _systemctl("disable", self._service)
            remove_file(self._wanted, _STILL)  # by hand, where no manager answers
            remove_file(self._unit, _STILL)
            _systemctl("daemon-reload")
        remove_file(self._entry, _STILL)

    def _command(self, verb: Literal["start", "stop"]) -> list[str]:
        if verb == "start":
            return program_command("-w", str(self._paths.root), "start", "--autostart")
        # Ending with the login is no person's slip: the variable marks what a look-only workspace does not refuse.
        mark = ["/usr/bin/env", f"{WORKER_VARIABLE}=login"]
        return [*mark, *program_command("-w", str(self._paths.root), "stop", "all", "--supervisord")]


def _has_manager() -> bool:
    """Whether this user has a systemd of their own that answers."""
    return sys.platform == "linux" and _systemctl("show", "--property=Version") is None


def _is_lingering() -> bool:
    try:
        return (_LINGER / getpass.getuser()).exists()
    except (OSError, KeyError):
        return False


def _systemctl(*words: str) -> str | None:
    return _call(["systemctl", "--user", *words])


def _call(command: Sequence[str]) -> str | None:
    """Why it failed, in one line; None when it did not."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            env=clean_environment(),
            capture_output=True,
            timeout=_CALL_S,
            check=False,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        return f"there is no {command[0]}"
    except (OSError, subprocess.TimeoutExpired) as exc:
        return " ".join(str(exc).split())
    return None if done.returncode == 0 else " ".join(done.stderr.split()) or f"{command[0]} failed"


def _one_line(path: Path) -> str:
    return "".join(character if character.isprintable() else "?" for character in str(path))


def _unit_words(command: Sequence[str]) -> str:
    """As systemd.service(5) reads a command line."""
    return " ".join(f'"{_escaped(word)}"' for word in command)


def _escaped(word: str) -> str:
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$"), ("\n", "\\n")):
        word = word.replace(plain, written)
    return word


def _entry_words(command: Sequence[str]) -> str:
    """As the Desktop Entry Specification has it: quoted for Exec, and then escaped once more as any string."""
    quoted = []
    for word in command:
        for special in ("\\", '"', "`", "$"):
            word = word.replace(special, "\\" + special)
        quoted.append(f'"{word.replace("%", "%%")}"')
    return " ".join(quoted).replace("\\", "\\\\").replace("\n", "\\n")
