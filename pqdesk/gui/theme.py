"""How the app looks: follows the desktop or the user's choice, and hands out colours, pictures and fonts.

Between light and dark no widget needs to do anything: colours of text and areas come from the style sheet, by
properties (`set_look`); pictures are drawn anew by the Theme that was asked for them (`Theme.picture`); who paints
takes its colours while it does. Nothing here is a singleton; app.py makes the one Theme.
"""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QFontDatabase, QIcon, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from pqdesk.gui.icons import IconLoader
from pqdesk.gui.palette import STATE_LOOKS, WORKER_LOOKS, Role, make_palette
from pqdesk.gui.stylesheet import PICTURES, make_stylesheet
from pqdesk.messages.states import State
from pqdesk.paths import resources_folder
from pqdesk.supervision.records import WorkerState


class ThemeChoice(Enum):
    """What the user chose in View › Theme; the value is what settings store."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


_SCHEMES = {
    ThemeChoice.SYSTEM: Qt.ColorScheme.Unknown,
    ThemeChoice.LIGHT: Qt.ColorScheme.Light,
    ThemeChoice.DARK: Qt.ColorScheme.Dark,
}


def set_look(widget: QWidget, value: object, name: str = "look") -> None:
    """Give it another value of a property that the style sheet looks at."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().polish(widget)


class Theme(QObject):
    """Colours by role, icons by name, fonts by size.

    Signals:
        changed: Light became dark or the other way round.
    """

    changed = Signal()

    def __init__(self, application: QApplication, choice: ThemeChoice = ThemeChoice.SYSTEM) -> None:
        super().__init__()
        self._application = application
        self._icons = IconLoader()
        self._choice = choice
        self._is_dark = False
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._follow)
        self.choose(choice)

    @property
    def choice(self) -> ThemeChoice:
        return self._choice

    @property
    def is_dark(self) -> bool:
        return self._is_dark

    def choose(self, choice: ThemeChoice) -> None:
        """Follow the system, or be light or dark whatever it says."""
        self._choice = choice
        self._application.styleHints().setColorScheme(_SCHEMES[choice])
        self._follow()

    def color(self, role: Role, *, is_inverse: bool = False) -> QColor:
        """`is_inverse`: that of the other theme, for what floats above the page."""
        return QColor(role.dark if self._is_dark is not is_inverse else role.light)

    def icon(self, name: str, role: Role = Role.TEXT, *, is_inverse: bool = False) -> QIcon:
        """The outline icon resources/icons/NAME.svg in the colour of `role`; any size up to 32 is sharp."""
        color = self.color(role, is_inverse=is_inverse)
        return self._icons.icon(name, color, self.color(Role.INPUT_BORDER), self.color(Role.ACCENT))

    def pixmap(
        self, name: str, role: Role = Role.TEXT, size: int = 16, ratio: float = 1.0, *, is_inverse: bool = False
    ) -> QPixmap:
        """The same as one picture of `size` × `size` logical pixels."""
        return self._icons.pixmap(name, self.color(role, is_inverse=is_inverse), size, ratio)

    def picture(
        self,
        shown: QLabel | QAbstractButton | QAction,
        name: str,
        role: Role = Role.TEXT,
        size: int = 16,
        *,
        is_inverse: bool = False,
    ) -> None:
        """Have it show this icon from now on, in light and in dark."""
        wish = f"{name} {role.name} {size} {'inverse' if is_inverse else ''}"
        if shown.property("picture") != wish:
            shown.setProperty("picture", wish)
            self._draw(shown)

    def state_icon(self, state: State) -> QIcon:
        return self.icon(*STATE_LOOKS[state])

    def worker_icon(self, state: WorkerState) -> QIcon:
        return self.icon(*WORKER_LOOKS[state])

    def font(self, percent: int = 100, *, is_semibold: bool = False) -> QFont:
        """The system's font with figures of equal width, at `percent` of its size."""
        return _sized(QFont(self._application.font()), percent, is_semibold)

    def fixed_font(self, percent: int = 100) -> QFont:
        """The system's font of fixed width, for payloads and logs."""
        return _sized(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), percent, False)

    def _follow(self) -> None:
        scheme = self._application.styleHints().colorScheme()
        if self._choice is not ThemeChoice.SYSTEM:  # a platform without colour schemes keeps answering Unknown
            scheme = _SCHEMES[self._choice]
        self._is_dark = scheme == Qt.ColorScheme.Dark
        self._application.setPalette(make_palette(is_dark=self._is_dark))
        folder, suffix = resources_folder() / "theme", "dark" if self._is_dark else "light"
        pictures = {name: (folder / f"{name.replace('_', '-')}-{suffix}.svg").as_posix() for name in PICTURES}
        self._application.setStyleSheet(make_stylesheet(self.color, pictures=pictures))
        for widget in self._application.allWidgets():
            for shown in (widget, *widget.actions()):
                if isinstance(shown, QLabel | QAbstractButton | QAction) and shown.property("picture"):
                    self._draw(shown)
        self.changed.emit()

    def _draw(self, shown: QLabel | QAbstractButton | QAction) -> None:
        name, role, size, inverse = shown.property("picture").split(" ")
        if isinstance(shown, QLabel):
            ratio = shown.devicePixelRatioF()
            shown.setPixmap(self.pixmap(name, Role[role], int(size), ratio, is_inverse=bool(inverse)))
        else:
            shown.setIcon(self.icon(name, Role[role], is_inverse=bool(inverse)))


def _sized(font: QFont, percent: int, is_semibold: bool) -> QFont:
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * percent / 100)
    else:
        font.setPixelSize(max(1, font.pixelSize() * percent // 100))
    if is_semibold:
        font.setWeight(QFont.Weight.DemiBold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
