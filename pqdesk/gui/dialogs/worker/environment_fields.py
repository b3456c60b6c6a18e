"""The environment of a worker: a row per variable, the values of secrets masked."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from pqdesk.errors import InvalidInput
from pqdesk.gui.notices import sentence
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.definitions.quoting import quote_environment


class _VariableRow(QWidget):
    """A name, a value, whether it is secret, and a button that takes it out."""

    changed = Signal()
    removed = Signal()

    def __init__(self, number: int, theme: Theme) -> None:
        super().__init__()
        self.name, self.value = QLineEdit(), QLineEdit()
        self.name.setPlaceholderText("NAME")
        self.value.setPlaceholderText("value")
        self.secret = QCheckBox("Secret")
        self.secret.setToolTip("Kept in a file that only you can read; masked here")
        remove = make_button("", f"remove_variable_{number}", look="quiet")
        remove.setAccessibleName(f"Remove variable {number}")
        remove.setFixedWidth(32)
        remove.setProperty("bulk", "tool")
        theme.picture(remove, "close")
        for widget, name, words in (
            (self.name, "variable_name", "Variable"),
            (self.value, "variable_value", "Value"),
            (self.secret, "variable_secret", "Secret"),
        ):
            widget.setObjectName(f"{name}_{number}")
            widget.setAccessibleName(f"{words} {number}")
        hbox((self.name, 2), (self.value, 3), self.secret, remove, on=self, spacing=8)
        self.name.textChanged.connect(lambda _: self.changed.emit())
        self.value.textChanged.connect(lambda _: self.changed.emit())
        self.secret.toggled.connect(self._on_secret)
        remove.clicked.connect(self.removed)

    def _on_secret(self, is_secret: bool) -> None:
        self.value.setEchoMode(QLineEdit.EchoMode.Password if is_secret else QLineEdit.EchoMode.Normal)
        self.changed.emit()


class EnvironmentFields(QWidget):
    """Signals:
    changed: A variable is another.
    """

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[_VariableRow] = []
        self._count = 0
        title = PlainLabel("Environment", self)
        self._reason = PlainLabel("", self, look="muted", objectName="environment_reason", wordWrap=True)
        self._reason.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._add = make_button("Add variable", "add_variable", self)
        self._add.clicked.connect(lambda: self.add("", "").name.setFocus())
        self._column = QVBoxLayout()
        self._column.setSpacing(6)
        vbox(title, self._column, self._reason, (self._add, Qt.AlignmentFlag.AlignLeft), on=self, spacing=6)
        self.validate()

    def add(self, name: str, value: str, *, is_secret: bool = False) -> _VariableRow:
        """One more variable."""
        self._count += 1
        row = _VariableRow(self._count, self._theme)
        row.secret.setChecked(is_secret)
        row.name.setText(name)
        row.value.setText(value)
        row.changed.connect(self._on_changed)
        row.removed.connect(lambda: self._remove(row))
        self._rows.append(row)
        self._column.addWidget(row)
        self.validate()
        return row

    def show_variables(self, environment: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """These and no others."""
        for row in list(self._rows):
            self._remove(row)
        for name, value in environment.items():
            self.add(name, value)
        for name, value in secrets.items():
            self.add(name, value, is_secret=True)

    @property
    def environment(self) -> dict[str, str]:
        return {row.name.text().strip(): row.value.text() for row in self._filled() if not row.secret.isChecked()}

    @property
    def secrets(self) -> dict[str, str]:
        return {row.name.text().strip(): row.value.text() for row in self._filled() if row.secret.isChecked()}

    def validate(self) -> bool:
        """Whether the variables may stay; the first reason against is shown."""
        reason = self._problem()
        hint = "Besides PQDESK_WORKSPACE, which is always set." if not self._rows else ""
        text = visible_line(sentence(reason)) if reason else hint
        self._reason.setText(text)
        self._reason.setVisible(bool(text))
        self._reason.setProperty("look", "error" if reason else "muted")
        self._reason.style().unpolish(self._reason)
        self._reason.style().polish(self._reason)
        return not reason

    def _problem(self) -> str:
        names = [row.name.text().strip() for row in self._filled()]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            return f"variable {twice!r} is there twice"
        for row in self._filled():
            name, value = row.name.text().strip(), row.value.text()
            try:
                if not name:
                    raise InvalidInput("a variable needs a name")
                quote_environment({name: "" if row.secret.isChecked() else value})
            except InvalidInput as exc:
                return str(exc)
        return ""

    def _filled(self) -> list[_VariableRow]:
        return [row for row in self._rows if row.name.text().strip() or row.value.text()]

    def _remove(self, row: _VariableRow) -> None:
        self._rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._on_changed()

    def _on_changed(self) -> None:
        self.validate()
        self.changed.emit()
