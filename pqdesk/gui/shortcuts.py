"""The keys of the window's own actions, as in the table of the manual. Pages add theirs to their actions.

F5 and Ctrl+R are one action, so each entry is a tuple; the first key is the one that menus show.
"""

from __future__ import annotations

PAGES = ("Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+4", "Ctrl+5", "Ctrl+6", "Ctrl+7", "Ctrl+8")

KEYS: dict[str, tuple[str, ...]] = {
    "open": ("Ctrl+O",),
    "close": ("Ctrl+W",),
    "quit": ("Ctrl+Q",),
    "refresh": ("F5", "Ctrl+R"),
    "live": ("Shift+F5",),
    "sidebar": ("Ctrl+B",),
    "filter": ("Ctrl+F",),
    "undo": ("Ctrl+Z",),
    "redo": ("Ctrl+Shift+Z",),
    "next_pane": ("F6",),
    "previous_pane": ("Shift+F6",),
    "keys": ("Ctrl+?", "F1"),
}

# what the list of shortcuts shows, page actions included
OVERVIEW: tuple[tuple[str, str], ...] = (
    ("Ctrl+1 … Ctrl+4", "Overview, Messages, Workers, Logs"),
    ("Ctrl+F", "Filter; find in the log"),
    ("F3 / Shift+F3", "In the log: the match above / below"),
    ("Enter or Ctrl+click", "In the log: the message of the line"),
    ("Ctrl+C / Ctrl+Shift+C", "In the log: copy without / with the names"),
    ("End", "In the log: follow the newest line"),
    ("F5 or Ctrl+R", "Refresh now"),
    ("Shift+F5", "Live updates on or off"),
    ("Ctrl+Shift+R", "Retry; on Workers: Restart"),
    ("Delete", "Delete messages"),
    ("Ctrl+Z / Ctrl+Shift+Z", "Undo what you did last / do it again"),
    ("F7 / F9", "Start / stop the worker; F9 again stops it now"),
    ("Left / Right", "On Workers: hide / show the replicas"),
    ("F6 / Shift+F6", "Next / previous pane"),
    ("Ctrl+B", "Sidebar wide or narrow"),
    ("Ctrl+O", "Open a queue file"),
    ("Ctrl+W", "Close the window; workers keep running"),
    ("Ctrl+Q", "Quit; workers keep running"),
    ("F1 or Ctrl+?", "This list"),
)
