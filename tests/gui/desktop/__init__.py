"""A private desktop to run real programs on, and hands and eyes that work them from outside.

    with Desktop() as desktop:
        program = desktop.launch(["pqdesk"])
        program.press("Try the demo")
        desktop.wait_until(lambda: program.table("Workers").column("State") == ["Running", "Running"], "both workers")

Nothing is put into the program: its widgets are found through AT-SPI by role, accessible name or object name, as a
screen reader finds them; keys and clicks come from the X server. Whatever the program leaves behind is ended by pid.

Met while building it, Qt 6.11:
- A label with an accessible name hides its text; a combo box ignores its own and goes by its current text: find both
  by object name.
- A tray icon's menu is in no accessible tree: it is worked by keys.
- An AT-SPI action on an entry of a combo box's list answers True and chooses nothing: real keys.
"""

from tests.gui.desktop.accessibility import DesktopError, Table, Widget
from tests.gui.desktop.parts import missing_programs
from tests.gui.desktop.program import Program
from tests.gui.desktop.session import Desktop
from tests.gui.desktop.tray import TrayIcon

__all__ = ["Desktop", "DesktopError", "Program", "Table", "TrayIcon", "Widget", "missing_programs"]
