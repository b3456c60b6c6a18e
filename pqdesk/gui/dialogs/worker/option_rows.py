"""An option of a worker as a row of a form; what there is to be said of it, the table of worker_options.py says."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLineEdit

from pqdesk.errors import InvalidInput
from pqdesk.gui.dialogs.worker.form_fields import ChoiceRow, NumberRow, TextRow, TickRow
from pqdesk.worker_options import WorkerOption

ChooseFolder = Callable[[QLineEdit], None]


class OptionRow:
    """Its row, and its value as a recipe or a definition has it; an empty text is no value.

    Args:
        is_needed: An empty one cannot be.
    """

    def __init__(self, option: WorkerOption, object_name: str, choose: ChooseFolder, *, is_needed: bool) -> None:
        self.option = option
        self._is_needed = is_needed
        self._shown: Any = None
        self.row = self._made(object_name, choose)

    def _made(self, name: str, choose: ChooseFolder) -> TextRow | NumberRow | ChoiceRow | TickRow:
        one = self.option
        if one.form == "flag":
            return TickRow(one.label, name, one.hint)
        if one.choices is not None:
            return ChoiceRow(one.label, name, tuple(one.choices.items()), one.hint)
        if one.form == "number":
            most = max(1, one.most // one.unit)
            return NumberRow(
                one.label, name, one.least, most, suffix=one.suffix, special=one.placeholder, hint=one.hint
            )
        row = TextRow(one.label, name, one.hint, placeholder=one.placeholder, check=self._check)
        if one.form == "folder":
            row.offer_folder(choose)
        return row

    @property
    def value(self) -> Any:
        row = self.row
        if isinstance(row, TickRow):
            return row.is_on
        if isinstance(row, ChoiceRow):
            return self.option.check(row.value)
        if isinstance(row, NumberRow):  # one that is no whole number of its units stays what it is
            is_same = self._shown is not None and row.number == self._number(self._shown)
            return self._shown if is_same else row.number * self.option.unit
        return self._read(row.text)

    @value.setter
    def value(self, value: Any) -> None:
        row = self.row
        self._shown = value
        if isinstance(row, TickRow):
            row.set_on(bool(value))
        elif isinstance(row, ChoiceRow):
            row.set_value(next(iter(self.option.choices or ())) if value is None else self.option.written(value))
        elif isinstance(row, NumberRow):
            row.set_number(self._number(value or 0))
        else:
            row.set_text(self._text(value))

    def _number(self, value: int) -> int:
        return 0 if value <= 0 else max(1, round(value / self.option.unit))

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        if self.option.is_word and self.option.form == "several":
            return ", ".join(value)
        return shlex.join(value) if isinstance(value, tuple) else str(value)

    def _read(self, text: str) -> Any:
        """None for nothing. Raises InvalidInput."""
        if not text:
            return None
        if self.option.is_word and self.option.form == "several":
            return tuple(dict.fromkeys(filter(None, (one.strip() for one in text.split(",")))))
        if self.option.form in ("several", "words"):
            return split_command(text)
        return Path(text).expanduser() if self.option.form == "folder" else text

    def _check(self, text: str) -> None:
        value = self._read(text)
        if value is not None:
            if isinstance(value, Path):
                _check_is_folder(value, text)
            self.option.read(text if isinstance(value, Path) else value)
        elif self._is_needed:
            what = self.option.label.lower()
            raise InvalidInput(f"the {what} is missing; fill it in")


def split_command(text: str) -> tuple[str, ...]:
    """As a shell would split it, and nothing else that a shell does. Raises InvalidInput."""
    try:
        return tuple(shlex.split(text))
    except ValueError as exc:
        what = "a quote is not closed" if "quotation" in str(exc) else "there is nothing after the last backslash"
        raise InvalidInput(what) from exc


def _check_is_folder(path: Path, text: str) -> None:
    if not path.is_absolute():
        raise InvalidInput("write the whole path, from / on")
    if not os.path.isdir(path):
        raise InvalidInput(f"there is no folder {text!r}; make it first")
