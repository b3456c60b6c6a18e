"""Where a workspace's supervisord is reached, and the name under which its configuration is read.

Usually that is supervisor/supervisord.conf with its socket beside it. Two things stand in the way:

- A socket's path may have 107 bytes (unix(7)), supervisord needs some of them for itself. A configuration that is
  written for a workspace with a longer path names a socket in the user's runtime folder. One that was written
  elsewhere, as that of a checkout, does not.
- supervisord puts the folder's name into values that it then expands, so it cannot read any configuration in a
  folder whose name holds a `%`, finds no worker's file if it holds `[`, and misreads a `"`.

Both are cured by reading the configuration through a link with a short and plain name, in the runtime folder:
`%(here)s` and all that is built on it then go through the link, in the files of workers too. By hand, such a
configuration does not work, and by_hand_problem() says so.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths, runtime_folder
from pqdesk.supervision.definitions.sections import Section, read_sections
from pqdesk.supervision.private_files import check_private_folder, make_private_folder

LONGEST_SOCKET_BYTES = 95  # supervisord binds SOCKET.PID first; measured with supervisor 4.3.0

_HERE = "%(here)s"
_UNREADABLE = re.compile(r'[%*?\["]')
_OF_A_WORKSPACE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """How to start and to reach one workspace's supervisord.

    Attributes:
        configuration: What supervisord and supervisorctl are to be given with `-c`.
        socket: As clients have to name it.
        identifier: What supervisord of this configuration calls itself.
        link: The link that both go through; None when they do not.
        target: Where the link has to lead.
    """

    configuration: Path
    socket: Path
    identifier: str
    link: Path | None
    target: Path

    def prepare(self) -> None:
        """Make the folder of the socket, and the link; cheap when they are there.

        Raises SupervisorError: they cannot be made, or others could write there.
        """
        if self.link is None:
            if _OF_A_WORKSPACE.fullmatch(self.socket.parent.name):  # ours; a hand-written one is its writer's
                make_private_folder(self.socket.parent)
                check_private_folder(self.socket.parent)
            return
        if is_unreadable(self.link) or len(os.fsencode(self.socket)) > LONGEST_SOCKET_BYTES:
            raise SupervisorError(
                f"'{self.link.parent}' is no place for a socket: its path is too long, or holds a character that "
                "supervisord cannot read; set XDG_RUNTIME_DIR to a folder with a short and plain name"
            )
        make_private_folder(self.link.parent)
        check_private_folder(self.link.parent)
        if _target_of(self.link) != str(self.target):
            _replace_link(self.link, self.target)


def address_of(paths: WorkspacePaths) -> DaemonAddress:
    """By what the workspace's supervisord.conf says, or would say if there were one. Touches nothing."""
    setting, identifier = _settings(paths)
    beside = paths.root / setting.replace(_HERE, str(paths.supervisor))
    is_too_long = len(os.fsencode(beside)) > LONGEST_SOCKET_BYTES
    if not (is_unreadable(paths.root) or (is_too_long and _HERE in setting)):
        return DaemonAddress(paths.supervisor_configuration, beside, identifier, None, paths.root)
    link = runtime_folder() / _mark(paths.root) / "workspace"
    through = WorkspacePaths(link)
    socket = paths.root / setting.replace(_HERE, str(through.supervisor))
    return DaemonAddress(through.supervisor_configuration, socket, identifier, link, paths.root)


def socket_setting(paths: WorkspacePaths) -> str:
    """What a new supervisord.conf of this workspace should say about the folder of the socket and the pid file."""
    folder = paths.socket_folder
    if folder == paths.supervisor or is_unreadable(folder) or is_unreadable(paths.root) or " " in str(folder):
        return _HERE
    return str(folder)


def by_hand_problem(paths: WorkspacePaths) -> str | None:
    """Why `supervisord -c supervisor/supervisord.conf` cannot work in this workspace; None when it can."""
    address = address_of(paths)
    if address.link is None:
        return None
    if is_unreadable(paths.root):
        why = f"the folder's name '{paths.root}' holds a character that supervisord cannot read"
    else:
        why = f"the path of the socket in '{paths.supervisor}' is too long for a socket"
    return f"{why}; PQDesk, `pqdesk supervisord` and `pqdesk supervisorctl` work, plain supervisord by hand does not"


def is_unreadable(folder: Path) -> bool:
    """Whether supervisord misreads configuration in a folder of this name."""
    text = str(folder)
    return bool(_UNREADABLE.search(text)) or not text.isprintable()


def stale_socket_folder(paths: WorkspacePaths) -> str | None:
    """The folder that supervisord.conf names for the socket, if this workspace was copied or moved from there."""
    folder = os.path.dirname(_main_sections(paths).get("unix_http_server", _NONE).values.get("file", ""))
    is_ours = os.path.basename(folder) == _mark(paths.root)
    return folder if _OF_A_WORKSPACE.fullmatch(os.path.basename(folder)) and not is_ours else None


_NONE = Section("", {}, Path())


def _settings(paths: WorkspacePaths) -> tuple[str, str]:
    """The socket's path, with %(here)s left in it, and the identifier."""
    sections = _main_sections(paths)
    written = sections.get("unix_http_server", _NONE).values.get("file")
    identifier = sections.get("supervisord", _NONE).values.get("identifier", "supervisor" if sections else "pqdesk")
    if written is None or stale_socket_folder(paths) is not None:
        return f"{socket_setting(paths)}/supervisord.sock", identifier
    if _HERE in written:
        return written, identifier
    return Section("", {"file": written}, paths.supervisor).get("file"), identifier


def _main_sections(paths: WorkspacePaths) -> dict[str, Section]:
    try:
        return {section.name: section for section in read_sections(paths.supervisor_configuration)}
    except SupervisorError:
        return {}  # missing or broken: starting supervisord tells


def _mark(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]  # as WorkspacePaths.socket_folder


def _target_of(link: Path) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None


def _replace_link(link: Path, target: Path) -> None:
    temporary = link.with_name(f"{link.name}.{secrets.token_hex(4)}")
    try:
        os.symlink(target, temporary)
        os.rename(temporary, link)
    except OSError as exc:
        raise SupervisorError(
            f"cannot make the link '{link}', through which supervisord reads this workspace: {exc.strerror}; "
            "set XDG_RUNTIME_DIR to a folder of yours"
        ) from exc
