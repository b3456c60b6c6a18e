"""Which files of a folder are complete; real files in a folder of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from pqdesk.clock import SystemClock
from pqdesk.errors import InvalidInput
from pqdesk.workers.folder import FolderLooks, FolderTarget
from pqdesk.workers.open_files import files_being_written


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in box"
    made.mkdir()
    return made


def names(files):
    return [os.path.basename(file.path) for file in files]


def test_file_is_complete_when_two_looks_find_it_the_same(folder):
    looks = FolderLooks(folder)
    (folder / "a").write_text("first")

    assert names(looks.look()) == []
    (folder / "a").write_text("first and second")
    assert names(looks.look()) == []
    assert names(looks.look()) == ["a"]


def test_file_is_told_until_it_is_put_and_again_when_it_changed(folder):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    looks.look()
    found = looks.look()
    assert names(looks.look()) == ["a"]

    looks.note_put(found)

    assert looks.look() == []
    os.utime(folder / "a", ns=(1, 1))
    looks.look()
    [changed] = looks.look()
    assert changed.mtime_ns == 1


def test_file_that_went_and_came_back_is_looked_at_twice(folder):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    looks.look()
    (folder / "a").unlink()
    looks.look()

    (folder / "a").write_text("x")

    assert [names(looks.look()) for _ in range(2)] == [[], ["a"]]


def test_hidden_unfinished_and_irregular_files_are_passed_over(folder):
    looks = FolderLooks(folder)
    for name in (".hidden", "a.part", "a.partial", "a.tmp", "a.crdownload", "a~", "good", "part", "a.part.gz"):
        (folder / name).write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "inside").write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(folder / "good")
    (folder / "link to folder").symlink_to(folder)
    (folder / "dangling").symlink_to(folder / "nowhere")

    looks.look()

    assert names(looks.look()) == ["a.part.gz", "good", "part"]


def test_folders_within_are_looked_at(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep").write_text("x")
    (folder / "a" / "mid").write_text("x")
    looks = FolderLooks(folder)

    looks.look()

    assert [os.path.relpath(file.path, folder) for file in looks.look()] == ["a/b/deep", "a/mid"]


def test_folder_that_has_gone_is_a_problem_and_is_found_again(folder):
    looks = FolderLooks(folder)
    folder.rmdir()

    assert looks.look() == []
    assert looks.problems == {str(folder): "No such file or directory"}
    folder.mkdir()
    (folder / "a").write_text("x")
    looks.look()
    assert names(looks.look()) == ["a"]
    assert looks.problems == {}


def test_look_ends_when_somebody_wants_to_stop(folder):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    looks.look()

    assert looks.look(lambda: True) == []


def test_mark_tells_queue_place_and_version_apart(folder):
    looks = FolderLooks(folder)
    for name in ("a", "b"):
        (folder / name).write_text("x")
        os.utime(folder / name, ns=(1, 1))
    looks.look()
    a, b = looks.look()

    assert len({a.mark("q"), b.mark("q"), a.mark("r")}) == 3
    assert a.mark("q" * 255) == a.mark("q" * 255)
    assert len(a.mark("q" * 255)) <= 255


def test_any_name_becomes_an_address(folder):
    looks = FolderLooks(folder)
    with open(os.fsencode(folder) + b"/\xff #%.txt", "wb") as file:
        file.write(b"123")
    looks.look()
    [found] = looks.look()

    payload = found.payload()

    assert payload["uri"] == f"file://{str(folder).replace(' ', '%20')}/%FF%20%23%25.txt"
    assert (payload["path"], payload["size"]) == (None, 3)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")

    for place in (tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(InvalidInput, match="cannot watch folder"):
            FolderTarget(place).check()


class MovedClock(SystemClock):
    ms = 0

    def awake_ms(self):
        return self.ms


def put_all(looks):
    """Two looks, as a watch that puts what they find."""
    looks.look()
    found = looks.look()
    looks.note_put(found)
    return names(found)


@pytest.fixture
def clock():
    return MovedClock()


def test_file_is_complete_when_it_has_not_changed_for_the_settle_time(folder, clock):
    looks = FolderLooks(FolderTarget(folder, settle_s=2.0), clock=clock)
    (folder / "a").write_text("first")

    seen = []
    for ms, text in ((0, None), (1000, None), (1999, "and second"), (3000, None), (3900, None), (4000, None)):
        clock.ms = ms
        if text:
            (folder / "a").write_text(text)
        seen.append(names(looks.look()))

    assert seen == [[], [], [], [], [], ["a"]]


@pytest.mark.parametrize("pause_ms", [900, 1500, 1999])
def test_recording_with_pauses_is_put_once_at_its_end(folder, clock, pause_ms):
    looks = FolderLooks(FolderTarget(folder, settle_s=2.0), clock=clock)
    puts = []
    for _ in range(5):
        with open(folder / "a.wav", "ab") as file:
            file.write(b"sound")
        puts += looks.look()
        clock.ms += pause_ms

    clock.ms += 2000
    puts += looks.look()

    assert [file.size for file in puts] == [25]


def test_file_that_was_moved_out_and_back_is_new(folder, tmp_path):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    assert put_all(looks) == ["a"]

    (folder / "a").rename(tmp_path / "a")
    looks.look()
    (tmp_path / "a").rename(folder / "a")

    assert put_all(looks) == ["a"]


def test_file_that_another_took_the_place_of_is_new_with_the_same_times_too(folder, tmp_path):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    assert put_all(looks) == ["a"]

    shutil.copy2(folder / "a", tmp_path / "a")
    os.replace(tmp_path / "a", folder / "a")

    assert put_all(looks) == ["a"]


def test_marks_that_are_not_needed_any_more_are_told(folder):
    looks = FolderLooks(folder)
    for name in "abc":
        (folder / name).write_text("x")
    put_all(looks)
    (folder / "a").unlink()
    (folder / "b").write_text("longer")

    assert put_all(looks) == ["b"]

    obsolete = looks.take_obsolete()
    assert [(os.path.basename(path), version[0]) for path, version in obsolete] == [("a", 1), ("b", 1)]
    assert looks.take_obsolete() == []


def known_of(*files):
    return {file.path: {file.version} for file in files}


def test_known_files_are_put_again_only_when_they_are_others(folder):
    looks = FolderLooks(folder)
    for name in "abc":
        (folder / name).write_text("x")
    looks.look()
    known = known_of(*looks.look())
    (folder / "b").write_text("longer")
    (folder / "c").unlink()

    again = FolderLooks(folder, known=known, inode=looks.inode)

    assert put_all(again) == ["b"]
    assert [(os.path.basename(path), version[0]) for path, version in again.take_obsolete()] == [("c", 1), ("b", 1)]


def test_marks_of_files_that_are_passed_over_here_are_left_alone(folder):
    looks = FolderLooks(folder)
    (folder / "a.png").write_text("x")
    looks.look()
    known = known_of(*looks.look())

    other = FolderLooks(FolderTarget(folder, settle_s=0, match=("*.jpg",)), known=known)
    put_all(other)

    assert other.take_obsolete() == []


def test_folder_whose_disk_is_not_mounted_keeps_its_marks(folder, tmp_path):
    looks = FolderLooks(folder)
    (folder / "a").write_text("x")
    put_all(looks)
    folder.rename(tmp_path / "away")
    folder.mkdir()

    assert put_all(looks) == []
    [problem] = looks.problems.values()
    assert "is a disk not mounted?" in problem
    assert looks.take_obsolete() == []

    folder.rmdir()
    (tmp_path / "away").rename(folder)
    assert put_all(looks) == []
    (folder / "a").unlink()
    looks.look()
    assert len(looks.take_obsolete()) == 1


def test_folder_inside_that_cannot_be_read_keeps_its_files(folder, tmp_path, monkeypatch):
    looks = FolderLooks(folder)
    (folder / "in").mkdir()
    (folder / "in" / "a").write_text("x")
    put_all(looks)
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "in":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    looks.look()
    monkeypatch.undo()

    assert (put_all(looks), looks.take_obsolete()) == ([], [])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"match": ("*.jpg",)}, ["a.jpg", "c.jpg"]),
        ({"match": ("*.jpg", "b.*")}, ["a.jpg", "b.png", "c.jpg"]),
        ({"ignore": ("*.png", "deep")}, ["a.jpg"]),
        ({"match": ("deep/*",)}, ["c.jpg"]),
        ({"match": ("*.JPG",)}, []),
        ({"is_flat": True}, ["a.jpg", "b.png"]),
        ({"match": ("[ab].*",), "ignore": ("a*",)}, ["b.png"]),
    ],
)
def test_patterns_choose_files(folder, options, expected):
    (folder / "deep").mkdir()
    for name in ("a.jpg", "b.png", "deep/c.jpg"):
        (folder / name).write_text("x")

    assert sorted(put_all(FolderLooks(FolderTarget(folder, settle_s=0, **options)))) == expected


def test_what_programs_leave_lying_about_is_passed_over(folder):
    for name in (
        "~$letter.docx", ".letter.txt.swp", ".letter.txt.swx", "Thumbs.db", "thumbs.DB", "desktop.ini",
        "#letter#", ".#letter", ".~lock.sheet.ods#", ".DS_Store", "letter.txt~", "film.mkv.filepart",
    ):  # fmt: skip
        (folder / name).write_text("x")
    for name in ("letter.docx", "#1 hit.mp3", "~home", "Thumbs.db.txt"):
        (folder / name).write_text("x")

    assert put_all(FolderLooks(folder)) == ["#1 hit.mp3", "Thumbs.db.txt", "letter.docx", "~home"]


def test_empty_pattern_is_refused(folder):
    with pytest.raises(InvalidInput, match="empty"):
        FolderTarget(folder, match=("",)).check()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("has_leases", [True, False])
def test_who_writes_a_file_is_seen(folder, has_leases):
    paths = [str(folder / name) for name in ("written", "appended", "read", "left")]
    for path in paths:
        open(path, "w").close()
    code = "import sys; files = [open(sys.argv[1], 'r+'), open(sys.argv[2], 'a'), open(sys.argv[3])]; print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"\n"

        seen = files_being_written([*paths, str(folder / "gone")], has_leases=has_leases)
        writer.communicate(b"\n")

    assert seen == set(paths[:2])
    assert files_being_written(paths, has_leases=has_leases) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_file_that_this_process_has_open_is_not_opened_once_more(folder, monkeypatch):
    with open(folder / "shop.db", "w") as mine, monkeypatch.context() as patched:
        patched.setattr(os, "open", lambda *args, **kwargs: pytest.fail("opened"))

        seen = files_being_written([mine.name])

    assert seen == {str(folder / "shop.db")}
