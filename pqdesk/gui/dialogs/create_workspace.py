"""A new workspace: its name and the folder it is made in, nothing else."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QFormLayout, QLineEdit, QWidget

from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox


class CreateWorkspaceDialog(QDialog):
    """Signals:
    create_asked: The Path of the workspace to make.
    """

    create_asked = Signal(object)

    def __init__(self, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("create_workspace_dialog")
        self.setWindowTitle("Create a workspace")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._name = QLineEdit(self)
        self._name.setObjectName("workspace_name_field")
        self._name.setAccessibleName("Name")
        self._name.setPlaceholderText("jobs")
        self._folder = QLineEdit(str(folder), self)
        self._folder.setObjectName("workspace_folder_field")
        self._folder.setAccessibleName("Folder")
        self._folder.setMinimumWidth(360)
        self._result = PlainLabel("", self, look="muted", wordWrap=True)
        choose = make_button("Choose…", "choose_folder", self)
        choose.clicked.connect(self._choose_folder)
        self._create = make_button("Create", "create_button", self, look="primary")
        self._create.setDefault(True)
        self._create.clicked.connect(self._on_create)
        cancel = make_button("Cancel", "cancel_button", self)
        cancel.clicked.connect(self.reject)
        folder_row = hbox((self._folder, 1), choose)
        form = QFormLayout()
        form.setSpacing(10)
        form.addRow("Name", self._name)
        form.addRow("Folder", folder_row)
        buttons = hbox(None, cancel, self._create)
        vbox(form, self._result, buttons, on=self, margins=(20, 20, 20, 16), spacing=16)
        self._name.textChanged.connect(self._update)
        self._folder.textChanged.connect(self._update)
        self._update()

    @property
    def path(self) -> Path | None:
        """Where it would be made, or None while a field is wrong."""
        name, folder = self._name.text().strip(), self._folder.text().strip()
        is_plain = bool(name) and "/" not in name and "\0" not in name and name not in (".", "..")
        return Path(folder).expanduser() / name if is_plain and folder and Path(folder).is_absolute() else None

    def _update(self) -> None:
        path = self.path
        self._create.setEnabled(path is not None)
        self._result.setText(f"Will be made in {path}" if path is not None else "A name without “/”, and a folder.")

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a folder", self._folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._folder.setText)
        dialog.open()

    def _on_create(self) -> None:
        path = self.path
        if path is not None:
            self.create_asked.emit(path)
            self.accept()
