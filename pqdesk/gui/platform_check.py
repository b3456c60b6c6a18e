"""Whether Qt can show a window here, asked before Qt is: it aborts the process when it cannot."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping

_APT_LINE = (
    "sudo apt-get install libglib2.0-0 libgl1 libegl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libx11-xcb1 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 "
    "libgssapi-krb5-2"
)
# what the xcb platform plugin loads and a bare system may lack (Debian 12, measured)
_XCB_LIBRARIES = (
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxkbcommon-x11.so.0",
    "libX11-xcb.so.1",
)
_HEADLESS = ("offscreen", "minimal", "vnc")


def why_no_window(environ: Mapping[str, str]) -> str | None:
    """The same as explain_no_window(), after Qt has been loaded to see. For a process that does nothing else."""
    try:
        import PySide6.QtWidgets  # noqa: F401 - whether it can be
    except ImportError as exc:
        return explain_import_error(exc)
    return explain_no_window(environ)


def explain_no_window(environ: Mapping[str, str], is_loadable: Callable[[str], bool] | None = None) -> str | None:
    """Why no window can be shown, in one line with the way out; None when one can."""
    if not sys.platform.startswith("linux"):
        return None
    platform = environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if platform in _HEADLESS:
        return None
    if not environ.get("DISPLAY") and not environ.get("WAYLAND_DISPLAY"):
        return "no display: neither DISPLAY nor WAYLAND_DISPLAY is set; on a machine without one use `pqdesk watch`"
    if platform == "xcb" or (not platform and not environ.get("WAYLAND_DISPLAY")):
        check = is_loadable or _is_loadable
        missing = [name for name in _XCB_LIBRARIES if not check(name)]
        if missing:
            return f"Qt needs {', '.join(missing)}; install with: {_APT_LINE}"
    return None


def explain_import_error(exc: ImportError) -> str:
    """One line for PySide6, or a library that it needs, that is not there."""
    if exc.name and exc.name.split(".")[0] in ("PySide6", "shiboken6") and "lib" not in str(exc):
        return "the window needs PySide6: pip install 'pqdesk[desktop]'"
    return f"Qt cannot be loaded ({exc}); install with: {_APT_LINE}"


def _is_loadable(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
