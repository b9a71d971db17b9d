"""Every published layout is read as it lies on disk, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.train.data.sets.layouts import COUNTS, LAYOUTS, write
from train.data.records import SPLITS
from train.data.sets import SETS, Entry, SetError, entry, named


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A root folder of every set."""
    folder = tmp_path_factory.mktemp("sets")
    for name, make in LAYOUTS.items():
        make(folder / name)
    return {name: folder / name for name in LAYOUTS}


@pytest.fixture
def copy(roots: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a set's root that a test may spoil."""
    return lambda name: Path(shutil.copytree(roots[name], tmp_path / name))


def read(name: str, root: Path) -> list[Entry]:
    return list(SETS[name].reader(root))


def test_every_set_has_a_layout() -> None:
    assert set(LAYOUTS) == set(SETS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_labels_and_files(roots: dict[str, Path], name: str) -> None:
    entries = read(name, roots[name])
    assert Counter(one.label for one in entries) == COUNTS[name]
    assert {one.label for one in entries} - {None} <= set(SETS[name].space.labels)
    assert all(one.path.is_file() and one.split in SPLITS and one.lost is None for one in entries)
    assert len({one.path for one in entries}) == len(entries)
    assert read(name, roots[name]) == entries


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("emoset", {"train": 4, "val": 4, "test": 4}),
        ("ser30k", {"train": 8, "val": 8, "test": 8}),
        ("emo8", {"train": 8, "val": 8, "test": 8}),
    ],
)
def test_published_splits_are_kept(roots: dict[str, Path], name: str, counts: dict[str, int]) -> None:
    assert Counter(one.split for one in read(name, roots[name])) == counts


def test_emoset_has_scenes_and_objects_from_both_kinds_of_rows(roots: dict[str, Path]) -> None:
    entries = read("emoset", roots["emoset"])
    assert [one.scene for one in entries] == ["amusement_park", "amusement_park", None, None] * 3
    assert [one.objects for one in entries] == [("Alarm clock", "tree")] * 2 + [()] * 2 + (
        [("Alarm clock", "tree")] * 2 + [()] * 2
    ) * 2


def test_emoset_takes_one_object_without_a_list(copy: Callable[[str], Path]) -> None:
    root = copy("emoset")
    write(root / "annotation/amusement/amusement_00000.json", {"object": "Tree", "scene": None})
    assert (read("emoset", root)[0].objects, read("emoset", root)[0].scene) == (("Tree",), None)


@pytest.mark.parametrize("text", [None, "{", "[1]"])
def test_a_lost_annotation_is_named_and_not_fatal(copy: Callable[[str], Path], text: str | None) -> None:
    root = copy("emoset")
    path = root / "annotation/amusement/amusement_00000.json"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    first, *others = read("emoset", root)
    assert first.lost == path and first.scene is None and first.label == "amusement"
    assert len(others) == 11 and all(one.lost is None for one in others)


def test_ser30k_has_the_text_of_stickers(roots: dict[str, Path]) -> None:
    first, second, *_ = read("ser30k", roots["ser30k"])
    assert first.captions == ('a sticker that says "hello"',) and second.captions == ()
    assert (first.label, second.label) == ("surprise", "happy")


@pytest.mark.parametrize("name", ["fi", "emotion_roi"])
def test_validation_is_about_a_tenth_of_training_and_no_test_picture(roots: dict[str, Path], name: str) -> None:
    splits = {one.path.name: one.split for one in read(name, roots[name])}
    assert all((split == "test") == ("test" in name) for name, split in splits.items())


def test_fixed_shares_of_groups() -> None:
    names = [f"picture {number}" for number in range(5000)]
    trained, whole = Counter(map(entry.with_validation, names)), Counter(map(entry.with_test, names))
    assert trained["val"] / 5000 == pytest.approx(0.1, abs=0.02) and trained["test"] == 0
    assert whole["test"] / 5000 == pytest.approx(0.2, abs=0.02)
    assert whole["val"] / 5000 == pytest.approx(0.08, abs=0.02)
    assert entry.with_validation("picture 0") == "train" and entry.with_test("picture 1") == entry.with_test(
        "picture 1"
    )


def test_fi_keeps_its_own_validation_and_a_folder_of_images(copy: Callable[[str], Path]) -> None:
    root = copy("fi")
    rows = json.loads((root / "train.json").read_text())
    write(root / "train.json", rows[:15])
    write(root / "val.json", rows[15:])
    (root / "images").mkdir()
    for folder in ("Amusement", "Disgust"):
        (root / folder).rename(root / "images" / folder)
    entries = read("fi", root)
    assert Counter(one.split for one in entries) == {"train": 15, "val": 5, "test": 4}
    assert all(one.path.is_file() for one in entries)


def test_emo8_without_a_validation_folder(copy: Callable[[str], Path]) -> None:
    root = copy("emo8")
    shutil.rmtree(root / "val")
    assert {one.split for one in read("emo8", root)} <= set(SPLITS)
    assert sum(one.split == "test" for one in read("emo8", root)) == 8


#: Set, file to spoil (below the root), what to put there (None: nothing), and what is said of it.
FAULTS = [
    ("emoset", "val.json", None, "There is no index file .*val.json"),
    ("emoset", "train.json", "{}", "train.json is no JSON list"),
    ("emoset", "train.json", b"[\xff]", "train.json cannot be read"),
    ("emoset", "train.json", '[["awe", "a.jpg", "a.json"], ["awe", "b', "train.json is not JSON after row 1"),
    ("emoset", "train.json", '[["awe", "a.jpg", "a.json"] ["awe"]]', "train.json is not JSON after row 0"),
    ("emoset", "train.json", '[["awe", "a.jpg"]]', r"Row 1 of .*train.json is not \(emotion, picture, annotation\)"),
    ("emoset", "train.json", '[["awe", "../a.jpg", null]]', r"Row 1 of .*train.json names '../a.jpg', which is no file"),
    ("emoset", "train.json", '[["awe", 7, null]]', "Row 1 of .*train.json names 7"),
    ("emoset", "train.json", '["awe"]', "Row 1 of .*train.json is no list but 'awe'"),
    ("ser30k", "Annotations/image-level/test.json", None, "There is no index file .*test.json"),
    ("ser30k", "Annotations/image-level/test.json", '{"annotations":\n [}', "test.json is not JSON from line 2 on"),
    ("ser30k", "Annotations/image-level/test.json", "{}", "test.json has no list 'annotations'"),
    (
        "ser30k",
        "Annotations/image-level/test.json",
        '{"annotations": [{"topic": "a", "file_name": "b"}]}',
        "Row 1 of .*test.json has no 'anno'",
    ),
    ("fi", "test.json", None, "There is no index file .*test.json"),
    ("fi", "test.json", '[["Amusement/x.jpg"]]', r"Row 1 of .*test.json is not \[picture, label number\]"),
    ("emotion_roi", "training_testing_split/testing.txt", None, "There is no index file .*testing.txt"),
    ("emotion_roi", "training_testing_split/testing.txt", "x.jpg\n", "Row 1 of .*testing.txt names no class"),
    ("emotion_roi", "training_testing_split/testing.txt", b"\xff\xfe\xff", "testing.txt cannot be read"),
    ("abstract", "ABSTRACT_groundTruth.csv", None, "There is no index file .*groundTruth.csv"),
    ("abstract", "ABSTRACT_groundTruth.csv", "'Image','Awe'\n", "groundTruth.csv has no column for amusement"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "content", "message"), FAULTS)
def test_a_spoilt_index_is_one_sentence(
    copy: Callable[[str], Path], name: str, file: str, content: str | bytes | None, message: str
) -> None:
    root = copy(name)
    if content is None:
        (root / file).unlink()
    else:
        (root / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SetError, match=message) as raised:
        read(name, root)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


def test_votes_that_are_no_numbers(copy: Callable[[str], Path]) -> None:
    index = copy("abstract") / "ABSTRACT_groundTruth.csv"
    index.write_text(index.read_text().replace(",9,", ",many,"))
    with pytest.raises(SetError, match=r"Row 2 of .* has no votes"):
        read("abstract", index.parent)


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("emo8", "test", "There are no folders .*test/<emotion>"),
        ("artphoto", ".", "There are no pictures such as sad_0042.jpg"),
        ("twitter1", "positive", "There is no folder .*positive"),
    ],
)
def test_a_missing_folder_is_one_sentence(copy: Callable[[str], Path], name: str, folder: str, message: str) -> None:
    root = copy(name)
    shutil.rmtree(root / folder)
    root.mkdir(exist_ok=True)
    with pytest.raises(SetError, match=message):
        read(name, root)


def test_lists_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["awe", f"image/{'x' * (number % 40)}é.jpg", number, None] for number in range(60)]
    for block, indent in ((7, None), (64, 1), (1 << 20, 3)):
        monkeypatch.setattr(entry, "_BLOCK", block)
        long = [row[:1] for row in rows] if block == 7 else rows
        write(tmp_path / "rows.json", json.dumps(long, indent=indent) + "\n")
        assert list(entry.read_rows(tmp_path / "rows.json")) == list(enumerate(long, start=1))
    write(tmp_path / "rows.json", " [ ] ")
    assert list(entry.read_rows(tmp_path / "rows.json")) == []


@pytest.mark.parametrize(
    ("spelling", "label"),
    [("Content", "contentment"), ("sad", "sadness"), (" 'Awe' ", "awe"), ("FEAR", "fear"), ("joy", "joy"), ("a", "a")],
)
def test_spellings_of_mikels_labels(spelling: str, label: str) -> None:
    assert entry.mikels(spelling) == label


def test_unknown_sets_are_refused() -> None:
    with pytest.raises(SetError, match="'artemis' is no data set that can be read; known: emoset, ser30k, fi"):
        named("artemis")


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("name", ["emoset", "ser30k", "fi", "emotion_roi", "abstract"])
def test_byte_order_marks_change_nothing(roots: dict[str, Path], copy: Callable[[str], Path], name: str) -> None:
    root = copy(name)
    for path in root.rglob("*"):
        if path.suffix in {".json", ".txt", ".csv"}:
            path.write_bytes(MARK + path.read_bytes())
    right = [vars(one) | {"path": one.path.relative_to(roots[name])} for one in read(name, roots[name])]
    assert [vars(one) | {"path": one.path.relative_to(root)} for one in read(name, root)] == right


def test_a_name_may_hold_what_some_programs_take_for_the_end_of_a_line(copy: Callable[[str], Path]) -> None:
    root = copy("emotion_roi")
    index = root / "training_testing_split/training.txt"
    first = index.read_text().splitlines()[0]
    strange = first.replace(".", "\u2028.")
    (root / "images" / first).rename(root / "images" / strange)
    index.write_text(index.read_text().replace(first, strange), encoding="utf-8")
    assert all(one.path.is_file() for one in read("emotion_roi", root))


def _split_apart(root: Path, pictures: Path) -> None:
    """Move FI's pictures to `pictures`, into folders of their splits, as its lists say."""
    for split in ("train", "test"):
        for name, _ in json.loads((root / f"{split}.json").read_text()):
            (pictures / split / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).rename(pictures / split / name)


@pytest.mark.parametrize("below", [".", "images"])
def test_fi_in_folders_of_its_splits(roots: dict[str, Path], copy: Callable[[str], Path], below: str) -> None:
    root = copy("fi")
    _split_apart(root, root / below)
    found = read("fi", root)
    assert all(one.path.is_file() for one in found)
    assert [one.label for one in found] == [one.label for one in read("fi", roots["fi"])]


def test_fi_in_folders_of_its_splits_with_the_split_in_its_lists(copy: Callable[[str], Path]) -> None:
    root = copy("fi")
    _split_apart(root, root)
    for split in ("train", "test"):
        index = root / f"{split}.json"
        write(index, [[f"{split}/{name}", label] for name, label in json.loads(index.read_text())])
    assert all(one.path.is_file() for one in read("fi", root))


def test_fi_in_folders_without_lists(copy: Callable[[str], Path]) -> None:
    root = copy("fi")
    _split_apart(root, root)
    for split in ("train", "test"):
        (root / f"{split}.json").unlink()
    found = read("fi", root)
    assert Counter(one.label for one in found) == COUNTS["fi"] and all(one.path.is_file() for one in found)
    assert {one.split for one in found} >= {"train", "test"}
