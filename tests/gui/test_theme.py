"""The theme follows the choice, and its icons take the theme's colours."""

from __future__ import annotations

from PySide6.QtGui import QColor

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.paths import resources_folder


def test_choosing_dark_changes_colours_palette_and_tells(qtbot, qapp, theme: Theme) -> None:
    assert not theme.is_dark

    with qtbot.waitSignal(theme.changed):
        theme.choose(ThemeChoice.DARK)

    assert theme.is_dark
    assert theme.color(Role.TEXT) == QColor(Role.TEXT.dark)
    assert qapp.palette().window().color() == QColor(Role.WINDOW.dark)
    theme.choose(ThemeChoice.LIGHT)
    assert qapp.palette().window().color() == QColor(Role.WINDOW.light)


def test_the_inverse_is_the_other_theme(theme: Theme) -> None:
    assert theme.color(Role.BASE, is_inverse=True) == QColor(Role.BASE.dark)


def test_every_icon_file_can_be_drawn_in_a_colour(qtbot, theme: Theme) -> None:
    for file in sorted((resources_folder() / "icons").glob("*.svg")):
        picture = theme.pixmap(file.stem, Role.ERROR, 32, 2.0).toImage()
        inked = [
            picture.pixelColor(x, y) for x in range(64) for y in range(64) if picture.pixelColor(x, y).alpha() == 255
        ]
        assert inked, file.name
        if not file.stem.startswith(("tray-", "pqdesk")):
            assert QColor(Role.ERROR.light) in inked, file.name


def test_figures_are_of_equal_width(theme: Theme) -> None:
    assert theme.font().featureTags()
    assert theme.font(200).pointSizeF() > theme.font().pointSizeF()
