"""The kinds of workers that a person can choose, in the order in which they are offered: titles and a sentence each."""

from __future__ import annotations

from pqdesk.worker_options import Kind

KINDS = {
    Kind.FUNCTION: ("Python function", "A function of yours is called once per message."),
    Kind.COMMAND: ("Command per message", "A program works on each message."),
    Kind.FOLDER: ("Watch a folder", "A message is put for each new or changed file."),
    Kind.SCHEDULE: ("Run on a schedule", "Messages are put every so often, or at times of the day."),
    Kind.POST: ("HTTP POST per message", "Each message is sent to a web address."),
    Kind.OTHER: ("Any other command", "A program of its own that is kept running: a server, a script."),
}
