"""What is asked of a worker that puts messages at times: what, and when."""

from __future__ import annotations

import shlex

from pqdesk.gui.dialogs.worker import checks
from pqdesk.gui.dialogs.worker.form_fields import ChoiceRow, TextRow
from pqdesk.gui.dialogs.worker.kind_fields import KindFields
from pqdesk.supervision.recipes import Recipe, ScheduleRecipe


class ScheduleFields(KindFields):
    """What is put, and when."""

    def __init__(self) -> None:
        super().__init__()
        self._queue = TextRow("Queue", "worker_queue", placeholder="reports", check=checks.check_queue)
        self._what = ChoiceRow(
            "What is put", "worker_what",
            (("payload", "The same payload each time"), ("command", "What a command prints, a message per line"),
             ("handler", "What a Python function yields")),
        )  # fmt: skip
        self._payload = TextRow(
            "Payload", "worker_payload", placeholder='{"report": "daily"}', check=checks.check_payload
        )
        self._command = TextRow(
            "Command", "worker_command", placeholder="find /srv -newer stamp", check=checks.check_command
        )
        self._handler = TextRow(
            "Function", "worker_handler", "A file or module, a colon, the function", placeholder="mail.py:poll",
            check=checks.check_handler,
        )  # fmt: skip
        self._when = ChoiceRow(
            "When", "worker_when",
            (("every", "Every so often"), ("cron", "At times, as cron has them"), ("", "Over and over")),
        )  # fmt: skip
        self._every = TextRow(
            "Every", "worker_every", "At once, and then so often", placeholder="5m", check=checks.check_every
        )
        self._cron = TextRow(
            "Cron line", "worker_cron", "Minute, hour, day, month, weekday", placeholder="0 3 * * *",
            check=checks.check_cron,
        )  # fmt: skip
        self._zone = TextRow(
            "Time zone", "worker_timezone", placeholder="this machine's, or Europe/Berlin", check=checks.check_timezone
        )
        self._missed = ChoiceRow(
            "Missed runs", "worker_missed",
            (("once", "Are made up for once"), ("skip", "Are left out"), ("all", "Are made up for, each")),
            "While the machine slept or the worker was stopped",
        )  # fmt: skip
        self.add(
            self._queue, self._what, self._payload, self._command, self._handler, self._when, self._every, self._cron,
            self._zone, self._missed,
        )  # fmt: skip
        self.changed.connect(self._show_asked)
        self._show_asked()

    def set_queue(self, queue: str) -> None:
        self._queue.set_text(queue)

    def recipe(self) -> Recipe:
        what, when = self._what.value, self._when.value
        return ScheduleRecipe(
            queue=self._queue.text,
            payload=self._payload.text if what == "payload" else None,
            command=checks.split_command(self._command.text) if what == "command" else None,
            handler=self._handler.text if what == "handler" else None,
            every=self._every.text if when == "every" else None,
            cron=self._cron.text if when == "cron" else None,
            timezone=(self._zone.text or None) if when == "cron" else None,
            missed=self._missed.value if self._missed.value != "once" and when else None,
        )

    def show_recipe(self, recipe: Recipe) -> None:
        assert isinstance(recipe, ScheduleRecipe)
        self._queue.set_text(recipe.queue)
        self._what.set_value(
            "handler" if recipe.handler is not None else "command" if recipe.command is not None else "payload"
        )
        self._payload.set_text(recipe.payload or "")
        self._command.set_text(shlex.join(recipe.command or ()))
        self._handler.set_text(recipe.handler or "")
        self._when.set_value("cron" if recipe.cron is not None else "every" if recipe.every is not None else "")
        self._every.set_text(recipe.every or "")
        self._cron.set_text(recipe.cron or "")
        self._zone.set_text(recipe.timezone or "")
        self._missed.set_value(recipe.missed or "once")
        self._show_asked()

    def proposed_name(self) -> str:
        return f"schedule-{self._queue.text}" if self._queue.text else ""

    def _show_asked(self) -> None:
        what, when = self._what.value, self._when.value
        for row, is_asked in (
            (self._payload, what == "payload"),
            (self._command, what == "command"),
            (self._handler, what == "handler"),
            (self._every, when == "every"),
            (self._cron, when == "cron"),
            (self._zone, when == "cron"),
            (self._missed, bool(when)),
        ):
            row.set_asked(is_asked)
