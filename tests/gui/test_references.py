"""PySide6 6.12.0 loses a reference to None or True with each call before Python 3.12; the process then aborts."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel

_TIMES = 20_000
_SLACK = 500  # what other code takes and gives back meanwhile


class Sender(QObject):
    told = Signal(bool)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal since 3.12")
def test_emissions_and_model_changes_keep_the_references(qapp: object) -> None:
    sender, seen, model = Sender(), [], QStandardItemModel()
    sender.told.connect(lambda _: seen.append(0))
    before = (sys.getrefcount(None), sys.getrefcount(True))

    for number in range(_TIMES):
        sender.told.emit(True)
        model.insertRow(0, QStandardItem("row"))
        sender.setObjectName(f"sender{number % 7}")
        model.removeRow(0)

    after = (sys.getrefcount(None), sys.getrefcount(True))
    assert len(seen) == _TIMES
    assert all(abs(now - then) < _SLACK for now, then in zip(after, before, strict=True))
