"""One message whole: what happened to it, payload, attempts, error, result, and the row as it is stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from pqdesk.gui.formatting import format_size
from pqdesk.gui.pages.messages.attempts_view import AttemptsView
from pqdesk.gui.pages.messages.log_view import MessageLogView
from pqdesk.gui.pages.messages.summary_view import SummaryView
from pqdesk.gui.palette import STATE_LOOKS
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_tooltip, json_chunks, payload_chunks, visible_line, visible_text
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import ElidedLabel, PlainLabel
from pqdesk.gui.widgets.text_pane import TextPane
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.masking import masked, masked_text
from pqdesk.messages.records import MessageDetail, MessageRecord
from pqdesk.messages.states import State

_PID = re.compile(r"pid \d+")  # of a process that supervisord does not run
_NOT_RAW = ("payload", "payload_preview", "result", "attempts", "error_text")


class DetailPane(QWidget):
    """Shows the message it was given last, live; scroll and selection stay while its texts are the same.

    Signals:
        closed: Nothing is shown any more.
        worker_asked: The name of the process that has, or had, the message.
        log_shown: The tab Log is seen, with this MessageDetail; whoever listens fills `log`.
        log_ticked: A second has passed while it is seen.
    """

    closed = Signal()
    worker_asked = Signal(str)
    log_shown = Signal(object)
    log_ticked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_detail")
        self.setProperty("look", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._detail: MessageDetail | None = None
        self._acts: Sequence[ActivityRecord] = ()
        self._icon = QLabel(self)
        self._state = PlainLabel("", self)
        self._title = ElidedLabel("", self)
        self._title.setObjectName("detail_title")
        for label in (self._state, self._title):
            label.setFont(theme.font(100, is_semibold=True))
        self._worker = make_button("Worker", "detail_worker", self, look="link", description="Show it on Workers")
        self._worker.clicked.connect(self._on_worker)
        self._copy = make_button("Copy id", "copy_id", self, look="quiet")
        self._copy.clicked.connect(self._on_copy)
        theme.picture(self._copy, "copy")
        self._secrets = make_button(
            "Show secrets", "show_secrets", self, look="quiet", description="Values that are hidden by their names"
        )
        self._secrets.setCheckable(True)
        self._secrets.toggled.connect(lambda _: self._fill_current())
        self._tabs = QTabWidget(self)
        self._tabs.setObjectName("detail_tabs")
        self._tabs.setProperty("look", "parts")
        self._tabs.setDocumentMode(True)
        self._tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its tab bar takes the keyboard
        self._tabs.tabBar().setAccessibleName("Parts of the message")
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.tabBar().setExpanding(False)
        self._tabs.currentChanged.connect(lambda _: self._fill_current())
        self._summary = SummaryView(theme)
        self._payload = TextPane("Payload", "payload", theme)
        self._attempts = AttemptsView(theme)
        self._error = TextPane("Error", "error", theme)
        self._result = TextPane("Result", "result", theme)
        self.log = MessageLogView(theme)
        self._raw = TextPane("Raw", "raw", theme)
        self._now: datetime | None = None
        for widget, title in (
            (self._summary, "Summary"),
            (self._payload, "Payload"),
            (self._attempts, "Attempts"),
            (self._error, "Error"),
            (self._result, "Result"),
            (self.log, "Log"),
            (self._raw, "Raw"),
        ):
            self._tabs.addTab(widget, title)
        self._lay_out()
        self._nothing = EmptyState(theme, "detail_empty", self)
        self.clear()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 8, 4)
        head.setSpacing(6)
        head.addWidget(self._icon)
        head.addWidget(self._state)
        head.addSpacing(6)
        head.addWidget(self._title, 1)
        head.addWidget(self._worker)
        head.addWidget(self._secrets)
        head.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._tabs, 1)

    def sizeHint(self) -> QSize:
        return QSize(440, 280)

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def tab_bar(self) -> QWidget:
        """Where the keyboard enters the pane."""
        return self._tabs.tabBar()

    @property
    def shown_id(self) -> int | None:
        return None if self._detail is None else self._detail.id

    def show_detail(self, detail: MessageDetail, acts: Sequence[ActivityRecord], now: datetime) -> None:
        """Show `detail`, and what people did to it; relative times refer to `now`."""
        self._now = now
        self._nothing.hide()
        if detail == self._detail and acts == self._acts:
            return
        self._acts = acts
        if self.shown_id != detail.id:
            self._secrets.setChecked(False)  # what one asked for was this one message
        self._detail = detail
        kind = f" · {visible_line(detail.type)}" if detail.type else ""
        picture, role = STATE_LOOKS[detail.state]
        self._theme.picture(self._icon, picture, role)
        set_look(self._state, role.name, "ink")
        self._state.setText(detail.state.word.capitalize())
        self._title.setText(f"Message {detail.id}{kind}")
        self._show_head(True)
        has_worker = bool(detail.worker) and not _PID.fullmatch(detail.worker or "")
        self._worker.setVisible(has_worker)
        self._worker.setToolTip(as_tooltip(f"Show {detail.worker} on Workers") if has_worker else "")
        for tab, has in ((3, bool(detail.error_text)), (4, detail.result is not None)):
            self._tabs.setTabEnabled(tab, has)
        self._fill_current()

    def tick(self, now: datetime) -> None:
        """Time has passed: let what runs count on."""
        self._now = now
        if self._detail is not None and self._tabs.currentWidget() is self._summary:
            self._summary.show_detail(self._detail, self._acts, now)
        elif self._detail is not None and self._tabs.currentWidget() is self.log:
            self.log_ticked.emit()

    def clear(self) -> None:
        self.show_none("No message selected", "Select one in the table to see its payload, attempts and result.")

    def show_none(self, title: str, text: str) -> None:
        """Show no message, and say why."""
        self._detail = None
        self._show_head(False)
        self._nothing.show_text(title, visible_line(text))
        self._nothing.raise_()
        self.closed.emit()

    # --- filling, only what can be seen -----------------------------------------------------------

    def _fill_current(self) -> None:
        detail, now = self._detail, self._now
        if detail is None or now is None:
            return
        widget, is_masked = self._tabs.currentWidget(), not self._secrets.isChecked()
        if widget is self._summary:
            self._summary.show_detail(detail, self._acts, now)
        elif widget is self._payload:
            _show_value(self._payload, detail.id, detail.payload, detail.payload_size, is_masked=is_masked)
        elif widget is self._attempts:
            self._attempts.show_attempts(detail.attempts, detail.id)
        elif widget is self._error:
            text = detail.error_text or ""
            self._error.show_text(
                (detail.id, text), iter((visible_text(text),)), caption="Newest", copied=lambda: iter((text,))
            )
        elif widget is self._result:
            _show_value(self._result, detail.id, detail.result, 0, is_masked=is_masked)
        elif widget is self.log:
            self.log_shown.emit(detail)
        else:
            text = "".join(_raw_lines(replace(detail, headers=masked(detail.headers)) if is_masked else detail))
            self._raw.show_text((detail.id, text), iter((text,)), caption="As stored")

    def _show_head(self, is_shown: bool) -> None:
        for widget in (self._icon, self._state, self._title, self._worker, self._secrets, self._copy, self._tabs):
            widget.setVisible(is_shown)

    def _on_worker(self) -> None:
        if self._detail is not None and self._detail.worker:
            self.worker_asked.emit(self._detail.worker)

    def _on_copy(self) -> None:
        if self._detail is not None:
            QGuiApplication.clipboard().setText(str(self._detail.id))


def _show_value(pane: TextPane, message_id: int, value: Any, size_bytes: int, *, is_masked: bool) -> None:
    kind = "Bytes" if isinstance(value, bytes) else "Text" if isinstance(value, str) else "JSON"
    caption = f"{kind} · {format_size(size_bytes)}" if size_bytes else kind
    pane.show_text(
        (message_id, type(value).__name__, value, is_masked),
        payload_chunks(value, is_masked=is_masked),
        caption=caption,
        copied=lambda: _as_given(value, is_masked=is_masked),
        size_bytes=size_bytes,
    )


def _as_given(value: Any, *, is_masked: bool) -> Iterator[str]:
    if isinstance(value, bytes):
        return iter((value.hex(),))
    if isinstance(value, str):
        return iter((masked_text(value) if is_masked else value,))
    return json_chunks(value, is_masked=is_masked)


def _raw_lines(record: MessageRecord) -> Iterator[str]:
    """Name and value of each stored field; payload and result have tabs of their own."""
    names = [one.name for one in fields(record) if one.name not in _NOT_RAW]
    width = max(map(len, names))
    for name in names:
        value = getattr(record, name)
        if isinstance(value, State):
            shown = f"{value.word} ({int(value)})"
        elif isinstance(value, datetime):
            shown = value.isoformat(timespec="microseconds")
        elif value is None or isinstance(value, str | int):
            shown = "–" if value is None else str(value)
        else:
            shown = json.dumps(dict(value), ensure_ascii=False)
        yield f"{name:<{width}}  {visible_line(shown)}\n"
