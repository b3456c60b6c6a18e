"""A table of records: keeps its place and its selection while rows come and go."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QElapsedTimer,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QCursor,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QMenu, QTableView, QWidget

from pqdesk.gui.records.delegate import RecordDelegate
from pqdesk.gui.records.layout import ColumnLayout
from pqdesk.gui.records.model import RecordModel
from pqdesk.gui.records.rows import Row, reuse_rows
from pqdesk.gui.records.selected import SelectedRecords
from pqdesk.gui.theme import Theme

T = TypeVar("T")
_Flag = QItemSelectionModel.SelectionFlag
_AIMING_MS = 2_000


class RecordTable(QTableView, Generic[T]):
    """Fixed row heights, one delegate, no sorting: the order is that of the records.

    Signals:
        chosen: The user made another record the current one: its id.
        opened: The record that was pressed twice, or on which Return was pressed.
        link_followed: The key of a column and the record whose link was pressed.
        scrolled: Other rows are visible.
    """

    chosen = Signal(object)
    opened = Signal(object)
    link_followed = Signal(str, object)
    scrolled = Signal()

    def __init__(
        self,
        model: RecordModel[T],
        theme: Theme,
        name: str,
        title: str,
        parent: QWidget | None = None,
        *,
        is_whole: bool = True,
    ) -> None:
        """`is_whole`: the model has all records there are, not a part of them."""
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._theme, self._records = theme, model
        self._delegate = RecordDelegate(model, theme)
        self._chosen_id: Hashable | None = None
        self._anchor: tuple[Sequence[Hashable], int] | None = None  # ids, and how far below the top the first one is
        self._is_changing = False
        self._pointed = QElapsedTimer()  # since the pointer was moved or pressed over the rows
        self._held: Sequence[T] | None = None
        self._release = QTimer(self, singleShot=True, interval=_AIMING_MS)
        self._release.timeout.connect(self._take_held)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._set_up()
        self.columns = ColumnLayout(self, model.columns)
        self.selected: SelectedRecords[T] = SelectedRecords(model, self.selectionModel(), is_whole=is_whole)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(lambda *_: self._on_selection_changed())
        model.about_to_change.connect(self._on_about_to_change)
        model.has_changed.connect(self._on_changed)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.columns.fitted.connect(lambda _: self._mark_current())
        self.horizontalHeader().sectionMoved.connect(lambda *_: self._mark_current())
        self.horizontalHeader().customContextMenuRequested.connect(self._show_column_menu)
        theme.changed.connect(self._take_looks)
        self._take_looks()

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table: no trap
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)  # so that a place is a row, exactly
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        # Of its own, with nothing in it: at each paint a header looks through all selected rows for whole columns.
        header.setSelectionModel(QItemSelectionModel(self._records, self))
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(40)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    # --- what the page asks -----------------------------------------------------------------------

    def show_records(self, records: Sequence[T], *, at_once: bool = False) -> None:
        """Show exactly these; while somebody aims at a row, only what is new in the rows there, the rest later."""
        model = self._records
        ids = [model.id_of(one) for one in records]
        if not at_once and self.is_aimed_at and model.rows and ids != [row.id for row in model.rows]:
            self._held = records
            self._release.start()
            fresh = dict(zip(ids, records, strict=True))
            there = reuse_rows(model.rows, [fresh.get(row.id, row.record) for row in model.rows], model.id_of)
            model.show([row if row.id in fresh else _gone(old) for old, row in zip(model.rows, there, strict=True)])
            return
        self._held = None
        self._release.stop()
        model.show_records(records)

    def _take_held(self) -> None:
        if self._held is not None:
            self.show_records(self._held)

    @property
    def is_at_top(self) -> bool:
        return self.verticalScrollBar().value() == 0

    @property
    def is_aimed_at(self) -> bool:
        """The pointer is over the rows, and was moved or pressed just now: another row must not come under it."""
        return self.viewport().underMouse() and self._pointed.isValid() and not self._pointed.hasExpired(_AIMING_MS)

    @property
    def chosen_id(self) -> Any:
        """The record that the user made the current one; None for none."""
        return self._chosen_id

    def visible_range(self) -> tuple[int, int]:
        """The first and the last row that can be seen at least in part; (0, -1) when there are none."""
        count = self._records.rowCount()
        if not count:
            return 0, -1
        first = self.verticalScrollBar().value()
        height = max(1, self.verticalHeader().defaultSectionSize())
        return first, min(count - 1, first + self.viewport().height() // height)

    def choose(self, row_id: Hashable) -> None:
        """Make the record the current and only selected one, if it is here."""
        position = self._records.position_of(row_id)
        if position is not None:
            self.selectionModel().setCurrentIndex(self._records.index(position, 0), _Flag.ClearAndSelect | _Flag.Rows)

    def show_newest(self) -> None:
        self.verticalScrollBar().setValue(0)

    def record_at(self, point: QPoint) -> T | None:
        """What is at `point` of the viewport."""
        index = self.indexAt(point)
        return self._records.row_at(index.row()).record if index.isValid() else None

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.columns.fit()
        self.scrolled.emit()

    def selectionCommand(
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        command = super().selectionCommand(index, event)
        if (
            event is not None and command & _Flag.Clear
        ):  # a plain click drops what is selected out of sight, Ctrl+click does not
            self.selected.replace_all()
        return command

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.selected.records:
            self.selected.clear()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy_rows()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self._records.row_at(self.currentIndex().row()).record)
        else:
            super().keyPressEvent(event)

    def _copy_rows(self) -> None:
        """The selected rows as shown, cells apart by tabs, so that a spreadsheet takes them."""
        header = self.horizontalHeader()
        shown = (one for one in range(len(self._records.columns)) if not self.isColumnHidden(one))
        columns = sorted(shown, key=header.visualIndex)
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        lines = ("\t".join(self._records.index(row, column).data() for column in columns) for row in rows)
        if rows:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pointed.start()
        if not self.indexAt(event.position().toPoint()).isValid():
            self.selected.clear()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not event.modifiers():
            index = self.indexAt(event.position().toPoint())
            if self._is_link(index):
                record = self._records.row_at(index.row()).record
                self.link_followed.emit(self._records.columns[index.column()].key, record)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and not self._is_link(index):
            self.opened.emit(self._records.row_at(index.row()).record)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._pointed.start()
        index = self.indexAt(event.position().toPoint())
        self._hover(index.row())
        shape = Qt.CursorShape.PointingHandCursor if self._is_link(index) else Qt.CursorShape.ArrowCursor
        if self.viewport().cursor().shape() is not shape:
            self.viewport().setCursor(shape)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._delegate.has_focus = True

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._delegate.has_focus = False
        self._paint_row(self._delegate.current_row)

    def _is_link(self, index: QModelIndex) -> bool:
        is_link = self._records.columns[index.column()].is_link if index.isValid() else None
        return is_link is not None and is_link(self._records.row_at(index.row()).record)

    def _hover(self, position: int) -> None:
        if position != self._delegate.hovered_row:
            for one in (self._delegate.hovered_row, position):
                self._paint_row(one)
            self._delegate.hovered_row = position

    def _paint_row(self, position: int) -> None:
        if 0 <= position < self._records.rowCount():
            top, height = self.rowViewportPosition(position), self.rowHeight(position)
            self.viewport().update(0, top, self.viewport().width(), height)

    def _on_scrolled(self) -> None:
        if self._is_changing:
            return
        pointer = self.viewport().mapFromGlobal(QCursor.pos())
        self._hover(self.indexAt(pointer).row() if self.underMouse() else -1)
        self.scrolled.emit()

    def _on_selection_changed(self) -> None:
        """The first row may be the current one before anybody chose it; selecting it is a choice."""
        current = self.currentIndex()
        if not self._is_changing and current.isValid() and self.selectionModel().isSelected(current):
            self._on_chosen(current.row())

    def _on_chosen(self, position: int) -> None:
        row_id = self._records.row_at(position).id
        if row_id != self._chosen_id:
            self._chosen_id = row_id
            self._mark_current()
            self.chosen.emit(row_id)

    def _on_current_changed(self, current: QModelIndex | QPersistentModelIndex) -> None:
        self._paint_row(self._delegate.current_row)
        if not self._is_changing and current.isValid():
            self._on_chosen(current.row())

    def _show_column_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for column, is_shown in self.columns.wishes().items():
            entry = menu.addAction(self._records.columns[column].title)
            entry.setCheckable(True)
            entry.setChecked(is_shown)
            entry.setEnabled(column > 0)
            entry.toggled.connect(lambda is_on, column=column: self.columns.wish(column, is_on))
        menu.popup(self.horizontalHeader().mapToGlobal(point))

    # --- keeping the place ------------------------------------------------------------------------

    def _on_about_to_change(self) -> None:
        self._is_changing = True
        self.setAutoScroll(False)  # else Qt scrolls to the row that it makes the current one in place of a removed one
        first, last = self.visible_range()
        if self.is_at_top or last < first:
            self._anchor = None  # at the very top the place is the top
            return
        chosen = None if self._chosen_id is None else self._records.position_of(self._chosen_id)
        held = chosen if chosen is not None and first <= chosen <= last else first
        rows = self._records.rows
        self._anchor = [row.id for row in (*rows[held:], *reversed(rows[:held]))], held - first

    def _on_changed(self) -> None:
        self._keep_current()
        self.updateGeometries()  # Qt would do it later: too late for a scroll value beyond the old range
        if self._anchor is None:
            self.verticalScrollBar().setValue(0)
        else:
            ids, below = self._anchor
            places = (at for one in ids if (at := self._records.position_of(one)) is not None)
            self.verticalScrollBar().setValue(next(places, below) - below)  # wholly other rows: from the top
        self.setAutoScroll(True)
        self._is_changing = False
        self._mark_current()
        self.scrolled.emit()

    def _keep_current(self) -> None:
        """A valid current row while there are rows: the chosen one, else the neighbour that Qt found, else the first.

        Nobody is told, since the user did not move.
        """
        if not self._records.rowCount() or (self._chosen_id is None and self.hasFocus()):
            return
        current = self.currentIndex()
        position = None if self._chosen_id is None else self._records.position_of(self._chosen_id)
        if position is None:
            position = current.row() if current.isValid() and self._chosen_id is not None else 0
        if current.row() != position:
            column = current.column() if current.isValid() else 0
            self.selectionModel().setCurrentIndex(self._records.index(position, column), _Flag.NoUpdate)

    def _mark_current(self) -> None:
        self._delegate.first_column = self.columns.first
        position = None if self._chosen_id is None else self._records.position_of(self._chosen_id)
        self._delegate.current_row = -1 if position is None else position
        self._paint_row(self._delegate.current_row)

    # --- looks ------------------------------------------------------------------------------------

    def _take_looks(self) -> None:
        self._delegate.take_looks()
        self.setFont(self._theme.font())
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalHeader().setMinimumSectionSize(self._delegate.row_height)
        self.horizontalHeader().setFixedHeight(self._delegate.row_height + 2)
        self.columns.fit()
        self.viewport().update()


def _gone(row: Row[T]) -> Row[T]:
    return row if row.gone_ms is not None else Row(row.id, row.record, 0)
