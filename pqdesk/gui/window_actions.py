"""The window's own actions; those of a page stand beside the page. Each page has an entry in View, by the registry."""

from __future__ import annotations

from pqdesk.gui.shell.actions import Action, Menu

OPEN = Action("open", "Open a queue file…", Menu.FILE, ("Ctrl+O",))
CREATE = Action("create", "Create a workspace…", Menu.FILE)
RECENT = Action("recent", "Open recent", Menu.FILE)
TRY_DEMO = Action("demo", "Try the demo", Menu.FILE)
REMOVE_DEMO = Action("remove_demo", "Remove the demo…", Menu.FILE)
CLOSE = Action("close", "Close window", Menu.FILE, ("Ctrl+W",), tip="Close the window; workers keep running", group=1)
STOP_AND_QUIT = Action("stop_and_quit", "Stop workers and quit…", Menu.FILE, group=1)
QUIT = Action("quit", "Quit (workers keep running)", Menu.FILE, ("Ctrl+Q",), group=1)
SHOW_WINDOW = Action("show_window", "Open PQDesk", Menu.TRAY)

UNDO = Action("undo", "Undo", Menu.EDIT, ("Ctrl+Z",))
REDO = Action("redo", "Redo", Menu.EDIT, ("Ctrl+Shift+Z",))
FIND = Action("filter", "Filter or find", Menu.EDIT, ("Ctrl+F",), group=2)

BACK = Action("back", "Back", Menu.VIEW, ("Alt+Left",), group=1)
FORWARD = Action("forward", "Forward", Menu.VIEW, ("Alt+Right",), group=1)
PALETTE = Action("palette", "Find an action or a place…", Menu.VIEW, ("Ctrl+K", "Ctrl+Shift+P"), group=1)
REFRESH = Action("refresh", "Refresh now", Menu.VIEW, ("F5", "Ctrl+R"), group=2)
LIVE = Action("live", "Live updates", Menu.VIEW, ("Shift+F5",), group=2, is_checkable=True)
SIDEBAR = Action("sidebar", "Narrow sidebar", Menu.VIEW, ("Ctrl+B",), group=3, is_checkable=True)
NEXT_PANE = Action("next_pane", "Next pane", Menu.VIEW, ("F6",), group=4)
PREVIOUS_PANE = Action("previous_pane", "Previous pane", Menu.VIEW, ("Shift+F6",), group=4)
THEME = Action("theme", "Theme", Menu.VIEW, group=5)

SHORTCUTS = Action("keys", "Keyboard shortcuts", Menu.HELP, ("F1", "Ctrl+?"))
ABOUT = Action("about", "About PQDesk", Menu.HELP)
