"""From a message to its lines of the logs and back, by mouse and keyboard."""

from __future__ import annotations

from tests.gui.real_window.window import Window


def test_a_message_leads_to_its_log_lines_and_a_line_to_its_message(demo: Window) -> None:
    demo.open_page("Messages")
    demo.filter_messages("id:1")
    demo.wait(lambda: demo.messages().column("ID") == ["1"], "one message")
    demo.wait(lambda: demo.messages().column("State")[0] in ("Completed", "Failed"), "it to be done")
    demo.select("Messages", "ID", "1")

    demo.program.press("Log", role="page tab")
    demo.wait(lambda: "id=1 queue=" in demo.program.find("Log of the message").shown, "its lines")
    assert "id=10" not in demo.program.find("Log of the message").shown
    demo.program.press("Open in Logs at this time")
    demo.wait(lambda: demo.program.has("Back to live"), "what stands around them")
    demo.wait(lambda: "id=1 queue=" in demo.program.find("Log", role="text").shown, "the line among others")

    demo.program.press("Back to live")
    demo.wait(lambda: "id=1 queue=" not in demo.program.find("Log", role="text").shown, "the newest lines")
    demo.program.find("Log", role="text").focus()
    demo.desktop.press_keys("Up")
    demo.desktop.press_keys("Return")

    demo.wait(lambda: demo.messages().column("ID") not in ([], ["1"]), "the message of the line")
    assert len(demo.messages().column("ID")) == 1


def test_what_is_sought_is_counted_while_the_log_goes_on(demo: Window) -> None:
    demo.open_page("Logs")
    demo.wait(lambda: "completed id=" in demo.program.find("Log", role="text").shown, "lines")

    demo.program.click("Find in log")
    demo.desktop.type_text("completed")

    demo.wait(lambda: " lines" in demo.program.text("log_find_count"), "how many lines have it")
    demo.desktop.press_keys("Return")
    demo.wait(lambda: " of " in demo.program.text("log_find_count"), "one of them")
    demo.desktop.press_keys("Escape")
    demo.program.press("Wrap", role="check box")
    demo.wait(lambda: demo.program.find("Wrap").is_checked, "long lines to be wrapped")
