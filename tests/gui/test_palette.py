"""The colours keep the contrast that the table promises, on every surface that they can stand on."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from pqdesk.gui.palette import STATE_LOOKS, WORKER_LOOKS, Role, make_palette
from pqdesk.messages.states import State
from pqdesk.paths import resources_folder
from pqdesk.supervision.records import WorkerState

_SURFACES = (Role.BASE, Role.WINDOW, Role.ALTERNATE, Role.SELECTION, Role.HOVER)
_TEXTS = (
    Role.TEXT,
    Role.MUTED,
    Role.ACCENT,
    Role.SCHEDULED,
    Role.RUNNING,
    Role.WARNING,
    Role.HEALTHY,
    Role.ERROR,
    Role.PAUSED,
)


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = (QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF())
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("surface", _SURFACES)
@pytest.mark.parametrize("text", _TEXTS)
def test_text_can_be_read(theme: str, surface: Role, text: Role) -> None:
    assert contrast(getattr(text, theme), getattr(surface, theme)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_borders_of_inputs_and_the_primary_button_can_be_seen(theme: str) -> None:
    for surface in (Role.BASE, Role.WINDOW, Role.ALTERNATE):
        assert contrast(getattr(Role.INPUT_BORDER, theme), getattr(surface, theme)) >= 3
    assert contrast(getattr(Role.ON_ACCENT, theme), getattr(Role.ACCENT, theme)) >= 4.5


def test_every_state_has_a_look_with_an_icon() -> None:
    assert set(STATE_LOOKS) == set(State)
    assert set(WORKER_LOOKS) == set(WorkerState)
    for icon, _ in (*STATE_LOOKS.values(), *WORKER_LOOKS.values()):
        assert (resources_folder() / "icons" / f"{icon}.svg").is_file(), icon


def test_states_differ_in_shape_not_only_in_colour() -> None:
    shapes = [icon for icon, _ in STATE_LOOKS.values()]

    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_palette_is_made_of_the_table(qapp: object, is_dark: bool) -> None:
    palette = make_palette(is_dark=is_dark)

    assert palette.text().color() == QColor(Role.TEXT.dark if is_dark else Role.TEXT.light)
    assert palette.base().color() == QColor(Role.BASE.dark if is_dark else Role.BASE.light)
