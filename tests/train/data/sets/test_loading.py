"""Published sets as records: what is kept, under which label, and what is left out."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import pytest

from kcdp.emotions import EMOTION_ROI_6, KCDP_6, MIKELS_8, POLARITY, SER_7
from tests.train.data.sets.layouts import COUNTS, LAYOUTS, write
from train.data.records import FEATURES
from train.data.sets import SETS, Entry, SetError
from train.data.sets.checking import checked
from train.data.sets.labels import mapping, reaches
from train.data.sets.loading import caption, load_set


@pytest.fixture
def root(tmp_path: Path) -> Path:
    LAYOUTS["emoset"](tmp_path / "emoset")
    return tmp_path / "emoset"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_records_hold_paths_annotations_and_labels(root: Path, cache: Path) -> None:
    records = load_set("emoset", root, MIKELS_8, cache)
    assert records.features == FEATURES and len(records) == 12
    assert Counter(records["emotion"][:]) == COUNTS["emoset"]
    images = records.data.column("image").to_pylist()
    assert all(image["bytes"] is None and Path(image["path"]).is_file() for image in images)
    row = records[0]
    assert row["image"].size == (24, 24)
    assert (row["domain"], row["style"], row["split"]) == ("emoset", "emoset", "train")
    assert (row["scene"], row["objects"]) == ("amusement_park", ["Alarm clock", "tree"])
    assert row["caption"] == "a picture of an alarm clock and a tree, amusement park"
    assert (records[3]["caption"], records[3]["scene"], records[3]["objects"]) == ("a picture", None, [])
    assert len(set(records["id"][:])) == len(set(records["group"][:])) == 12


def test_an_identity_is_set_place_and_content(root: Path, cache: Path, tmp_path: Path) -> None:
    first = load_set("emoset", root, MIKELS_8, cache)["id"][:]
    moved = root.rename(tmp_path / "elsewhere")
    for path in moved.rglob("*.jpg"):
        os.utime(path)
    assert load_set("emoset", moved, MIKELS_8, cache)["id"][:] == first
    with (moved / "image/sadness/sadness_00001.jpg").open("ab") as file:
        file.write(b"more")
    assert [
        old == new for old, new in zip(first, load_set("emoset", moved, MIKELS_8, cache)["id"][:], strict=True)
    ] == ([True, False] + [True] * 10)


def _later(path: Path, content: bytes) -> None:
    """Write a file whose time is another one than before, however coarse the clock of the disk."""
    time = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    os.utime(path, ns=(time, time))


def test_a_picture_mended_in_place_is_seen_again(root: Path, cache: Path) -> None:
    broken = root / "image/amusement/amusement_00002.jpg"
    whole = broken.read_bytes()
    _later(broken, whole[:-200])
    assert len(load_set("emoset", root, MIKELS_8, cache)) == 11
    _later(broken, whole)
    assert len(load_set("emoset", root, MIKELS_8, cache)) == 12


def test_a_picture_that_breaks_later_is_left_out(root: Path, cache: Path) -> None:
    assert len(load_set("emoset", root, MIKELS_8, cache)) == 12
    _later(root / "image/amusement/amusement_00002.jpg", b"\xff\xd8\xff cut")
    assert len(load_set("emoset", root, MIKELS_8, cache)) == 11


def test_a_picture_changed_at_the_same_size_has_another_identity(root: Path, cache: Path) -> None:
    first = load_set("emoset", root, MIKELS_8, cache)["id"][:]
    path = root / "image/amusement/amusement_00002.jpg"
    content = bytearray(path.read_bytes())
    # JFIF's density, which no pixel depends on.
    content[14] ^= 1
    _later(path, bytes(content))
    second = load_set("emoset", root, MIKELS_8, cache)["id"][:]
    assert len(second) == 12 and sum(old != new for old, new in zip(first, second, strict=True)) == 1


def test_a_picture_replaced_by_a_link_to_nowhere_is_left_out(root: Path, cache: Path) -> None:
    path = root / "image/amusement/amusement_00002.jpg"
    path.unlink()
    path.symlink_to(root / "gone.jpg")
    assert len(load_set("emoset", root, MIKELS_8, cache)) == 11


def test_a_set_is_read_once_and_again_when_it_changes(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_set("emoset", root, MIKELS_8, cache)
    with monkeypatch.context() as patch:
        patch.setattr("train.data.sets.loading.checked", lambda entries: pytest.fail("read again"))
        assert len(load_set("emoset", root, MIKELS_8, cache)) == 12
    write(root / "annotation/amusement/amusement_00000.json", {"scene": "Beach"})
    assert load_set("emoset", root, MIKELS_8, cache)[0]["scene"] == "Beach"
    assert not list(cache.glob("*.part"))


def test_what_cannot_be_used_is_left_out_and_counted(root: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "image/amusement/amusement_00000.jpg").unlink()
    (root / "image/sadness/sadness_00001.jpg").write_bytes(b"")
    broken = root / "image/amusement/amusement_00002.jpg"
    broken.write_bytes(broken.read_bytes()[:-200])
    rows = (root / "test.json").read_text().replace('"sadness"', '"boredom"')
    (root / "test.json").write_text(rows)
    with caplog.at_level(logging.WARNING):
        records = load_set("emoset", root, MIKELS_8, cache)
    assert len(records) == 7
    assert "EmoSet: 3 pictures cannot be read and are left out" in caplog.text
    assert "2 pictures have the unknown label 'boredom'" in caplog.text


def test_faults_of_pictures(root: Path) -> None:
    names = [root / f"image/amusement/amusement_{number:05d}.jpg" for number in (0, 2, 10, 12)]
    names[1].write_bytes(b"")
    names[2].write_bytes(names[2].read_bytes()[:-200])
    names[3].write_text("no picture")
    paths = [*names, root / "gone.jpg"]
    found = [fault for _, fault, _ in checked(Entry(path, None, "train", path.name) for path in paths)]
    assert found[0] is None and found[1] == "is empty" and found[4] == "is missing"
    assert str(found[2]).startswith("is damaged or cut short") and str(found[3]).startswith("is a text file")
    entries = [Entry(path, None, "train", path.name) for path in names * 600]
    assert [(one.path, fault) for one, fault, _ in checked(entries)] == list(zip(names, found, strict=False)) * 600


def test_a_set_without_a_usable_picture_is_refused(root: Path, cache: Path) -> None:
    for path in root.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(SetError, match=r"No picture of EmoSet below .* can be used"):
        load_set("emoset", root, MIKELS_8, cache)
    assert not list(cache.glob("*.arrow"))


def test_a_missing_root_and_a_space_out_of_reach_are_refused(root: Path, cache: Path) -> None:
    with pytest.raises(SetError, match=r"There is no folder .*nowhere; give the root folder of EmoSet"):
        load_set("emoset", root / "nowhere", MIKELS_8, cache)
    with pytest.raises(SetError, match=r"SER30K is labelled in SER-7, .* set label_space to one of KCDP-6, SER-7"):
        load_set("ser30k", root, MIKELS_8, cache)


@pytest.mark.parametrize("name", ["emoset", "ser30k", "fi", "emotion_roi", "emo8", "abstract", "artphoto"])
def test_kcdp_6_holds_every_set_but_polarity(tmp_path: Path, name: str) -> None:
    LAYOUTS[name](tmp_path / name)
    records = load_set(name, tmp_path / name, KCDP_6, tmp_path / "cache")
    assert set(records["emotion"][:]) - {None} <= set(KCDP_6.labels)
    neutral = COUNTS[name].get("neutral", 0)
    assert len(records) == sum(COUNTS[name].values()) - neutral


def test_label_spaces_within_reach() -> None:
    pleasant = dict.fromkeys(("amusement", "awe", "contentment", "excitement"), "positive")
    unpleasant = dict.fromkeys(("anger", "disgust", "fear", "sadness"), "negative")
    assert mapping("x", MIKELS_8, POLARITY) == pleasant | unpleasant
    assert mapping("x", SER_7, KCDP_6)["neutral"] is None
    assert mapping("x", EMOTION_ROI_6, KCDP_6)["joy"] == "happy"
    assert not reaches(POLARITY, KCDP_6) and not reaches(KCDP_6, MIKELS_8) and not reaches(SER_7, POLARITY)
    for one in SETS.values():
        assert mapping(one.title, one.space, one.space) == {label: label for label in one.space.labels}


def test_captions_of_annotations() -> None:
    entry = Entry(Path("a.jpg"), None, "train", "a")
    assert caption(entry) == "a picture"
    assert caption(Entry(Path("a.jpg"), None, "train", "a", scene="Beach")) == "a picture, beach"
    several = Entry(Path("a.jpg"), None, "train", "a", objects=("Dog", "alarm_clock", "Tree", "Cup"))
    assert caption(several) == "a picture of a dog, an alarm clock and a tree"
