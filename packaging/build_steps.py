"""What packaging/build does once everything that it needs is there: `build_steps.py [--if-changed] [--quick] [PART…]`.

With --if-changed a part is left as it is in dist/ while what it was made from is the same, whatever the commit. With
--quick, as tests have it, .deb and .tar.xz are packed in seconds and are a quarter larger.

Files are dated by the last commit ($SOURCE_DATE_EPOCH overrides), so that one commit gives the same files again.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "packaging"
DIST = ROOT / "dist"
BUNDLE = DIST / "pqdesk"
ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
MADE_FROM = ("pqdesk", "resources", "packaging", "pyproject.toml", "LICENSE")

MAINTAINER = "The PQDesk developers <developers@pqdesk.example>"
HOMEPAGE = "https://pqdesk.example"  # there is none yet; the store's entry wants one
MOST_BYTES = {"deb": 40_000_000, "bundle": 150_000_000}

Part = Callable[[bool], None]


class BuildError(Exception):
    """What is to be told in one line."""


# --- the bundle ---------------------------------------------------------------------------------------------


def make_bundle(_is_quick: bool) -> None:
    """dist/pqdesk: both executables, what they need, and bin/pqdesk for $PATH."""
    with temporary_folder() as work, step("bundle: PyInstaller, two executables"):
        run(
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"),
            *("--distpath", work / "dist", "--workpath", work / "work", HERE / "bundle.spec"),
            PYINSTALLER_CONFIG_DIR=str(ROOT / "build/pyinstaller"),  # what it keeps of stripped libraries
        )
        made = work / "dist/pqdesk"
        (made / "bin").mkdir()
        (made / "bin/pqdesk").symlink_to("../pqdeskd")
        shutil.copy(ROOT / "LICENSE", made / "LICENSE")
        settle(made)
        replace_folder(made, BUNDLE)
    tell_size("bundle", kilobytes(BUNDLE) * 1024, BUNDLE)


def settle(folder: Path) -> None:
    """Modes and times as they are to be everywhere: nobody's umask and clock shows."""
    for path in [folder, *sorted(folder.rglob("*"))]:
        if not path.is_symlink():
            is_program = path.is_dir() or (path.parent == folder and path.name in ("pqdesk", "pqdeskd"))
            path.chmod(0o755 if is_program else 0o644)
        os.utime(path, (epoch(), epoch()), follow_symlinks=False)


# --- Debian's package ---------------------------------------------------------------------------------------


def make_deb(is_quick: bool) -> None:
    """dist/pqdesk_VERSION_ARCH.deb."""
    architecture = output("dpkg", "--print-architecture")
    target = DIST / f"pqdesk_{version()}_{architecture}.deb"
    with temporary_folder() as work:
        tree = work / "debian/pqdesk"  # where dpkg-shlibdeps looks for it
        with step("deb: the tree"):
            lay_out(tree)
        with step("deb: what it depends on"):
            (tree / "DEBIAN").mkdir()
            depends = dependencies(tree, work)
        with step("deb: packed"):
            control = tree / "DEBIAN/control"
            values = {"version": version(), "architecture": architecture, "depends": depends, "maintainer": MAINTAINER}
            text = (HERE / "debian/control.in").read_text(encoding="utf-8")
            control.write_text(text.format(**values, kilobytes=kilobytes(tree / "usr")), encoding="utf-8")
            write_checksums(tree)
            for path in [tree, *tree.rglob("*")]:
                os.utime(path, (epoch(), epoch()), follow_symlinks=False)
            run("dpkg-deb", "--root-owner-group", "-Zxz", f"-z{level(is_quick)}", "--build", tree, target)
    tell_size("deb", target.stat().st_size, target, is_quick=is_quick)


def lay_out(tree: Path) -> None:
    """/usr as the package has it."""
    usr = tree / "usr"
    shutil.copytree(BUNDLE, usr / "lib/pqdesk", symlinks=True)
    (usr / "bin").mkdir()
    (usr / "bin/pqdesk").symlink_to("../lib/pqdesk/pqdeskd")
    lay_out_desktop(usr / "share", program="pqdesk")
    doc = usr / "share/doc/pqdesk"
    doc.mkdir(parents=True)
    permission = (ROOT / "LICENSE").read_text(encoding="utf-8").strip().splitlines()[4:]
    licence = "\n".join(f" {line or '.'}" for line in permission)
    write(doc / "copyright", (HERE / "debian/copyright").read_text("utf-8").replace("@MIT@", licence))
    signed = f" -- {MAINTAINER}  {formatdate(epoch())}"
    compress(f"pqdesk ({version()}) unstable; urgency=low\n\n  * See CHANGELOG.md.\n\n{signed}\n", doc / "changelog.gz")
    overrides = usr / "share/lintian/overrides/pqdesk"
    write(overrides, (HERE / "debian/lintian-overrides").read_text(encoding="utf-8"))
    (usr / "lib/pqdesk/LICENSE").unlink()  # Debian's is doc/copyright
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        elif "share" in path.parts[len(tree.parts) :]:
            path.chmod(0o644)


def lay_out_desktop(share: Path, *, program: str) -> None:
    """What desktop and shells read: entry, file type, icons, man pages, completion.

    `program`: how the desktop starts it.
    """
    values = {"PROGRAM": program, "HOMEPAGE": HOMEPAGE, "VERSION": version(), "DATE": date(), **from_code()}
    for place, name in (
        ("applications/pqdesk.desktop", "pqdesk.desktop"),
        ("metainfo/org.pqdesk.pqdesk.metainfo.xml", "pqdesk.metainfo.xml"),
        ("mime/packages/pqdesk.xml", "pqdesk.mime.xml"),
    ):
        text = (HERE / "desktop" / name).read_text(encoding="utf-8")
        write(share / place, re.sub("@([A-Z_]+)@", lambda found: values[found[1]], text))
    icons = share / "icons/hicolor"
    for drawing, place in (("pqdesk", "scalable/apps/pqdesk.svg"), ("tray-idle", "symbolic/apps/pqdesk-symbolic.svg")):
        write(icons / place, (ROOT / f"resources/icons/{drawing}.svg").read_text(encoding="utf-8"))
    run(sys.executable, "-P", HERE / "draw_icons.py", icons, *map(str, ICON_SIZES), QT_QPA_PLATFORM="offscreen")
    commands = BUNDLE / "pqdeskd"
    run(sys.executable, "-P", HERE / "man_pages.py", share / "man/man1", SOURCE_DATE_EPOCH=str(epoch()))
    for shell, place in (
        ("bash", "bash-completion/completions/pqdesk"),
        ("zsh", "zsh/vendor-completions/_pqdesk"),
        ("fish", "fish/vendor_completions.d/pqdesk.fish"),
    ):
        write(share / place, output(commands, _PQDESK_COMPLETE=f"{shell}_source") + "\n")


def dependencies(tree: Path, work: Path) -> str:
    """Packages of the libraries that the bundle's files want and does not have, as dpkg-shlibdeps finds them."""
    (work / "debian/control").write_text("Source: pqdesk\n\nPackage: pqdesk\nArchitecture: any\n", encoding="utf-8")
    inside = tree / "usr/lib/pqdesk"
    files = [path for path in inside.rglob("*") if path.is_file() and not path.is_symlink() and is_elf(path)]
    libraries = {path.parent for path in inside.rglob("*.so*")}
    said = subprocess.run(
        [
            *("dpkg-shlibdeps", "-O", "--ignore-missing-info", "--warnings=0"),
            *(f"-x{package}" for package in packages_of(path.name for path in (inside / "_internal").glob("lib*.so*"))),
            *(f"-l{folder.relative_to(work)}" for folder in sorted(libraries)),
            *(f"-e{file.relative_to(work)}" for file in sorted(files)),
        ],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        raise BuildError(f"dpkg-shlibdeps: {' '.join(said.stderr.split())[-800:]}")
    found = said.stdout.partition("shlibs:Depends=")[2].strip()
    return ", ".join([*found.split(", "), "fonts-dejavu-core | fonts-freefont-ttf | fonts-noto-core"])


def packages_of(libraries: Iterable[str]) -> set[str]:
    """Whose these are on this system. It finds them there although the bundle has its own."""
    patterns = [f"*/{name}" for name in libraries]
    said = subprocess.run(["dpkg-query", "--search", *patterns], capture_output=True, text=True, check=False).stdout
    owners = (line.rpartition(": ")[0] for line in said.splitlines() if not line.startswith("diversion"))
    return {owner.partition(":")[0] for line in owners for owner in line.split(", ")}


def write_checksums(tree: Path) -> None:
    lines = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"  # Debian's format
        for path in sorted((tree / "usr").rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]
    (tree / "DEBIAN/md5sums").write_text("".join(lines), encoding="utf-8")


# --- for people without root, and without a bundle ----------------------------------------------------------


def make_tarball(is_quick: bool) -> None:
    """dist/pqdesk-VERSION-linux-ARCH.tar.xz with install.sh and uninstall.sh."""
    name = f"pqdesk-{version()}-linux-{os.uname().machine}"
    target = DIST / f"{name}.tar.xz"
    with temporary_folder() as work:
        folder = work / name
        with step("tarball: the tree"):
            shutil.copytree(BUNDLE, folder / "pqdesk", symlinks=True)
            lay_out_desktop(folder / "share", program="@PROGRAM@")
            for script in ("install.sh", "uninstall.sh"):
                shutil.copy(HERE / "tarball" / script, folder / script)
            shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
            for path in folder.iterdir():
                if path.suffix == ".sh":
                    path.chmod(0o755)
        with step("tarball: packed"):
            options = (f"--mtime=@{epoch()}", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--xz")
            how = f"-T2 -{level(is_quick)}"  # with two threads or more the number changes nothing in the file
            run("tar", *options, "--create", f"--file={target}", f"--directory={work}", name, XZ_OPT=how)
    tell_size("tarball", target.stat().st_size, target)


def make_python(_is_quick: bool) -> None:
    """Wheel and sdist."""
    with step("python: wheel and sdist"):
        run(sys.executable, "-m", "hatchling", "build", "--directory", DIST)


# --- small things -------------------------------------------------------------------------------------------


def version() -> str:
    found = re.search(r'^VERSION = "(.+?)"', (ROOT / "pqdesk/version.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def from_code() -> dict[str, str]:
    """What a queue file is known by."""
    code = (ROOT / "pqdesk/storage/sqlite/migrations.py").read_text(encoding="utf-8")
    found = re.search(r"^APPLICATION_ID = (0x[0-9A-F]+)", code, re.MULTILINE)
    assert found is not None
    return {"APPLICATION_ID": found[1]}


def date() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch()))


@cache
def epoch() -> int:
    """When what is built was made, in seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    try:
        return int(output("git", "-C", ROOT, "log", "-1", "--format=%ct"))
    except BuildError:
        return int((ROOT / "pyproject.toml").stat().st_mtime)  # unpacked from an archive


def run(*command: str | Path, **variables: str) -> None:
    """Run to the end; its output is shown when it fails."""
    output(*command, **variables)


def output(*command: str | Path, **variables: str) -> str:
    """What a program prints. Raises BuildError with the end of what it said when it fails."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", **variables}
    if command[0] != "git":
        environment["SOURCE_DATE_EPOCH"] = str(epoch())
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        words = " ".join(map(str, command[:4]))
        raise BuildError(f"{words} … ended with {done.returncode}:\n{(done.stderr or done.stdout).strip()[-3000:]}")
    return done.stdout.strip()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Beside dist/, so that what is made can be renamed into it; git ignores both."""
    (ROOT / "build").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=ROOT / "build"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_folder(new: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def compress(text: str, file: Path) -> None:
    with open(file, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.encode())


def is_elf(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def kilobytes(folder: Path) -> int:
    sizes = (path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    return sum((size + 1023) // 1024 for size in sizes)


def level(is_quick: bool) -> int:
    """How hard xz tries: 6 takes half a minute, and 0 three seconds."""
    return 0 if is_quick else 6


def tell_size(part: str, size: int, place: Path, *, is_quick: bool = False) -> None:
    """Say it. Raises BuildError for what has become larger than it may be."""
    tell(f"{part}: {size / 1e6:.1f} MB in {place}")
    most = MOST_BYTES.get(part, size)
    if size > most and not is_quick:
        raise BuildError(f"{part} may have {most / 1e6:.0f} MB at most; see what has come into the bundle")


def tell(text: str) -> None:
    print(f"pqdesk: {text}", flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is done and, at its end, how long it took."""
    tell(name)
    started = time.monotonic()
    yield
    tell(f"{name}: {time.monotonic() - started:.1f} s")


PARTS: dict[str, Part] = {"bundle": make_bundle, "deb": make_deb, "tarball": make_tarball, "python": make_python}


def made_from() -> str:
    """The same for two builds that give the same, but for the time."""
    files = [file for name in MADE_FROM for file in (ROOT / name, *(ROOT / name).rglob("*"))]
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted(file for file in files if file.is_file() and "__pycache__" not in file.parts):
        digest.update(f"{file.relative_to(ROOT)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def main(words: Sequence[str]) -> int:
    only_if_changed, is_quick = "--if-changed" in words, "--quick" in words
    words = [word for word in words if word not in ("--if-changed", "--quick")]
    unknown = [word for word in words if word not in PARTS]
    if unknown:
        print(f"pqdesk: no such part: {unknown[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    started = time.monotonic()
    DIST.mkdir(exist_ok=True)
    lock = os.open(DIST, os.O_RDONLY)  # two at once would mix what they make
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        state = made_from()
        wanted = {state, f"{state} quick"} if is_quick else {state}
        for name in words or PARTS:
            stamp = DIST / f".{name}-made-from"
            if only_if_changed and stamp.exists() and stamp.read_text(encoding="ascii") in wanted:
                continue
            if name in ("deb", "tarball") and not BUNDLE.is_dir():
                raise BuildError(f"{name} is made of the bundle, which is not there; build that first")
            stamp.unlink(missing_ok=True)
            PARTS[name](is_quick)
            stamp.write_text(f"{state} quick" if is_quick else state, encoding="ascii")
    except BuildError as exc:
        print(f"pqdesk: {exc}", file=sys.stderr)
        return 1
    finally:
        os.close(lock)
    tell(f"done in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
