"""A small window with one of each thing that the driver has to work; test_desktop.py runs it."""

import signal
import subprocess
import sys

from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QSystemTrayIcon,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)


class SampleWindow(QMainWindow):
    """Says in its label what was done last."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Sample window")
        self._label = QLabel("nothing")
        self._label.setObjectName("happened")
        self._name = QLineEdit()
        self._name.setAccessibleName("Your name")
        self._table = self._make_table()
        layout = QVBoxLayout()
        for widget in (self._label, self._name, *self._make_buttons(), self._table):
            layout.addWidget(widget)
        centre = QWidget()
        centre.setLayout(layout)
        self.setCentralWidget(centre)
        self.menuBar().addMenu("&File").addAction("&Leave", self.leave)
        self._make_tray_icon()

    def leave(self) -> None:
        self._tray_icon.hide()
        QApplication.quit()

    def _make_buttons(self) -> list[QPushButton]:
        hello = QPushButton("&Say hello")
        hello.clicked.connect(lambda: self._label.setText(f"hello {self._name.text()}"))
        ask = QPushButton("Ask")
        ask.clicked.connect(lambda: QMessageBox.information(self, "Question", "Fine?"))
        child = QPushButton("Leave a process behind")
        child.clicked.connect(lambda: subprocess.Popen(["sleep", "600"], start_new_session=True))
        nothing = QPushButton("Not now")
        nothing.setEnabled(False)
        return [hello, ask, child, nothing]

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(3, 2)
        table.setAccessibleName("Squares")
        table.setHorizontalHeaderLabels(["Number", "Square"])
        for row in range(3):
            for column, value in enumerate((row, row * row)):
                table.setItem(row, column, QTableWidgetItem(str(value)))
        table.cellClicked.connect(lambda row, column: self._label.setText(f"cell {row} {column}"))
        return table

    def _make_tray_icon(self) -> None:
        pixmap = QPixmap(32, 32)
        pixmap.fill("red")
        self._tray_icon = QSystemTrayIcon(QIcon(pixmap), self)
        menu = QMenu(self)
        menu.addAction("First entry", lambda: self._label.setText("first entry"))
        menu.addAction("Last entry", lambda: self._label.setText("last entry"))
        self._tray_icon.setContextMenu(menu)
        self._tray_icon.activated.connect(lambda reason: self._label.setText(reason.name.lower()))
        self._tray_icon.show()


def main() -> int:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    application = QApplication(sys.argv)
    application.setQuitOnLastWindowClosed(False)
    window = SampleWindow()
    window.show()
    print(f"tray {QSystemTrayIcon.isSystemTrayAvailable()}", flush=True)
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
