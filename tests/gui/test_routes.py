"""Back and Forward, as a browser has them."""

from __future__ import annotations

from pqdesk.gui.shell.routes import History, Route

A, B, C = (Route(page) for page in "abc")


def test_back_and_forward_retrace_the_way() -> None:
    history = History()
    history.leave(A)
    history.leave(B)

    assert history.back(C) == B
    assert history.back(B) == A
    assert history.why_not_back
    assert history.back(A) is None
    assert history.forward(A) == B
    assert history.forward(B) == C
    assert history.why_not_forward


def test_going_somewhere_else_forgets_what_was_ahead() -> None:
    history = History()
    history.leave(A)
    history.back(B)

    history.leave(A)

    assert history.why_not_forward
    assert history.back(C) == A


def test_a_long_way_is_cut_at_its_beginning() -> None:
    history = History()
    for number in range(1000):
        history.leave(Route(str(number)))

    steps = []
    while (route := history.back(A)) is not None:
        steps.append(route.page)

    assert steps[0] == "999"
    assert len(steps) == 50
