"""Texts with a count in them: the one place that knows singular and plural, so that a translation can come here."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "", *, number: str | None = None) -> str:
    """`1 message`, `4,812 messages`.

    Args:
        one, many: What follows the number; `many` is `one` with an s unless given.
        number: How the count is written; None: with commas; empty: not at all, for words that only agree with it.
    """
    text = one if count == 1 else many or f"{one}s"
    return f"{f'{count:,}' if number is None else number} {text}".lstrip()
