"""What assistive technology finds: a name on everything that can take the focus, and the contract's names."""

from __future__ import annotations

from tests.gui.real_window.conftest import Start
from tests.gui.real_window.window import Window

_PAGES = ("Overview", "Messages", "Workers", "Logs")
_CONTRACT = {
    "Overview": [("push button", page) for page in _PAGES],
    "Messages": [
        ("table", "Messages"),
        ("text", "Filter"),
        *[("push button", verb) for verb in ("Retry", "Run now", "Cancel", "Delete")],
    ],
    "Workers": [
        ("table", "Workers"),
        ("text", "Log"),
        *[("push button", verb) for verb in ("Start", "Stop", "Restart", "Start all", "Stop all")],
    ],
    "Logs": [("text", "Log")],
}
# The window itself, and what Qt puts into a table or a text of its own accord.
_NAMED_BY_THEIR_CONTENT = ("frame", "filler", "table cell", "list item", "viewport", "terminal")


def nameless(window: Window) -> list[str]:
    """Widgets that can take the focus now and have no name."""
    found = window.program.all(state="focusable", limit=2000)
    return [
        f"{one.role} #{one.object_name} {one.box}"
        for one in found
        if not one.name and "showing" in one.states and one.role not in _NAMED_BY_THEIR_CONTENT
    ]


def test_everything_on_the_welcome_page_has_a_name(start: Start) -> None:
    window = start()

    assert window.program.window().name.startswith("PQDesk")
    window.program.find("Try the demo")
    assert nameless(window) == []


def test_everything_on_every_page_has_a_name(demo: Window) -> None:
    for title in _PAGES:
        demo.open_page(title)
        assert nameless(demo) == [], title


def test_the_names_of_the_contract(demo: Window) -> None:
    for page, names in _CONTRACT.items():
        demo.open_page(page)
        for role, name in names:
            demo.program.find(name, role=role)


def test_assistive_technology_can_filter(demo: Window) -> None:
    demo.open_page("Messages")

    demo.program.set_text("Filter", "id:1")

    demo.wait(lambda: demo.messages().column("ID") == ["1"], "one message")
