"""The kinds of workers that a person can choose, in the order in which they are offered."""

from __future__ import annotations

from typing import Protocol

from pqdesk.gui.dialogs.worker.kind_fields import (
    ChooseFolder,
    CommandFields,
    FolderFields,
    FunctionFields,
    KindFields,
    OtherFields,
    PostFields,
)
from pqdesk.gui.dialogs.worker.schedule_fields import ScheduleFields
from pqdesk.supervision.recipes import (
    CommandRecipe,
    FolderRecipe,
    FunctionRecipe,
    OtherRecipe,
    PostRecipe,
    Recipe,
    ScheduleRecipe,
)


class _Made(Protocol):
    def __call__(self, choose: ChooseFolder) -> KindFields: ...


class Kind:
    """One kind of worker: its recipe, its words, its fields."""

    def __init__(self, recipe: type[Recipe], name: str, title: str, story: str, make: _Made) -> None:
        self.recipe, self.name, self.title, self.story, self.make = recipe, name, title, story, make


KINDS = (
    Kind(FunctionRecipe, "function", "Python function", "A function of yours is called once per message.",
         lambda choose: FunctionFields()),
    Kind(CommandRecipe, "command", "Command per message", "A program is run once per message.",
         lambda choose: CommandFields()),
    Kind(FolderRecipe, "folder", "Watch a folder", "A message is put for each new or changed file.",
         lambda choose: FolderFields(choose)),
    Kind(ScheduleRecipe, "schedule", "Run on a schedule", "Messages are put every so often, or at times of the day.",
         lambda choose: ScheduleFields()),
    Kind(PostRecipe, "post", "HTTP POST per message", "Each message is sent to a web address.",
         lambda choose: PostFields()),
    Kind(OtherRecipe, "other", "Any other command", "A program of its own that is kept running: a server, a script.",
         lambda choose: OtherFields()),
)  # fmt: skip
