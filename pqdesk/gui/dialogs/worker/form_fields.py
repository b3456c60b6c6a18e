"""Rows of a form: a label, a field, and beside it the reason while what it holds cannot be."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from pqdesk.errors import InvalidInput
from pqdesk.gui.notices import sentence
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox

Check = Callable[[str], object]  # raises InvalidInput with the reason
_LABEL_PX = 132


class FieldRow(QWidget):
    """One field with its label and a line below it: the reason why not, else what it is for.

    Signals:
        changed: Its value is another.
    """

    changed = Signal()

    def __init__(self, label: str, field: QWidget, object_name: str, hint: str = "") -> None:
        super().__init__()
        self.field = field
        self.is_asked = True
        field.setObjectName(object_name)
        field.setAccessibleName(label)
        field.setAccessibleDescription(hint)
        self._hint = hint
        self._label = PlainLabel(label, self)
        self._label.setBuddy(field)
        self._below = PlainLabel("", self, look="muted", objectName=f"{object_name}_reason", wordWrap=True)
        self._below.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._beside = hbox((field, 1), spacing=8)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(0, _LABEL_PX)
        grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        grid.addWidget(self._label, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addLayout(self._beside, 0, 1)
        grid.addWidget(self._below, 1, 1)
        self.show_reason("")

    def set_asked(self, is_asked: bool) -> None:
        """Whether it matters; else it is hidden."""
        self.is_asked = is_asked
        self.setVisible(is_asked)

    def add(self, widget: QWidget) -> None:
        """Put `widget` at the right of the field."""
        self._beside.addWidget(widget)

    def show_reason(self, reason: str) -> None:
        """Why it cannot be so; empty: it can."""
        text = visible_line(sentence(reason)) if reason else self._hint
        self._below.setText(text)
        self._below.setVisible(bool(text))
        look = "error" if reason else "muted"
        if self._below.property("look") != look:
            self._below.setProperty("look", look)
            self._below.style().unpolish(self._below)
            self._below.style().polish(self._below)
        self.field.setAccessibleDescription(text)

    @property
    def reason(self) -> str:
        """What is shown against its value."""
        return self._below.text() if self._below.property("look") == "error" else ""

    def validate(self) -> bool:
        """Whether it may stay as it is; the reason is shown if not."""
        return True


class TextRow(FieldRow):
    """A line of text, checked while it is typed.

    An empty one is wrong only after it was touched or `insist` was called: nobody is blamed for what comes next.
    """

    def __init__(
        self, label: str, object_name: str, hint: str = "", *, placeholder: str = "", check: Check = lambda _text: None
    ) -> None:
        self._edit = QLineEdit()
        self._edit.setPlaceholderText(placeholder)
        super().__init__(label, self._edit, object_name, hint)
        self._check = check
        self._is_touched = self._is_edited = self._is_filling = False
        self._edit.textChanged.connect(self._on_changed)

    @property
    def text(self) -> str:
        return self._edit.text().strip()

    def set_text(self, text: str) -> None:
        """As if it had always been so."""
        self._is_filling = True
        self._edit.setText(text)
        self._is_filling = False

    @property
    def is_edited(self) -> bool:
        """A person has typed here, or dictated."""
        return self._is_edited

    def insist(self) -> None:
        """From now on an empty one is blamed too."""
        self._is_touched = True
        self.validate()

    def validate(self) -> bool:
        reason = reason_against(self._check, self.text)
        self.show_reason(reason if self.text or self._is_touched else "")
        return not reason

    def offer_folder(self, choose: Callable[[QLineEdit], None]) -> None:
        """A button beside it that lets a folder be chosen."""
        button = make_button("Choose…", f"{self._edit.objectName()}_choose", self)
        button.clicked.connect(lambda: choose(self._edit))
        self.add(button)

    def _on_changed(self) -> None:
        if not self._is_filling:
            self._is_touched = self._is_edited = True
        self.validate()
        if not self._is_filling:
            self.changed.emit()


class ChoiceRow(FieldRow):
    """One of a few; each has a value and its words."""

    def __init__(self, label: str, object_name: str, choices: tuple[tuple[str, str], ...], hint: str = "") -> None:
        self._box = QComboBox()
        for value, text in choices:
            self._box.addItem(text, value)
        self._box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._box.setMinimumContentsLength(22)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        super().__init__(label, self._box, object_name, hint)
        self._beside.addStretch(1)
        self._box.currentIndexChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> str:
        return str(self._box.currentData())

    def set_value(self, value: str) -> None:
        if self._box.findData(value) < 0:  # as somebody wrote it by hand
            self._box.addItem(value, value)
        self._box.setCurrentIndex(self._box.findData(value))


class NumberRow(FieldRow):
    """A whole number with a unit."""

    def __init__(
        self,
        label: str,
        object_name: str,
        least: int,
        most: int,
        *,
        suffix: str = "",
        special: str = "",
        hint: str = "",
    ) -> None:
        self._box = NumberBox(least, most, suffix=suffix, special=special)
        super().__init__(label, self._box, object_name, hint)
        self._beside.addStretch(1)
        self._box.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def number(self) -> int:
        return self._box.value()

    def set_number(self, number: int) -> None:
        if number > self._box.maximum():
            self._box.setMaximum(number)
        self._box.setValue(number)


class NumberBox(QSpinBox):
    """A spin box that the mouse wheel does not change while a form is scrolled."""

    def __init__(self, least: int, most: int, *, suffix: str = "", special: str = "") -> None:
        super().__init__()
        self.setRange(least, most)
        self.setSuffix(suffix)
        self.setSpecialValueText(special)
        self.setGroupSeparatorShown(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.UpDownArrows)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(132)
        self.lineEdit().setTextMargins(7, 0, 0, 0)  # the style sheet's padding does not reach it

    def wheelEvent(self, event: object) -> None:
        event.ignore()  # type: ignore[attr-defined]

    def minimumSizeHint(self) -> QSize:
        return QSize(132, super().minimumSizeHint().height())


class TickRow(QWidget):
    """A check box in the column of the fields.

    Signals:
        changed: It was ticked or not.
    """

    changed = Signal()

    def __init__(self, text: str, object_name: str, hint: str = "") -> None:
        super().__init__()
        self.is_asked = True
        self.box = self.field = QCheckBox(text, self)
        self.box.setObjectName(object_name)
        self.box.setAccessibleDescription(hint)
        self.box.toggled.connect(lambda _: self.changed.emit())
        column = vbox(self.box, on=self, margins=(_LABEL_PX + 8, 0, 0, 0), spacing=2)
        if hint:
            below = PlainLabel(hint, self, look="muted", wordWrap=True)
            column.addWidget(below)

    def set_asked(self, is_asked: bool) -> None:
        """Whether it matters; else it is hidden."""
        self.is_asked = is_asked
        self.setVisible(is_asked)

    def validate(self) -> bool:
        return True

    @property
    def is_on(self) -> bool:
        return self.box.isChecked()

    def set_on(self, is_on: bool) -> None:
        self.box.setChecked(is_on)


def reason_against(check: Check, text: str) -> str:
    """Why `text` cannot be; empty when it can."""
    try:
        check(text)
    except InvalidInput as exc:
        return str(exc)
    return ""
