"""Workers' files: what is written is what supervisord reads, and what others wrote can be read."""

from __future__ import annotations

import os
import re
import shlex
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.options import ServerOptions

from pqdesk.demo import write_demo
from pqdesk.errors import InvalidInput
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.addresses import LONGEST_SOCKET_BYTES, address_of, by_hand_problem
from pqdesk.supervision.definitions.broken_files import BrokenFiles
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.planning import plan_change
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.records import RestartPolicy
from pqdesk.supervision.supervision import Supervision
from pqdesk.worker_options import RUN_OPTIONS
from tests.checkout import ROOT

_NASTY = st.text(alphabet=st.sampled_from("ab%()s;# \"'\\\u00a0\u2003é$`&|<>*=,:{}[]/-~!?\u202e"), max_size=12)
_TEXT = st.one_of(
    _NASTY, st.text(max_size=12), st.sampled_from(["%(here)s", "%%(here)s", "x ;y", "%(ENV_HOME)s", " #"])
)
_SECRET = st.one_of(_TEXT, st.text(alphabet="'\"\n\r;#%$`\\ =\u00e9", max_size=8)).filter(lambda text: "\0" not in text)
_AUTORESTARTS: dict[str, tuple[object, ...]] = {
    "always": (RestartUnconditionally,),
    "if it fails": (RestartWhenExitUnexpected,),
    "never": (False,),
}
_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}[A-Za-z]", fullmatch=True).filter(lambda name: name != "all")


def parsed_by_supervisor(paths: WorkspacePaths) -> dict[str, object]:
    """supervisord's own reading of the workspace: its ProcessConfig by name."""
    options = server_options(paths)
    return {one.name: one for group in options.process_group_configs for one in group.process_configs}


def server_options(paths: WorkspacePaths) -> ServerOptions:
    options = ServerOptions()
    options.configfile = str(paths.supervisor_configuration)
    options.process_config(do_usage=False)
    return options


def fresh_workspace(folder: Path) -> WorkspacePaths:
    paths = WorkspacePaths(folder)
    write_supervisor_configuration(paths)
    for file in paths.workers.glob("*.conf"):
        file.unlink()
    return paths


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=700)
@given(
    name=_NAMES,
    arguments=st.lists(_TEXT, max_size=4),
    variables=st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), _TEXT, max_size=3),
    replicas=st.integers(1, 3),
    is_autostart=st.booleans(),
    folder=st.one_of(st.none(), _TEXT.map(lambda text: Path("/srv", text.strip("/") or "x"))),
    secrets=st.dictionaries(st.from_regex(r"S_[A-Z0-9_]{0,8}", fullmatch=True), _SECRET, max_size=2),
    restart=st.sampled_from(["always", "if it fails", "never"]),
    stop_signal=st.sampled_from(["TERM", "INT", "USR1", "HUP"]),
    log_bytes=st.sampled_from([0, 1, 1000, 1024, 3 * 1024**2, 2**30]),
)
def test_supervisord_reads_what_was_meant_or_it_is_refused(
    short_folder: Path,
    name: str,
    arguments: list[str],
    variables: dict[str, str],
    replicas: int,
    is_autostart: bool,
    folder: Path | None,
    secrets: dict[str, str],
    restart: RestartPolicy,
    stop_signal: str,
    log_bytes: int,
) -> None:
    variables.pop("PQDESK_WORKSPACE", None)
    definition = WorkerDefinition(
        name=name,
        command=("/bin/echo", *arguments),
        environment=variables,
        replicas=replicas,
        is_autostart=is_autostart,
        folder=folder,
        secrets=secrets,
        restart=restart,
        stop_signal=stop_signal,
        log_bytes=log_bytes,
        log_backups=replicas,
    )
    paths = fresh_workspace(short_folder)

    try:
        write_definition(paths, definition)
    except InvalidInput:
        event("refused")
        assert parsed_by_supervisor(paths) == {}
        return

    parsed = parsed_by_supervisor(paths)
    assert set(parsed) == {name, *(f"{name}-{number}" for number in range(2, replicas + 1))}
    for process, config in parsed.items():
        words = shlex.split(config.command)  # type: ignore[attr-defined]
        assert words[-len(definition.command) :] == list(definition.command)
        assert words[:2] == (["/bin/sh", "-c"] if secrets else ["/bin/echo", *arguments][:2])
        assert os.path.normpath(config.directory) == str(folder or paths.root)  # type: ignore[attr-defined]
        assert config.stopsignal == signal.Signals[f"SIG{stop_signal}"]  # type: ignore[attr-defined]
        assert config.autorestart in _AUTORESTARTS[restart]  # type: ignore[attr-defined]
        assert (config.stdout_logfile_maxbytes, config.stderr_logfile_backups) == (log_bytes, replicas)  # type: ignore[attr-defined]
        assert config.environment.pop("PQDESK_WORKSPACE") == f"{paths.workers}/../.."  # type: ignore[attr-defined]
        assert config.environment == variables  # type: ignore[attr-defined]
        assert config.autostart is is_autostart  # type: ignore[attr-defined]
        assert os.path.realpath(config.stdout_logfile) == str(paths.logs.resolve() / f"{process}.out.log")  # type: ignore[attr-defined]
    [read] = read_definitions(paths).workers
    assert replace(read, processes=(), file=None, secrets_file=None, version=None) == definition


@pytest.mark.parametrize(
    "name", ["", "all", "-x", ".x", "a b", "a/b", "../x", "a:b", "x-2", "a\n", "a\0b", "é", "a" * 65, "x%", "x;y"]
)
def test_names_that_would_lead_elsewhere_are_refused(short_folder: Path, name: str) -> None:
    paths = fresh_workspace(short_folder)

    with pytest.raises(InvalidInput, match="name"):
        write_definition(paths, WorkerDefinition(name=name, command=("true",)))

    assert list(paths.workers.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"command": ()}, "needs a command"),
        ({"command": ("true", "a\nb")}, "garbles a line"),
        ({"command": ("true", "\ud800")}, "garbles a line"),
        ({"environment": {"A": 'x"y'}}, "quote"),
        ({"environment": {"A": "x ;y"}}, "comment"),
        ({"environment": {"A": "x\n[program:evil]"}}, "garbles a line"),
        ({"environment": {"A B": "x"}}, "variable 'A B'"),
        ({"replicas": 0}, "replicas"),
        ({"replicas": 501}, "replicas"),
        ({"stop_wait_s": -1}, "stop_wait_s"),
        ({"log_bytes": -1}, "log_bytes"),
        ({"folder": Path("relative")}, "whole path"),
        ({"folder": Path("/srv/a ;b")}, "cuts off"),
        ({"folder": Path("/srv/%(here)s")}, "replaces"),
        ({"folder": Path("/srv/a\nb")}, "garbles a line"),
        ({"restart": "sometimes"}, "restart"),
        ({"stop_signal": "NONSENSE"}, "stop signal"),
        ({"secrets": {"A": "x\0"}}, "no variable can hold"),
        ({"secrets": {"A-B": "x"}}, "variable 'A-B'"),
        ({"secrets": {"A": "x"}, "environment": {"A": "y"}}, "secret A is an environment variable"),
        ({"secrets": {"PQDESK_WORKSPACE": "x"}}, "PQDESK_WORKSPACE"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_the_reason(
    short_folder: Path, changes: dict[str, object], reason: str
) -> None:
    values: dict[str, object] = {"name": "worker", "command": ("true",), **changes}

    with pytest.raises(InvalidInput, match=reason) as caught:
        write_definition(fresh_workspace(short_folder), WorkerDefinition(**values))  # type: ignore[arg-type]

    assert "\n" not in str(caught.value)


def test_a_refused_environment_value_is_not_told(short_folder: Path) -> None:
    definition = WorkerDefinition(name="worker", command=("true",), environment={"TOKEN": 'hunter2"'})

    with pytest.raises(InvalidInput) as caught:
        write_definition(fresh_workspace(short_folder), definition)

    assert "hunter2" not in str(caught.value)


def test_made_files_and_folders_are_private(short_folder: Path) -> None:
    paths = WorkspacePaths(short_folder / "new" / "workspace")

    write_demo(paths)

    for path in (paths.root.parent, *paths.root.parent.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert not list(paths.root.rglob("*.new"))


@pytest.mark.parametrize("field", [row.field for row in RUN_OPTIONS])
def test_each_option_of_how_a_worker_runs_is_changed_in_its_file_and_read_back(short_folder: Path, field: str) -> None:
    others = {"is_autostart": False, "restart": "never", "folder": Path("/srv"), "stop_signal": "INT"}
    paths = fresh_workspace(short_folder / "w")
    write_definition(paths, WorkerDefinition(name="w", command=("sleep", "1"), restart="always"))
    (old,) = read_definitions(paths).workers
    new = replace(old, **{field: others.get(field, 5)})

    assert old.file is not None
    old.file.write_text(plan_change(old, new, None, paths).after)

    (read,) = read_definitions(paths).workers
    assert getattr(read, field) == getattr(new, field) != getattr(old, field)


def test_the_checkouts_files_are_those_of_the_demo(short_folder: Path) -> None:
    paths = WorkspacePaths(short_folder)

    write_demo(paths)

    for file in ("supervisord.conf", "workers/producer.conf", "workers/consumer.conf"):
        assert (ROOT / "supervisor" / file).read_text() == (paths.supervisor / file).read_text()


def test_kinds_and_queues_come_from_the_command() -> None:
    def told(*command: str) -> tuple[str, tuple[str, ...]]:
        definition = WorkerDefinition(name="x", command=command)
        return definition.kind, definition.queues

    assert told("pqdesk", "consume", "a", "b", "--handler", "m:f") == ("consumer", ("a", "b"))
    assert told("/opt/bin/pqdesk", "-w", "/x", "consume", "--drain", "a", "--", "convert", "b") == ("consumer", ("a",))
    assert told("python3", "-m", "pqdesk", "produce", "--every=5m", "a") == ("producer", ("a",))
    assert told("pqdesk", "watch") == ("command", ())
    assert told("sleep", "consume") == ("command", ())


def test_hand_written_files_are_read(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    (paths.workers / "mine.conf").write_text(
        "# by hand\n[program:web]\ncommand = pqdesk consume web --handler x:y ; a comment\nnumprocs = 2\n"
        "process_name = %(program_name)s_%(process_num)02d\nenvironment = A='1',B=two\nstopwaitsecs = 7\n"
        "unheard_of = 1\n"
        "[program:other]\ncommand = sleep %%1 '\nstdout_logfile = NONE\n"
        "[program:other-2]\ncommand = sleep 1\n[program:other-3]\ncommand: sleep %%1 '\n"
        "[group:both]\nprograms = other, other-2\n"
    )

    definitions = read_definitions(paths)

    assert definitions.problems == ()
    other, another, web = definitions.workers
    assert [one.process for one in web.processes] == ["web:web_00", "web:web_01"]
    assert (web.queues, web.environment, web.stop_wait_s, web.start_s) == (("web",), {"A": "1", "B": "two"}, 7, 1)
    assert [one.process for one in other.processes] == ["other", "other-3"]
    assert other.command == ("sleep %1 '",)
    assert (another.name, another.command) == ("other-2", ("sleep", "1"))
    assert other.processes[0].stdout_log == paths.logs / "other.out.log"


@pytest.mark.parametrize(
    "text", [b"no section", b"[program:x\n", b"[program:x]\ncommand", b"\xff\xfe", b"[program:x]\na=1"]
)
def test_a_broken_file_is_told_by_name_and_hides_no_other(short_folder: Path, text: bytes) -> None:
    paths = fresh_workspace(short_folder)
    write_definition(paths, WorkerDefinition(name="good", command=("true",)))
    (paths.workers / "broken.conf").write_bytes(text)

    definitions = read_definitions(paths)

    assert [one.name for one in definitions.workers] == ["good"]
    [problem] = definitions.problems
    assert "broken.conf" in problem
    assert "\n" not in problem


OTHER_SECTIONS = (
    "[eventlistener:ev]\ncommand=touch x\nevents=TICK_5", "[fcgi-program:f]\ncommand=touch x\nsocket=unix:///f.sock",
    "[supervisord]\nlogfile=/tmp/elsewhere.log", "[rpcinterface:evil]\nsupervisor.rpcinterface_factory=os:getcwd",
    "[group:../g]\nprograms=good", "[eventlistener:../ev]\ncommand=x\nevents=TICK_5", "[unix_http_server]\nfile=/x",
    "[inet_http_server]\nport=9001", "[include]\nfiles=/tmp/*.conf", "[supervisorctl]\nserverurl=unix:///x",
    "[ctlplugin:x]\nsupervisor.ctl_factory=os:getcwd", "[DEFAULT]\ndirectory=/tmp", "[Program:x]\ncommand=touch x",
    "[ program:x]\ncommand=touch x", "[PROGRAM:x]\ncommand=x", "[program]\ncommand=x", "[notes]\nx=1",
    " [eventlistener:ev] ; really\n command=touch x\n events=TICK_5", "[group:g]\nprograms=nobody",
    "[group:g]\nprograms=good,good", "[group:g]\nprograms=good,", "[group:g]", "[group:all]\nprograms=good",
    "[group:g]\nprograms=good\n[group:h]\nprograms=good", "[program:good]\ncommand=touch x",
    "[program: good]\ncommand=touch x",
)  # fmt: skip


@pytest.mark.parametrize("section", OTHER_SECTIONS)
def test_a_workers_file_holds_workers_alone(short_folder: Path, section: str) -> None:
    paths = fresh_workspace(short_folder)
    write_definition(paths, WorkerDefinition(name="good", command=("true",)))
    bad = paths.workers / "more.conf"
    bad.write_text(f"; a comment\n{section}\n[program:mine]\ncommand=sleep 1\n")

    definitions = read_definitions(paths)

    assert [one.name for one in definitions.workers] == ["good"]
    [problem] = definitions.problems
    assert re.search(rf"^'{bad}', line [24], cannot be used: .*; nothing of the file is started$", problem)
    with BrokenFiles(paths):
        assert set(parsed_by_supervisor(paths)) == {"good"}
    assert bad.exists()


def test_a_group_may_name_workers_of_other_files(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    write_definition(paths, WorkerDefinition(name="good", command=("true",)))
    (paths.workers / "group.conf").write_text("[group:g]\nprograms=good, x\n")
    (paths.workers / "z.conf").write_text("[program:x]\ncommand=sleep 1\n")

    assert read_definitions(paths).problems == ()
    assert set(parsed_by_supervisor(paths)) == {"good", "x"}

    (paths.workers / "z.conf").write_text("[program:x]\ncommand=sleep 1\nstartsecs=soon\n")  # so nobody is called x

    assert [Path(file).name for file in read_definitions(paths).unfit] == ["group.conf", "z.conf"]
    with BrokenFiles(paths):
        assert set(parsed_by_supervisor(paths)) == {"good"}


def test_what_supervisord_conf_holds_is_its_writers(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    with paths.supervisor_configuration.open("a") as file:
        file.write(
            "[program:own]\ncommand=sleep 1\n[group:g]\nprograms=own\n"
            "[eventlistener:ev]\ncommand=cat\nevents=TICK_5\n[inet_http_server]\nport=127.0.0.1:9\n"
        )

    definitions = read_definitions(paths)

    assert ([one.name for one in definitions.workers], definitions.problems) == (["own"], ())
    with BrokenFiles(paths):
        assert set(parsed_by_supervisor(paths)) == {"own", "ev"}


def test_what_supervisord_conf_runs_besides_workers_is_shown_before_a_first_start(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    write_definition(paths, WorkerDefinition(name="good", command=("true",)))
    assert [one.name for one in Supervision(paths).unseen_workers()] == ["good"]
    text = paths.supervisor_configuration.read_text().replace("stopped.conf\n", "stopped.conf /elsewhere/*.conf\n")
    paths.supervisor_configuration.write_text(
        f"{text}[eventlistener:ev]\ncommand=sh -c 'touch x'\nevents=TICK_5\nresult_handler=evil:handler\n"
        "[fcgi-program:f]\ncommand=touch y\n[rpcinterface:evil]\nsupervisor.rpcinterface_factory=os:getcwd\n"
    )

    shown = [(one.name, *one.command) for one in Supervision(paths).unseen_workers()]

    assert sorted(shown) == [
        ("eventlistener:ev", "import", "evil:handler"),
        ("eventlistener:ev", "sh", "-c", "touch x"),
        ("fcgi-program:f", "touch", "y"),
        ("good", "true"),
        ("include", "/elsewhere/*.conf"),
        ("rpcinterface:evil", "import", "os:getcwd"),
    ]


@pytest.mark.parametrize("count", ["501", "3000000", "999999999"])
def test_more_replicas_than_there_may_be_are_told_and_not_started(short_folder: Path, count: str) -> None:
    paths = fresh_workspace(short_folder)
    bad = paths.workers / "big.conf"
    bad.write_text(f"[program:big]\ncommand=true\nnumprocs={count}\nprocess_name=x%(process_num)s\nautostart=false\n")

    definitions = read_definitions(paths)

    assert definitions.workers == ()
    assert f"'{bad}', line 3, has numprocs='{count}'" in definitions.problems[0]
    with BrokenFiles(paths):
        assert parsed_by_supervisor(paths) == {}


def test_no_more_replicas_are_taken_in_sections_either(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    text = "[program:a]\ncommand=true\nnumprocs=300\nprocess_name=x%(process_num)s\n"
    (paths.workers / "a.conf").write_text(text + text.replace(":a]", ":a-2]"))

    definitions = read_definitions(paths)

    assert definitions.workers == ()
    assert "a.conf', line 5, " in definitions.problems[0]


def test_as_many_replicas_as_there_may_be_are_all_listed(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)
    (paths.workers / "big.conf").write_text(
        "[program:big]\ncommand=true\nnumprocs=500\nprocess_name=x%(process_num)s\n"
    )

    [worker] = read_definitions(paths).workers

    assert {one.process.partition(":")[2] for one in worker.processes} == set(parsed_by_supervisor(paths))


@pytest.mark.parametrize(
    "text",
    [
        "process_name=%(ENV_HOME)s\nenvironment=HOME='../../x'",
        "process_name=a%(process_num)c\nnumprocs_start=46\nnumprocs=2",
        "process_name=%(process_num)s%(ENV_A)s\nenvironment=A='/../x'\nnumprocs=2",
    ],
)
def test_a_process_gets_no_name_that_is_none_by_what_is_filled_in(short_folder: Path, text: str) -> None:
    paths = fresh_workspace(short_folder)
    (paths.workers / "bad.conf").write_text(f"[program:a]\ncommand=true\n{text}\n")

    assert read_definitions(paths).workers == ()


_LINES = st.sampled_from(
    [
        *(
            "[program:a]",
            "[program: a]",
            "[program:b] ; x",
            " [program:c]",
            "[ program:d]",
            "[program:a-2]",
            "[program:e]]",
        ),
        *(
            "[eventlistener:ev]",
            "\t[eventlistener:ev]",
            "[group:g]",
            "[DEFAULT]",
            "[supervisord]",
            "[x]",
            "[]",
            "[[x]]",
        ),
        *("command=true 1", "  command=true 2", "command: true %(ENV_A)s", "COMMAND=true 4", "command = true ; 5"),
        *("  true 6", "environment=A='7'", "process_name=%(ENV_A)s", "process_name=p%(process_num)d", "numprocs=2"),
        *(
            "events=TICK_5",
            "programs=a",
            "programs=a,b",
            "programs=e]",
            "directory=/tmp",
            "",
            "; x",
            "# [program:y]",
            "  ; x",
        ),
        *("logfile=/tmp/x.log", "[program:f]\x0bcommand=true 9", "[program:f]\x1ccommand=true 10", "\ufeff[program:g]"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
@given(st.lists(st.lists(_LINES, max_size=8), min_size=1, max_size=2), st.sampled_from(["\n", "\r\n", "\r"]))
def test_supervisord_reads_nothing_in_workers_files_that_is_not_listed(
    short_folder: Path, files: list[list[str]], end: str
) -> None:
    paths = fresh_workspace(short_folder)
    usual = server_options(paths)
    for number, lines in enumerate(files):
        text = end.join([f"[program:{number}]", "command=true", *lines])
        (paths.workers / f"{number}.conf").write_bytes(text.encode())
    listed = read_definitions(paths).workers

    with BrokenFiles(paths):
        try:
            options = server_options(paths)
        except ValueError:
            event("refused by supervisord")
            return

    itself, before = options.configroot.supervisord, usual.configroot.supervisord
    assert (itself.logfile, itself.directory) == (before.logfile, before.directory)
    assert itself.rpcinterface_factories == before.rpcinterface_factories
    read = [one for group in options.process_group_configs for one in group.process_configs]
    assert sorted((one.name, *shlex.split(one.command)) for one in read) == sorted(
        (each.process.rpartition(":")[2], *one.command) for one in listed for each in one.processes
    )


def test_a_folder_without_anything_has_no_workers(short_folder: Path) -> None:
    paths = WorkspacePaths(short_folder / "nowhere")

    assert read_definitions(paths).workers == ()
    assert not paths.root.exists()


def test_the_socket_is_beside_the_configuration_where_its_path_is_short(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder)

    assert address_of(paths).socket == paths.socket == paths.supervisor / "supervisord.sock"
    assert by_hand_problem(paths) is None


def test_a_long_path_puts_the_socket_into_the_runtime_folder(short_folder: Path) -> None:
    paths = fresh_workspace(short_folder / ("long" * 30))

    address = address_of(paths)

    assert address.socket == paths.socket
    assert len(os.fsencode(address.socket)) <= LONGEST_SOCKET_BYTES
    assert address.link is None
    assert by_hand_problem(paths) is None


def test_a_checkout_with_a_long_path_is_reached_through_a_link(short_folder: Path) -> None:
    short = fresh_workspace(short_folder / "short")
    long = short_folder / ("long" * 30)
    (short_folder / "short").rename(long)

    address = address_of(WorkspacePaths(long))
    address.prepare()

    assert short.supervisor_configuration.name == address.configuration.name
    assert address.configuration.resolve() == long / "supervisor/supervisord.conf"
    assert len(os.fsencode(address.socket)) <= LONGEST_SOCKET_BYTES
    assert "too long" in (by_hand_problem(WorkspacePaths(long)) or "")


@pytest.mark.parametrize("name", ["50%", "[x]", 'say "x"', "a*b", "tab\there"])
def test_a_folder_that_supervisord_cannot_read_is_reached_through_a_link(short_folder: Path, name: str) -> None:
    paths = fresh_workspace(short_folder / name)
    write_definition(paths, WorkerDefinition(name="worker", command=("true",)))

    address = address_of(paths)
    address.prepare()

    assert name not in str(address.configuration)
    through = WorkspacePaths(address.configuration.parent.parent)
    assert set(parsed_by_supervisor(through)) == {"worker"}
    assert "cannot read" in (by_hand_problem(paths) or "")


def test_a_copied_workspace_leaves_the_socket_of_the_first_one_alone(short_folder: Path) -> None:
    first = fresh_workspace(short_folder / ("long" * 30))
    copy = WorkspacePaths(short_folder / ("copy" * 30))
    first.root.rename(copy.root)

    assert address_of(copy).socket == copy.socket != first.socket
    write_supervisor_configuration(copy)
    assert str(copy.socket) in copy.supervisor_configuration.read_text()
    assert str(first.socket) not in copy.supervisor_configuration.read_text()
