import itertools

import numpy as np
import pytest
from PIL import Image

from train.data.records import make_record, to_dataset
from train.data.sets import SETS
from train.data.splits import PROTOCOLS, parts, select

STYLES = {
    "drawn": ("pen",),
    "things": ("felt",),
    "emoji": ("noto", "twemoji", "emojitwo", "openmoji", "fluent_flat", "fluent_3d", "fluent_color"),
    "cartoons": ("avataaars", "micah", "lorelei", "toon-head", "big-smile"),
    "kinds": ("clay", "big-ears", "croodles", "icon-park", "streamline-emojis", "lorelei-neutral", "emojione-monotone"),
    "photos": ("oasis",),
    "folder": ("mine",),
    **{name: (name,) for name in SETS},
}


@pytest.fixture(scope="module")
def records():
    picture = Image.new("RGBA", (2, 2))
    rows = [
        make_record(picture, ["x"], domain=domain, style=style, group="g", split=split, license="CC0")
        for domain, styles in STYLES.items()
        for style, split in itertools.product(styles, ("train", "val", "test"))
    ]
    return to_dataset(rows)


def chosen(records, protocol, part):
    rows = records.select(select(records, protocol, part))
    return set(zip(rows["domain"][:], rows["style"][:], rows["split"][:], strict=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_row_is_in_two_parts_that_train_and_judge(records, protocol):
    train = set(select(records, protocol, "train").tolist())
    for part in parts(protocol):
        if part != "train":
            assert train.isdisjoint(select(records, protocol, part).tolist()), part


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_row_that_chooses_weights_is_in_a_test(records, protocol):
    """`val` picks checkpoints: it has validation rows alone, and none of a style that is tested as a new one."""
    validated = chosen(records, protocol, "val")
    assert {split for _, _, split in validated} == {"val"}
    for part in parts(protocol):
        if part not in ("train", "val"):
            assert validated.isdisjoint(chosen(records, protocol, part)), part


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_openmoji_is_never_trained(records, protocol):
    assert "openmoji" not in {style for _, style, _ in chosen(records, protocol, "train")}
    assert "openmoji" not in {style for _, style, _ in chosen(records, protocol, "val")}


def test_benchmark_keeps_to_the_splits_and_holds_styles_out_whole(records):
    train = chosen(records, "benchmark", "train")
    assert {split for _, _, split in train} == {"train"}
    held_out = {"toon-head", "big-smile", "big-ears", "croodles", "icon-park"}
    assert held_out.isdisjoint({style for _, style, _ in train})
    assert chosen(records, "benchmark", "test-new-kinds") == {
        ("kinds", style, split) for style in ("big-ears", "icon-park") for split in ("train", "val", "test")
    }
    assert chosen(records, "benchmark", "test-kinds") == {
        ("kinds", style, "test") for style in ("clay", "streamline-emojis", "lorelei-neutral", "emojione-monotone")
    }
    assert {domain for domain, _, _ in train} == set(STYLES)
    assert chosen(records, "benchmark", "test-emoji") == {("emoji", "openmoji", "test")}
    assert chosen(records, "benchmark", "test-new-cartoons") == {
        ("cartoons", style, split) for style in ("toon-head", "big-smile") for split in ("train", "val", "test")
    }
    assert chosen(records, "benchmark", "calibration") == {
        ("kinds", "croodles", split) for split in ("train", "val", "test")
    }
    assert chosen(records, "benchmark", "test-photos") == {("photos", "oasis", "test")}
    assert chosen(records, "benchmark", "test-ser30k") == {("ser30k", "ser30k", "test")}
    assert {style for _, style, _ in chosen(records, "benchmark", "test-cartoons")} == {"avataaars", "micah", "lorelei"}


def test_selection_judges_new_styles_without_a_test_row(records):
    judged = chosen(records, "selection", "val-new-style")
    assert {style for _, style, _ in judged} == {"emojitwo", "micah", "lorelei", "streamline-emojis"}
    assert {split for _, _, split in judged} == {"train", "val"}
    trained = {style for _, style, _ in chosen(records, "selection", "train")}
    assert trained.isdisjoint(
        {"emojitwo", "micah", "lorelei", "toon-head", "big-smile", "croodles", "big-ears", "lorelei-neutral"}
    )


def test_shipped_trains_on_test_rows_and_keeps_the_validation_rows(records):
    assert {split for _, _, split in chosen(records, "shipped", "train")} == {"train", "test"}
    assert {split for _, _, split in chosen(records, "shipped", "val")} == {"val"}


def test_a_family_of_drawings_is_never_divided(records):
    for protocol in PROTOCOLS:
        for part in parts(protocol):
            styles = {style for _, style, _ in chosen(records, protocol, part)}
            assert len(styles & {"fluent_flat", "fluent_3d", "fluent_color"}) in (0, 3), (protocol, part)


def test_rows_ascend_and_a_part_may_be_empty(records):
    rows = select(records, "benchmark", "train")
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    photos = records.filter(lambda domain: domain == "photos", input_columns="domain")
    assert len(select(photos, "benchmark", "test-emoji")) == 0


def test_unknown_names_are_refused(records):
    with pytest.raises(ValueError, match="choose one of benchmark, selection, shipped"):
        parts("paper")
    with pytest.raises(ValueError, match="'shipped' has no part 'test-photos'"):
        select(records, "shipped", "test-photos")
