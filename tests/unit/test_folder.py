"""Which files of a folder are complete; real files in a folder of the test."""

from __future__ import annotations

import os

import pytest

from pqdesk.errors import InvalidInput
from pqdesk.workers.folder import FolderLooks, FolderTarget


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
