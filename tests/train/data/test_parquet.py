import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from train.data.neutral import feelings_in
from train.data.parquet import load_domains, load_parquet
from train.data.records import FEATURES


def picture(colour):
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), colour).save(buffer, format="WEBP", lossless=True)
    return {"bytes": buffer.getvalue(), "path": f"{colour}.webp"}


EMOJI = {
    "image": picture("yellow"),
    "source": "emoji",
    "vendor": "noto",
    "codepoint": "1f62d",
    "name": "loudly crying face",
    "keywords": ["bawling", "cry", "face", "sob", "tear", "weep"],
    "group": "Smileys & Emotion",
    "subgroup": "face-concerned",
    "emotion": "sadness",
    "split": "train",
    "license": "Apache-2.0",
}
CARTOON = {
    "image": picture("pink"),
    "source": "cartoon",
    "style": "micah",
    "name": "a cartoon person with a mohawk who is laughing",
    "expression": "eyebrows=up;mouth=laughing",
    "emotion": "amusement",
    "split": "val",
    "license": "CC BY 4.0",
}
KIND = {
    "image": picture("blue"),
    "source": "kind",
    "style": "emojione-monotone",
    "name": "angry face",
    "caption": "a dark green icon of a face with slanted brows and a frown",
    "expression": "emoji=1f620",
    "emotion": "anger",
    "split": "train",
    "license": "CC BY 4.0",
}
PHOTO = {
    "image": picture("green"),
    "source": "oasis",
    "theme": "Lake",
    "caption": "a photo of a lake",
    "emotion": None,
    "neutral": False,
    "valence": 5.5,
    "arousal": 3.0,
    "split": "test",
    "license": "CC0",
}


@pytest.fixture
def root(tmp_path):
    for name, row in (("emoji", EMOJI), ("cartoons", CARTOON), ("kinds", KIND), ("photos", PHOTO)):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{name}.parquet")
    return tmp_path


def test_all_share_the_schema(root):
    domains = load_domains(root)
    assert list(domains) == ["emoji", "cartoons", "kinds", "photos"]
    for domain, records in domains.items():
        assert records.features == FEATURES
        assert records["domain"][:] == [domain]


def test_what_each_row_becomes(root):
    domains = load_domains(root)
    emoji, cartoon, kind, photo = (domains[name][0] for name in ("emoji", "cartoons", "kinds", "photos"))
    assert emoji["caption"] == "a face with streams of tears and an open mouth" == emoji["captions"][0]
    # Up to three keywords, and none that is in the caption already.
    assert (
        emoji["captions"][1].startswith(emoji["caption"] + ", ") and "face" not in emoji["captions"][1].split(", ")[1]
    )
    assert (emoji["noun"], emoji["emotion"], emoji["style"], emoji["group"]) == (
        "face",
        "sadness",
        "noto",
        "emoji 1f62d",
    )
    assert (cartoon["noun"], cartoon["style"], cartoon["split"]) == ("person", "micah", "val")
    assert cartoon["captions"] == [
        "a person with a mohawk, raised brows and an open laughing mouth",
        "a person with a mohawk",
    ]
    assert kind["captions"] == ["a face with slanted brows and a frown", KIND["caption"]]
    assert (kind["domain"], kind["noun"], kind["group"]) == ("kinds", "face", "emoji 1f620")
    assert photo["captions"] == ["a photo of a lake", "a lake"]
    assert (photo["noun"], photo["emotion"], photo["group"], photo["license"]) == ("lake", None, "oasis Lake", "CC0")
    assert photo["image"].size == (8, 8)


def test_no_caption_of_any_set_names_a_feeling(root):
    for records in load_domains(root).values():
        for captions in records["captions"]:
            assert not any(feelings_in(caption) for caption in captions)


def test_captions_are_the_same_every_time(root):
    assert load_domains(root)["emoji"]["captions"][:] == load_domains(root)["emoji"]["captions"][:]


def test_a_folder_with_one_file_gives_one_domain(root):
    (root / "emoji.parquet").unlink()
    (root / "photos.parquet").unlink()
    (root / "kinds.parquet").unlink()
    assert list(load_domains(root)) == ["cartoons"]


def test_errors_say_what_is_missing(root, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(
        FileNotFoundError, match=r"none of emoji\.parquet, cartoons\.parquet, kinds\.parquet, photos\.parquet"
    ):
        load_domains(empty)
    with pytest.raises(FileNotFoundError, match=r"emoji\.parquet; check data_root"):
        load_parquet(empty / "emoji.parquet", "emoji")
    with pytest.raises(ValueError, match="no column caption, theme"):
        load_parquet(root / "cartoons.parquet", "photos")


def test_a_tenth_of_each_caltech_category_is_held_out_and_no_other_photo(tmp_path):
    caltech = [PHOTO | {"source": "caltech101", "theme": theme, "split": "train"} for theme in ("ant", "bass") * 40]
    rows = [*caltech, *[PHOTO | {"split": "train"}] * 40]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "photos.parquet")
    records = load_parquet(tmp_path / "photos.parquet", "photos")
    for theme in ("ant", "bass"):
        rows = [row for row, group in enumerate(records["group"]) if group.startswith(f"caltech101 {theme}")]
        splits = [records["split"][row] for row in rows]
        assert splits.count("val") == splits.count("test") == 2 and splits.count("train") == 36
        # Pictures of a category are no copies of one another: each is a group, so that the test rows are not marked as seen.
        assert len({records["group"][row] for row in rows}) == 40
    assert {split for split, group in zip(records["split"], records["group"], strict=True) if "oasis" in group} == {
        "train"
    }
