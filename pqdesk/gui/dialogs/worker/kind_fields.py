"""The fields that are asked for each kind of worker, and the recipe that they make; kinds.py lists the kinds."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from pqdesk.gui.dialogs.worker import checks
from pqdesk.gui.dialogs.worker.form_fields import FieldRow, NumberRow, TextRow
from pqdesk.supervision.recipes import (
    CommandRecipe,
    FolderRecipe,
    FunctionRecipe,
    OtherRecipe,
    PostRecipe,
    Recipe,
)

ChooseFolder = Callable[[QLineEdit], None]


class KindFields(QWidget):
    """The rows of one kind.

    Signals:
        changed: A value is another.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[FieldRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._column.addStretch(1)

    def add(self, *rows: FieldRow) -> None:
        for row in rows:
            self._rows.append(row)
            self._column.insertWidget(self._column.count() - 1, row)
            row.changed.connect(self.changed)

    @property
    def first_field(self) -> QWidget:
        return self._rows[0].field

    def validate(self) -> bool:
        """Whether all that is asked now may stay; reasons are shown."""
        return not [row for row in self._asked() if not row.validate()]

    def insist(self) -> None:
        """Blame empty fields too."""
        for row in self._asked():
            if isinstance(row, TextRow):
                row.insist()

    def problem_field(self) -> QWidget | None:
        """The first whose value cannot be."""
        return next((row.field for row in self._asked() if not row.validate()), None)

    def _asked(self) -> list[FieldRow]:
        return [row for row in self._rows if row.is_asked]

    def recipe(self) -> Recipe:
        """Of fields that are valid."""
        raise NotImplementedError

    def show_recipe(self, recipe: Recipe) -> None:
        """Fill the fields."""
        raise NotImplementedError

    def set_queue(self, queue: str) -> None:
        """The queue that a worker is wanted for."""

    def proposed_name(self) -> str:
        """A name that says what it does; empty when nothing is known yet."""
        return ""


class _ConsumerFields(KindFields):
    """What every worker that takes messages is asked: its queues, how many at once, how long one may take."""

    def __init__(self, kind: type[FunctionRecipe | CommandRecipe | PostRecipe], *first: FieldRow) -> None:
        super().__init__()
        self._kind = kind
        self._queues = TextRow(
            "Queues", "worker_queues", "Names, with commas between them", placeholder="files", check=checks.check_queues
        )
        self._concurrency = NumberRow("At once", "worker_concurrency", 0, 1000, special="1", suffix=" messages")
        self._timeout = TextRow(
            "Longest", "worker_timeout", "One message may take so long; it is retried then",
            placeholder="no limit, or 30s, 5m", check=checks.optional_duration("timeout"),
        )  # fmt: skip
        self._attempts = NumberRow(
            "Attempts", "worker_attempts", 0, 1_000_000, special="as the queue says", hint="Then the message is failed"
        )
        self._lease: str | None = None  # not asked; kept
        self.add(*first, self._queues, self._concurrency, self._timeout, self._attempts)

    def set_queue(self, queue: str) -> None:
        self._queues.set_text(queue)

    def _shared(self) -> dict[str, object]:
        return {
            "queues": checks.split_queues(self._queues.text),
            "concurrency": self._concurrency.number or None,
            "timeout": self._timeout.text or None,
            "max_attempts": self._attempts.number or None,
            "lease": self._lease,
        }

    def _show_shared(self, recipe: FunctionRecipe | CommandRecipe | PostRecipe) -> None:
        self._queues.set_text(", ".join(recipe.queues))
        self._concurrency.set_number(recipe.concurrency or 0)
        self._timeout.set_text(recipe.timeout or "")
        self._attempts.set_number(recipe.max_attempts or 0)
        self._lease = recipe.lease


class FunctionFields(_ConsumerFields):
    def __init__(self) -> None:
        self._handler = TextRow(
            "Function", "worker_handler", "A file or module, a colon, the function; it gets one message at a time",
            placeholder="mail.py:send", check=checks.check_handler,
        )  # fmt: skip
        super().__init__(FunctionRecipe, self._handler)

    def recipe(self) -> Recipe:
        return FunctionRecipe(handler=self._handler.text, **self._shared())  # type: ignore[arg-type]

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, FunctionRecipe)
        self._handler.set_text(recipe.handler)
        self._show_shared(recipe)

    def proposed_name(self) -> str:
        return self._handler.text.rpartition(":")[2]


class CommandFields(_ConsumerFields):
    def __init__(self) -> None:
        self._command = TextRow(
            "Command", "worker_command",
            "Gets the payload on standard input. Exit 0: done, its output is the result; 75: try again; 65: failed",
            placeholder="sha256sum", check=checks.check_command,
        )  # fmt: skip
        super().__init__(CommandRecipe, self._command)

    def recipe(self) -> Recipe:
        command = checks.split_command(self._command.text)
        return CommandRecipe(command=command, **self._shared())  # type: ignore[arg-type]

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, CommandRecipe)
        self._command.set_text(shlex.join(recipe.command))
        self._show_shared(recipe)

    def proposed_name(self) -> str:
        return _program_of(self._command)


class PostFields(_ConsumerFields):
    def __init__(self) -> None:
        self._url = TextRow(
            "Address", "worker_url", "Each payload is posted there. 2xx: done; 5xx, 408, 429: retried; others: failed",
            placeholder="http://localhost:8000/messages", check=checks.check_url,
        )  # fmt: skip
        self._headers = TextRow(
            "Headers", "worker_headers", "Name=value, with blanks between them; $NAME is a variable, a secret perhaps",
            placeholder="none, or Authorization=$TOKEN", check=checks.check_headers,
        )  # fmt: skip
        super().__init__(PostRecipe, self._url, self._headers)

    def recipe(self) -> Recipe:
        headers = checks.split_command(self._headers.text)
        return PostRecipe(url=self._url.text, headers=headers, **self._shared())  # type: ignore[arg-type]

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, PostRecipe)
        self._url.set_text(recipe.url)
        self._headers.set_text(shlex.join(recipe.headers))
        self._show_shared(recipe)

    def proposed_name(self) -> str:
        queues = checks.split_queues(self._queues.text)
        return f"post-{queues[0]}" if queues else ""


class FolderFields(KindFields):
    def __init__(self, choose: ChooseFolder) -> None:
        super().__init__()
        self._folder = TextRow(
            "Folder", "worker_folder", "A message for each new or changed file, once it is written completely",
            placeholder="/home/ada/incoming", check=checks.check_folder,
        )  # fmt: skip
        self._folder.offer_folder(choose)
        self._queue = TextRow("Queue", "worker_queue", placeholder="files", check=checks.check_queue)
        self.add(self._folder, self._queue)

    def set_queue(self, queue: str) -> None:
        self._queue.set_text(queue)

    def recipe(self) -> Recipe:
        return FolderRecipe(folder=self._folder.text, queue=self._queue.text)

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, FolderRecipe)
        self._folder.set_text(recipe.folder)
        self._queue.set_text(recipe.queue)

    def proposed_name(self) -> str:
        folder = self._folder.text.rstrip("/").rpartition("/")[2]
        return f"watch-{folder}" if folder else ""


class OtherFields(KindFields):
    def __init__(self) -> None:
        super().__init__()
        self._command = TextRow(
            "Command", "worker_command", "A program and its arguments; no shell reads them, so no pipes and no *",
            placeholder="/usr/bin/python3 server.py", check=checks.check_command,
        )  # fmt: skip
        self.add(self._command)

    def recipe(self) -> Recipe:
        return OtherRecipe(command=checks.split_command(self._command.text))

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, OtherRecipe)
        self._command.set_text(shlex.join(recipe.command))

    def proposed_name(self) -> str:
        return _program_of(self._command)


def _program_of(row: TextRow) -> str:
    if not row.text or not row.validate():
        return ""
    return checks.split_command(row.text)[0].rpartition("/")[2]
