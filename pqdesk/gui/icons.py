"""The icons: one outline set of SVG files, drawn in black, coloured here."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from pqdesk.paths import resources_folder

_SIZES = (16, 20, 24, 32)
_RATIOS = (1.0, 2.0)
_INK = b"#000"  # what the files are drawn in


class IconLoader:
    """Makes icons from resources/icons/NAME.svg; each picture once per colour."""

    def __init__(self) -> None:
        self._icons: dict[tuple[str, ...], QIcon] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}

    def icon(self, name: str, color: QColor, disabled: QColor, checked: QColor) -> QIcon:
        key = (name, color.name(), disabled.name(), checked.name())
        if key not in self._icons:
            icon = QIcon()
            for size in _SIZES:
                for ratio in _RATIOS:
                    icon.addPixmap(self.pixmap(name, color, size, ratio))
                    icon.addPixmap(self.pixmap(name, color, size, ratio), QIcon.Mode.Selected)
                    icon.addPixmap(self.pixmap(name, checked, size, ratio), QIcon.Mode.Normal, QIcon.State.On)
                    icon.addPixmap(self.pixmap(name, disabled, size, ratio), QIcon.Mode.Disabled)
            self._icons[key] = icon
        return self._icons[key]

    def pixmap(self, name: str, color: QColor, size: int, ratio: float = 1.0) -> QPixmap:
        """`size` in logical pixels."""
        key = (name, color.name(), size, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = _draw(name, color, QSize(size, size), ratio)
        return self._pixmaps[key]


def load_picture(name: str, size: int) -> QPixmap:
    """resources/icons/NAME.svg in its own colours, `size` pixels."""
    return _draw(name, QColor(), QSize(size, size), 1.0)


def load_app_icon() -> QIcon:
    """The app's own, for windows and task bars."""
    icon = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        icon.addPixmap(load_picture("pqdesk", size))
    return icon


def _draw(name: str, color: QColor, size: QSize, ratio: float) -> QPixmap:
    source = _source(name)
    if color.isValid():
        source = source.replace(_INK, color.name().encode())
    renderer = QSvgRenderer(QByteArray(source))
    assert renderer.isValid(), name
    pixmap = QPixmap(size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, pixmap.width(), pixmap.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _source(name: str) -> bytes:
    return (resources_folder() / "icons" / f"{name}.svg").read_bytes()
