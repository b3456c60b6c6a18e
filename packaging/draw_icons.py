"""Draw the app's icon in each size: `draw_icons.py FOLDER SIZE…` makes FOLDER/SIZExSIZE/apps/pqdesk.png."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

DRAWING = Path(__file__).resolve().parents[1] / "resources/icons/pqdesk.svg"


def draw(size: int, file: Path) -> None:
    picture = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(DRAWING)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    file.parent.mkdir(parents=True)
    if not picture.save(str(file)):
        raise OSError(f"cannot write '{file}'")


if __name__ == "__main__":
    application = QGuiApplication([])
    for size in map(int, sys.argv[2:]):
        draw(size, Path(sys.argv[1]) / f"{size}x{size}/apps/pqdesk.png")
