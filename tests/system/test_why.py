"""Why a message waits, told with the real supervisord: its worker crashes, is stopped, is back."""

from __future__ import annotations

from pqdesk import Workspace
from pqdesk.supervision.records import WorkerState
from tests.programs import BIN
from tests.support import wait_until
from tests.system.conftest import SupervisedWorkspace


def test_a_worker_that_crashes_or_is_stopped_is_the_reason_until_it_works(supervised: SupervisedWorkspace) -> None:
    handler = supervised.paths.root / "mail.py"
    handler.parent.mkdir(parents=True, exist_ok=True)
    handler.write_text("import not_there_at_all\n\n\ndef send(message): ...\n")
    command = (str(BIN / "pqdesk"), "consume", "emails", "--handler", f"{handler}:send")
    with Workspace(supervised.paths.root) as workspace:
        message_id = workspace.queue("emails").put("x")
        assert workspace.why(message_id).startswith("Nothing takes messages from queue 'emails'")
        supervised.add_command("mail", command)
        assert "so its worker mail does not run. Start the workers." in workspace.why(message_id)

        supervised.supervision.start("mail")
        supervised.wait_for("mail", WorkerState.CRASH_LOOPING)
        assert "crashes again and again: Python cannot find the module not_there_at_all" in workspace.why(message_id)

        supervised.supervision.stop("mail", wait_s=20)
        assert workspace.why(message_id).endswith("its worker mail is stopped. Start it.")

        handler.write_text("def send(message): ...\n")
        supervised.supervision.start("mail")
        wait_until(lambda: "was completed" in workspace.why(message_id), 40, workspace.why(message_id))
