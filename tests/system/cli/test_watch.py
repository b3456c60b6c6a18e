"""`watch`, in a terminal and elsewhere, and other things that only a terminal shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pqdesk.paths import WorkspacePaths, demo_workspace
from pqdesk.supervision.supervision import Supervision
from tests.programs import PQDESK, pqdesk
from tests.system.cli.conftest import Cli
from tests.system.cli.terminals import Terminal

Put = Callable[..., int]

_ALTERNATE_SCREEN, _NORMAL_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


def test_elsewhere_it_is_one_snapshot(cli: Cli, put: Put, workspace: Path) -> None:
    put("emails", "1")

    done = cli("watch")

    title, _, _header, row, *_ = done.out.splitlines()
    assert (done.code, title) == (0, f"PQDesk  {workspace}  supervisord not running")
    assert row.split() == ["emails", "0", "1", "0", "0", "0", "0", "0", "0", "0", "No", "worker"]
    assert "no workers" in done.out


def test_what_needs_a_person_stands_below_with_what_to_do(
    cli: Cli, put: Put, leave_free: Callable[[int], None]
) -> None:
    put("emails", "1")
    leave_free(300)

    told = " ".join(cli("watch").out.split())

    assert "the disk is nearly full: 300 MiB are free, and below 256 MiB nothing can be put" in told
    assert "acks still work; free some space" in told


def test_a_snapshot_for_programs(cli: Cli, put: Put, workspace: Path) -> None:
    put("emails", "1")

    seen = cli("watch", "--json").json

    assert seen["workspace"] == str(workspace)
    assert (seen["queues"][0]["counts"]["ready"], seen["queues"][0]["status"]) == (1, "No worker")
    assert set(seen["queues"][0]["per_second"]) == {"put", "completed", "failed"}


def test_a_terminal_shows_it_live_until_ctrl_c_and_is_left_as_it_was(cli: Cli, put: Put) -> None:
    put("emails", "1")

    with Terminal(PQDESK, "watch") as terminal:
        terminal.read_until("Ctrl-C ends this view")
        cli("put", "another", "1")
        terminal.read_until("another")
        terminal.type("\x03")
        code = terminal.wait()

    assert code == 130
    assert terminal.output.index(_ALTERNATE_SCREEN) < terminal.output.index(_NORMAL_SCREEN)
    last = terminal.output.rpartition(_NORMAL_SCREEN)[2]
    assert "another" in last
    assert "Traceback" not in last


def test_no_color_takes_the_colours_away(cli: Cli, put: Put) -> None:
    put("q", "1")

    with Terminal(PQDESK, "queues") as coloured:
        coloured.wait()
    with Terminal(PQDESK, "queues", environment={"NO_COLOR": "1"}) as plain:
        plain.wait()

    assert "\x1b[2m" in coloured.output
    assert "\x1b[3" not in plain.output


def test_a_table_fits_the_terminal(cli: Cli, put: Put) -> None:
    put("q", "x" * 150, "--type", "t" * 100)

    with Terminal(PQDESK, "messages", "q", environment={"NO_COLOR": "1", "TERM": "dumb"}) as terminal:
        terminal.wait()

    assert max(map(len, terminal.output.splitlines())) <= 110
    assert "…" in terminal.output


def test_put_without_a_payload_does_not_wait_for_typing(workspace: Path) -> None:
    with Terminal(PQDESK, "put", "q") as terminal:
        code = terminal.wait()

    assert code == 2
    assert "no payload" in terminal.output


def test_lines_show_their_progress(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("x\n" * 3000)

    with Terminal("sh", "-c", f"pqdesk put q --lines {path} >/dev/null") as terminal:
        code = terminal.wait()

    assert code == 0
    assert "3,000 lines are put" in terminal.output


@pytest.fixture
def demo(user_folders: object) -> WorkspacePaths:
    return WorkspacePaths(demo_workspace())


def test_the_demo_runs_without_a_display_and_is_no_part_of_the_own_workspace(
    cli: Cli, put: Put, workspace: Path, demo: WorkspacePaths
) -> None:
    put("own", "1")
    try:
        done = cli("watch", "--demo")

        assert done.code == 0, done.err
        counts = [line.split() for line in done.out.splitlines()[3:7]]
        assert [row[0] for row in counts] == ["code", "data", "text", "all"]
        assert int(counts[-1][5]) > 0
        assert f"stop them with: pqdesk -w {demo.root} stop all" in done.err
        assert not WorkspacePaths(workspace).workers.exists()
        assert {one["state"] for one in _workers(demo)} <= {"starting", "running"}
    finally:
        Supervision(demo).shutdown(wait_s=10)


def _workers(paths: WorkspacePaths) -> list[dict[str, str]]:
    import json

    found: list[dict[str, str]] = json.loads(pqdesk(paths.root, "workers", "--json").stdout)
    return found
