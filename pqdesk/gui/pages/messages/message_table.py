"""The table of messages: keeps its place and its selection while rows come and go."""

from __future__ import annotations

from PySide6.QtCore import (
    QElapsedTimer,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
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
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from pqdesk.gui.pages.messages.column_layout import ColumnLayout
from pqdesk.gui.pages.messages.columns import Column
from pqdesk.gui.pages.messages.message_delegate import MessageDelegate
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.pages.messages.selected_messages import SelectedMessages
from pqdesk.gui.theme import Theme

_Flag = QItemSelectionModel.SelectionFlag
_AIMING_MS = 2_000


class MessageTable(QTableView):
    """Fixed row heights, one delegate, no sorting: the order is that of ids, newest first.

    Signals:
        chosen: The user made another message the current one: its id.
        scrolled: Other rows are visible.
        newest_wanted: Home was pressed.
        filter_wanted: / was pressed.
    """

    chosen = Signal(object)
    scrolled = Signal()
    newest_wanted = Signal()
    filter_wanted = Signal()

    def __init__(self, model: MessageTableModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messages")
        self.setAccessibleName("Messages")
        self._theme = theme
        self._messages = model
        self._delegate = MessageDelegate(model, theme)
        self._chosen_id: int | None = None
        self._anchor: tuple[int, int] | None = None  # an id, and how far below the first visible row it is
        self._is_changing = False
        self._pointed = QElapsedTimer()  # since the pointer was moved or pressed over the rows
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._set_up()
        self.columns = ColumnLayout(self)
        self.selected = SelectedMessages(model, self.selectionModel())
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(lambda *_: self._on_selection_changed())
        model.about_to_change.connect(self._on_about_to_change)
        model.has_changed.connect(self._on_changed)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.horizontalHeader().sectionMoved.connect(self._mark_current)
        self.columns.fitted.connect(self._mark_current)
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
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(40)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def is_at_top(self) -> bool:
        return self.verticalScrollBar().value() == 0

    @property
    def is_aimed_at(self) -> bool:
        """The pointer is over the rows, and was moved or pressed just now: another row must not come under it."""
        return self.viewport().underMouse() and self._pointed.isValid() and not self._pointed.hasExpired(_AIMING_MS)

    @property
    def chosen_id(self) -> int | None:
        """The message that the user made the current one."""
        return self._chosen_id

    def visible_range(self) -> tuple[int, int]:
        """The first and the last row that can be seen at least in part; (0, -1) when there are none."""
        count = self._messages.rowCount()
        if not count:
            return 0, -1
        first = self.verticalScrollBar().value()
        height = max(1, self.verticalHeader().defaultSectionSize())
        return first, min(count - 1, first + self.viewport().height() // height)

    def choose(self, message_id: int) -> None:
        """Make the message the current and only selected one, if it is in the window."""
        position = self._messages.position_of(message_id)
        if position is not None:
            self.selectionModel().setCurrentIndex(
                self._messages.index(position, Column.STATE), _Flag.ClearAndSelect | _Flag.Rows
            )

    def show_newest(self) -> None:
        self.verticalScrollBar().setValue(0)

    def message_at(self, point: QPoint) -> int | None:
        """The id of the message at `point` of the viewport."""
        index = self.indexAt(point)
        return self._messages.row_at(index.row()).id if index.isValid() else None

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
        if event.key() == Qt.Key.Key_Escape and self.selected.states:
            self.selected.clear()
            return
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy_rows()
            return
        if event.text() == "/":
            self.filter_wanted.emit()
            return
        if event.key() == Qt.Key.Key_Home and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.newest_wanted.emit()
            return
        super().keyPressEvent(event)

    def _copy_rows(self) -> None:
        """The selected rows as shown, cells apart by tabs, so that a spreadsheet takes them."""
        header = self.horizontalHeader()
        columns = sorted((one for one in Column if not self.isColumnHidden(one)), key=header.visualIndex)
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        lines = ("\t".join(self._messages.index(row, column).data() for column in columns) for row in rows)
        if rows:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pointed.start()
        if not self.indexAt(event.position().toPoint()).isValid():
            self.selected.clear()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._pointed.start()
        self._hover(self.indexAt(event.position().toPoint()).row())

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

    def _hover(self, position: int) -> None:
        if position != self._delegate.hovered_row:
            for one in (self._delegate.hovered_row, position):
                self._paint_row(one)
            self._delegate.hovered_row = position

    def _paint_row(self, position: int) -> None:
        if 0 <= position < self._messages.rowCount():
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
        message_id = self._messages.row_at(position).id
        if message_id != self._chosen_id:
            self._chosen_id = message_id
            self._mark_current()
            self.chosen.emit(message_id)

    def _on_current_changed(self, current: QModelIndex | QPersistentModelIndex) -> None:
        self._paint_row(self._delegate.current_row)
        if self._is_changing:
            return
        if current.isValid():
            self._on_chosen(current.row())

    # --- keeping the place ------------------------------------------------------------------------

    def _on_about_to_change(self) -> None:
        self._is_changing = True
        self.setAutoScroll(False)  # else Qt scrolls to the row that it makes the current one in place of a removed one
        first, last = self.visible_range()
        if self.is_at_top or last < first:
            self._anchor = None  # at the very top the place is the top
            return
        chosen = None if self._chosen_id is None else self._messages.position_of(self._chosen_id)
        held = chosen if chosen is not None and first <= chosen <= last else first
        self._anchor = (self._messages.row_at(held).id, held - first)

    def _on_changed(self) -> None:
        self._keep_current()
        self.updateGeometries()  # Qt would do it later: too late for a scroll value beyond the old range
        if self._anchor is None:
            self.verticalScrollBar().setValue(0)
        else:
            message_id, below = self._anchor
            self.verticalScrollBar().setValue(self._messages.position_near(message_id) - below)
        self.setAutoScroll(True)
        self._is_changing = False
        self._mark_current()
        self.scrolled.emit()

    def _keep_current(self) -> None:
        """A valid current row while there are rows: the chosen one, else the one nearest to it, else the first.

        Qt has moved it to some neighbour of a removed row; nobody is told, since the user did not move.
        """
        if not self._messages.rowCount() or (self._chosen_id is None and self.hasFocus()):
            return
        near = 0 if self._chosen_id is None else self._messages.position_near(self._chosen_id)
        position = min(near, self._messages.rowCount() - 1)
        if self.currentIndex().row() != position:
            column = self.currentIndex().column() if self.currentIndex().isValid() else int(Column.STATE)
            self.selectionModel().setCurrentIndex(self._messages.index(position, column), _Flag.NoUpdate)

    def _mark_current(self) -> None:
        self._delegate.first_column = self.columns.first
        position = None if self._chosen_id is None else self._messages.position_of(self._chosen_id)
        self._delegate.current_row = -1 if position is None else position
        self._paint_row(self._delegate.current_row)

    # --- looks ------------------------------------------------------------------------------------

    def _take_looks(self) -> None:
        self.setFont(self._theme.font())
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalHeader().setMinimumSectionSize(self._delegate.row_height)
        self.horizontalHeader().setFixedHeight(self._delegate.row_height + 2)
        self.columns.fit()
        self.viewport().update()
