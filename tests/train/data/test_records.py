import io

import numpy as np
import pytest
from PIL import Image

from kcdp.emotions import MIKELS_8
from train.data.records import (
    FEATURES,
    Coded,
    concatenate,
    content_id,
    from_parquet,
    labels,
    make_record,
    to_dataset,
    with_shares,
)


def record(colour="red", **changes):
    facts = {"domain": "drawn", "style": "pen", "group": "g", "license": "CC0"} | changes
    return make_record(Image.new("RGBA", (8, 8), colour), ["a square", "a flat square"], **facts)


def test_a_picture_survives_the_record_unchanged():
    picture = Image.effect_noise((16, 16), 90).convert("RGBA")
    picture.putalpha(77)
    row = make_record(picture, ["noise"], domain="drawn", style="pen", group="g", license="CC0")
    back = to_dataset([row])[0]["image"]
    assert back.mode == "RGBA"
    assert np.array_equal(np.asarray(back), np.asarray(picture))


def test_the_id_names_the_encoded_bytes():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "blue").save(buffer, format="WEBP")
    row = make_record(buffer.getvalue(), ["blue"], domain="photos", style="s", group="g", license="CC0")
    assert row["id"] == content_id(buffer.getvalue())
    assert record("red")["id"] == record("red", group="other")["id"] != record("green")["id"]


def test_the_first_caption_is_the_caption():
    row = record()
    assert row["caption"] == "a square" and row["captions"] == ["a square", "a flat square"]


@pytest.mark.parametrize(
    ("changes", "message"), [({"domain": "paintings"}, "domains"), ({"split": "dev"}, "splits: train, val, test")]
)
def test_unknown_domains_and_splits_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        record(**changes)


def test_a_record_needs_a_caption():
    with pytest.raises(ValueError, match="no caption"):
        make_record(b"", [], domain="drawn", style="pen", group="g", license="CC0")


def test_labels_are_indices_and_null_is_minus_one():
    records = to_dataset([record(emotion="awe"), record(emotion=None), record(emotion="sadness")])
    assert labels(records, MIKELS_8.labels).tolist() == [1, -1, 7]
    with pytest.raises(ValueError, match="'awe'"):
        labels(records, ("sadness",))


def test_concatenate_keeps_the_order_and_skips_empty_parts():
    both = concatenate([to_dataset([record(style="a")]), to_dataset([]), to_dataset([record(style="b")])])
    assert both["style"][:] == ["a", "b"]
    assert both.features == FEATURES
    with pytest.raises(ValueError, match="no records"):
        concatenate([to_dataset([])])


def test_domains_with_a_share_of_0_are_left_out():
    records = to_dataset([record(domain=domain) for domain in ("emoji", "photos", "emoji", "drawn")])
    assert with_shares(records, {"emoji": 0.0, "photos": 0.5})["domain"][:] == ["photos", "drawn"]
    assert with_shares(records, {"photos": 2.0})["domain"][:] == ["emoji", "photos", "emoji", "drawn"]


def test_a_path_is_kept_unread_under_its_identity(tmp_path):
    facts = {"domain": "emoset", "style": "s", "group": "g", "license": "x", "scene": "Beach", "objects": ("Dog",)}
    row = make_record(tmp_path / "missing.jpg", ["x"], identity="0" * 16, **facts)
    assert (row["id"], row["image"]) == ("0" * 16, {"bytes": None, "path": str(tmp_path / "missing.jpg")})
    stored = to_dataset([row, record()]).select_columns(["scene", "objects"])[:]
    assert stored == {"scene": ["Beach", None], "objects": [["Dog"], []]}
    with pytest.raises(ValueError, match="needs an identity"):
        make_record(tmp_path / "missing.jpg", ["x"], **facts)


def test_older_files_lack_annotations_and_have_null(tmp_path):
    to_dataset([record()]).remove_columns(["scene", "objects"]).to_parquet(tmp_path / "old.parquet")
    old = from_parquet(tmp_path / "old.parquet")
    assert old.features == FEATURES
    assert (old[0]["scene"], old[0]["objects"], old[0]["caption"]) == (None, None, "a square")
    assert len(concatenate([old, to_dataset([record(scene="beach")])])) == 2


@pytest.mark.parametrize("rows", [None, [3, 0, 1], [2], [0, 0, 4, 1], []])
def test_coded_columns_equal_the_lists(rows):
    emotions = ["awe", None, "fear", "awe", None]
    # Two tables, one of them a selection: what training sees.
    whole = concatenate(
        [to_dataset(record(emotion=name) for name in [*emotions, "anger"]).select(range(5)), to_dataset([])]
    )
    records = whole if rows is None else whole.select(rows)
    coded, expected = Coded.of(records, "emotion"), records["emotion"][:]
    assert list(coded) == expected and len(coded) == len(expected)
    assert list(np.array(coded)) == expected
    assert coded.names == tuple(dict.fromkeys(name for name in expected if name))
    assert coded.within({"awe", "anger"}).tolist() == [name == "awe" for name in expected]
    assert list(coded[1:]) == expected[1:]


def test_a_label_that_no_record_has_any_more_is_no_fault():
    records = to_dataset([record(emotion="awe"), record(emotion="ennui")])
    assert labels(records.select([0]), MIKELS_8.labels).tolist() == [1]
