"""The .deb and the tarball, unpacked and installed below folders of the test's."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.version import VERSION
from tests.checkout import ROOT
from tests.packaged.bundle import BUILD_S, build, run_bare, succeed

pytestmark = pytest.mark.timeout(BUILD_S)

DIST = ROOT / "dist"


@pytest.fixture(scope="module")
def deb() -> Path:
    build("bundle", "deb")
    (made,) = DIST.glob(f"pqdesk_{VERSION}_*.deb")
    return made


@pytest.fixture(scope="module")
def package(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the package would put below /."""
    root = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    return root


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build("bundle", "tarball")
    folder = tmp_path_factory.mktemp("tarball")
    (made,) = DIST.glob(f"pqdesk-{VERSION}-linux-*.tar.xz")
    subprocess.run(["tar", "-xf", made, "-C", folder], check=True)
    (top,) = folder.iterdir()
    return top


def test_the_deb_depends_on_what_is_missing_in_it(deb: Path) -> None:
    field = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True, text=True).stdout

    names = {re.split(r"[ (|]", one.strip())[0] for one in field.split(",")}
    assert names >= {"libc6", "libxcb-cursor0", "libxcb-icccm4", "libxkbcommon-x11-0", "libgl1", "libegl1"}
    assert names & {"libssl3", "libffi8", "libreadline8", "liblzma5"} == set()  # the bundle has its own
    assert [name for name in names if "python" in name or "gtk" in name or "qt" in name] == []


def test_the_debs_program_runs_from_its_link_and_modes_are_as_debian_wants(package: Path) -> None:
    assert succeed(package / "usr/bin/pqdesk", "--version").startswith(f"PQDesk {VERSION} ")

    modes = {path.relative_to(package): path.stat().st_mode & 0o7777 for path in package.rglob("*") if path.is_file()}
    assert {path for path, mode in modes.items() if mode == 0o755 and not (package / path).is_symlink()} == {
        Path("usr/lib/pqdesk/pqdesk"),
        Path("usr/lib/pqdesk/pqdeskd"),
    }
    assert {*modes.values()} == {0o755, 0o644}
    assert {path.stat().st_mode & 0o7777 for path in package.rglob("*") if path.is_dir()} == {0o755}


def test_menu_icons_man_pages_and_completion_are_there(package: Path) -> None:
    share = package / "usr/share"
    entry = (share / "applications/pqdesk.desktop").read_text(encoding="utf-8")

    assert "Exec=pqdesk open %f" in entry
    assert "@" not in entry
    for size in (16, 48, 512):
        assert (share / f"icons/hicolor/{size}x{size}/apps/pqdesk.png").read_bytes().startswith(b"\x89PNG")
    pages = {path.name: gzip.decompress(path.read_bytes()).decode() for path in (share / "man/man1").iterdir()}
    assert {"pqdesk.1.gz", "pqdesk-put.1.gz", "pqdesk-start-at-login.1.gz"} <= pages.keys()
    assert "\\-\\-priority" in pages["pqdesk-put.1.gz"]
    assert "Permission is hereby granted" in (share / "doc/pqdesk/copyright").read_text(encoding="utf-8")
    assert "_PQDESK_COMPLETE" in (share / "bash-completion/completions/pqdesk").read_text(encoding="utf-8")


def test_those_who_judge_packages_have_nothing_to_say(deb: Path, package: Path) -> None:
    share = package / "usr/share"
    succeed("desktop-file-validate", share / "applications/pqdesk.desktop")
    succeed("appstreamcli", "validate", "--no-net", share / "metainfo/org.pqdesk.pqdesk.metainfo.xml")

    said = succeed("lintian", "--allow-root", "--fail-on", "error,warning", deb)

    assert [line for line in said.splitlines() if line.startswith(("E:", "W:"))] == []


def test_a_queue_file_is_known_by_its_name_and_by_what_is_in_it(package: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    shutil.copytree(package / "usr/share/mime", share / "mime")
    succeed("update-mime-database", share / "mime")
    Workspace(tmp_path / "w").close()
    shutil.copy(tmp_path / "w/queue.db", tmp_path / "copied")

    magic = (share / "mime/magic").read_bytes()
    globs = (share / "mime/globs2").read_text()

    assert "70:application/x-pqdesk-queue:queue.db" in globs
    assert b"application/x-pqdesk-queue" in magic
    assert (tmp_path / "copied").read_bytes()[68:72] in magic


@pytest.mark.parametrize("name", ["plain", "with blanks & 50% $HOME"])
def test_the_tarball_is_installed_again_over_itself_and_taken_away(unpacked: Path, tmp_path: Path, name: str) -> None:
    prefix = tmp_path / name
    for _ in range(2):
        said = succeed("sh", unpacked / "install.sh", prefix)
    assert str(prefix / "bin/pqdesk") in said
    assert succeed(prefix / "bin/pqdesk", "--version").startswith(f"PQDesk {VERSION} ")
    entry = (prefix / "share/applications/pqdesk.desktop").read_text(encoding="utf-8")
    (command,) = re.findall(r'^Exec="(.*)" open %f$', entry, re.MULTILINE)
    assert command.replace("%%", "%").replace("\\\\$", "$") == str(prefix / "bin/pqdesk")

    succeed("sh", prefix / "lib/pqdesk/uninstall.sh")

    assert [path for path in prefix.rglob("*") if not path.is_dir() or path.is_symlink()] == []


def test_what_is_in_the_place_and_is_no_pqdesk_stays(unpacked: Path, tmp_path: Path) -> None:
    precious = tmp_path / "lib/pqdesk/precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")

    done = run_bare("sh", unpacked / "install.sh", tmp_path)

    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert precious.read_text() == "mine"
