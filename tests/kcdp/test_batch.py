from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from kcdp.batch import (
    PictureFile,
    PictureResult,
    ResultFile,
    find_pictures,
    merge_parts,
    understand_pictures,
)
from kcdp.decoded import DecodedPicture
from kcdp.imaging import ImageError
from tests.fake_bundle import fake_bundle, fake_output, fake_verdict


def result(name: str) -> PictureResult:
    return PictureResult(name, fake_verdict(fake_output()))


def names_in(path: Path) -> list[str]:
    return [json.loads(line)["path"] for line in path.read_text("utf-8", "surrogatepass").splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, one of them broken, in two folders, and files that are none."""
    (tmp_path / "pictures/below").mkdir(parents=True)
    for name in ("a.png", "b.GIF", "below/c.webp", "below/d.jpg"):
        Image.new("RGB", (16, 16), "gold").save(tmp_path / "pictures" / name)
    (tmp_path / "pictures/broken.png").write_text("this is no picture")
    (tmp_path / "pictures/notes.txt").write_text("nor is this")
    return tmp_path / "pictures"


def test_folders_are_searched_by_endings_and_named_files_are_taken(folder: Path) -> None:
    found = {Path(item.name).name for item in find_pictures([folder])}
    assert found == {"a.png", "b.GIF", "c.webp", "d.jpg", "broken.png"}
    assert [item.source for item in find_pictures([folder / "notes.txt"])] == [folder / "notes.txt"]
    with pytest.raises(ImageError, match="no file or folder"):
        list(find_pictures([folder / "nowhere"]))


def test_stickers_of_packs_are_pictures_and_a_broken_pack_is_an_error(folder: Path) -> None:
    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        for name in ("a.png", "below/c.webp"):
            pack.write(folder / name, name)
    (folder / "broken.zip").write_bytes(b"PK")
    found = {item.name: item for item in find_pictures([folder / "pack.zip", folder / "broken.zip"])}
    assert list(found) == [f"{folder}/pack.zip/a.png", f"{folder}/pack.zip/below/c.webp", f"{folder}/broken.zip"]
    assert len(list(find_pictures([folder]))) == 8
    results = understand_pictures(lambda some: fake_bundle().result().read(some, False), found.values())
    assert [one.error is None for batch in results for one in batch] == [True, True, False]


def test_a_pack_that_is_damaged_behind_some_stickers_says_so_and_others_go_on(folder: Path) -> None:
    with zipfile.ZipFile(folder / "half.zip", "w") as pack:
        for name in ("a.png", "below/c.webp"):
            pack.write(folder / name, name)
    content = bytearray((folder / "half.zip").read_bytes())
    content[content.rindex(b"RIFF", 0, content.index(b"PK\1\2"))] ^= 1
    (folder / "half.zip").write_bytes(content)
    found = list(find_pictures([folder / "half.zip", folder / "a.png"]))
    batches = understand_pictures(lambda some: fake_bundle().result().read(some, False), found)
    rows = {one.name: one.error for batch in batches for one in batch}
    assert list(rows) == [f"{folder}/half.zip/a.png", f"{folder}/half.zip", f"{folder}/a.png"]
    first, damaged, after = rows.values()
    assert first is after is None
    assert damaged == "“half.zip” is damaged or cut short; save or download it again."


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "below/again").symlink_to(folder)
    assert len(list(find_pictures([folder]))) == 5


def test_every_picture_belongs_to_one_process_whatever_the_order() -> None:
    items = [PictureFile(f"sticker {number}.png", b"") for number in range(200)]
    shares = [{item.name for item in items if item.belongs_to(rank, 3)} for rank in range(3)]
    assert sum(map(len, shares)) == 200 and set.union(*shares) == {item.name for item in items}
    assert min(map(len, shares)) > 40


def test_results_come_in_order_with_the_errors_of_those_that_cannot_be_read(folder: Path) -> None:
    items = list(find_pictures([folder]))
    sizes: list[int] = []

    def read(pictures: Sequence[DecodedPicture]) -> list:
        sizes.append(len(pictures))
        return fake_bundle().result().read(pictures, False)

    batches = list(understand_pictures(read, items, batch_size=2))
    assert [len(batch) for batch in batches] == [2, 2, 1] and sum(sizes) == 4
    results = [one for batch in batches for one in batch]
    assert [one.name for one in results] == [item.name for item in items]
    (broken,) = [one for one in results if one.error is not None]
    assert broken.to_dict() == {"path": broken.name, "error": broken.error} and broken.error.endswith(".")
    whole = next(one for one in results if one.error is None).to_dict()
    assert whole["emotion"] == "contentment" and whole["uniemo"]["scene"]["name"] == "beach"


def test_no_more_than_two_batches_are_decoded_ahead(folder: Path) -> None:
    taken = 0

    def many() -> object:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield PictureFile(str(number), folder / "a.png")

    results = understand_pictures(lambda pictures: fake_bundle().result().read(pictures, False), many(), 4)
    next(results)
    assert taken == 8


def test_a_file_that_was_cut_short_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultFile(path) as file:
        file.write([result("one"), result("ünd"), PictureResult("bad", error="It is damaged.")])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    with ResultFile(path) as file:
        assert "one" in file and "ünd" in file and "bad" in file and "two" not in file and len(file) == 3
        file.write([result("two")])
    assert names_in(path) == ["one", "ünd", "bad", "two"]
    path.write_bytes(b'{"path": "never fini')
    with ResultFile(path) as file:
        assert len(file) == 0
        file.write([result(os.fsdecode(b"\xff.png"))])
    with ResultFile(path) as file:
        assert os.fsdecode(b"\xff.png") in file


def test_processes_write_parts_that_are_brought_together_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "results [1].jsonl"
    with ResultFile(path) as file:
        file.write([result("before")])
    for rank in range(3):
        with ResultFile(path, rank, 3) as file:
            assert "before" in file
            file.write([result(f"{rank}"), result("twice")])
    # Killed, one in the middle of a line: the next run, of another number of processes, knows what is there.
    part = tmp_path / f"{path.name}.part-2"
    part.write_bytes(part.read_bytes()[:-9])
    with ResultFile(path, 0, 2) as file:
        assert all(name in file for name in ("before", "0", "1", "2", "twice"))
    merge_parts(path)
    assert names_in(path) == ["before", "0", "twice", "1", "2"] and list(tmp_path.iterdir()) == [path]


def test_a_merge_that_is_killed_at_any_moment_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    for rank in range(2):
        with ResultFile(path, rank, 2) as file:
            file.write([result(f"{rank}")])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for target, name in ((os, "replace"), (Path, "unlink")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(target, name, killed)
            merge_parts(path)
        with ResultFile(path, 5, 6) as file:
            assert "0" in file and "1" in file
    with ResultFile(path) as file:
        assert len(file) == 2
    assert names_in(path) == ["0", "1"]
