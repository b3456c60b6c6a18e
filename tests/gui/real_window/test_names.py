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
        *[
            ("push button", verb)
            for verb in ("Add worker", "Start", "Stop", "Restart", "Scale…", "Edit…", "Start all", "Stop all")
        ],
    ],
    "Logs": [("text", "Log")],
}


def nameless(window: Window) -> list[str]:
    """Widgets that can take the focus now and have no name."""
    found = window.program.all(states=("showing", "focusable"), limit=2000)
    # cells read as shown, and an empty one shows nothing
    return [f"{one.role} #{one.object_name}" for one in found if not one.name and one.role != "table cell"]


def test_everything_on_the_welcome_page_has_a_name(start: Start) -> None:
    window = start()

    assert window.program.window().name.startswith("PQDesk")
    window.program.find("Try the demo")
    assert nameless(window) == []


def test_every_page_has_the_names_of_the_contract_and_nothing_without_a_name(demo: Window) -> None:
    for page, names in _CONTRACT.items():
        demo.open_page(page)
        for role, name in names:
            demo.program.find(name, role=role)
        assert nameless(demo) == [], page

    demo.open_page("Messages")
    demo.program.set_text("Filter", "id:1")  # as dictation does, without a key
    demo.wait(lambda: demo.messages().column("ID") == ["1"], "one message")
