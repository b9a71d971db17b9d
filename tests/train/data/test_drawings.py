"""Drawings as records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kcdp.emotions import MIKELS_8
from train.data.drawings import drawing_records, drawn_pictures, drawn_stickers
from train.data.records import FEATURES
from train.drawn import draw, draw_sticker, draw_things
from train.drawn.palette import FAMILIES as STYLES
from train.drawn.renderer import Drawing


def drawn(first: int, count: int) -> Iterator[Drawing]:
    return (draw(number, 16) for number in range(first, first + count))


def test_records_follow_the_schema_and_split_by_group() -> None:
    records = list(drawing_records(drawn(1000, 60), "drawn", "drawn", 1000))
    assert all(set(record) == set(FEATURES) for record in records)
    assert {record["domain"] for record in records} == {"drawn"}
    assert {record["license"] for record in records} == {"Apache-2.0"}
    assert {record["style"] for record in records} <= set(STYLES)
    assert records[0]["group"] == "drawn-1000" and len({record["group"] for record in records}) == 60
    later = drawing_records(drawn(1030, 30), "drawn", "drawn", 1030)
    again = {record["group"]: record["split"] for record in later}
    assert [record["split"] for record in records[30:]] == list(again.values())
    assert Counter(record["split"] for record in records)["train"] > 36


def test_drawings_of_a_recipe_are_numbered_from_its_seed_on(tmp_path: Path) -> None:
    assert drawn_pictures(2, tmp_path, 1000)["group"][:] == ["drawn-1000", "drawn-1001"]
    assert drawn_pictures(2, tmp_path, 1000)["image"][0].tobytes() == draw(1000).image.tobytes()


def test_things_are_a_domain_of_their_own() -> None:
    (record,) = drawing_records(draw_things(1, 16), "things", "drawn thing")
    assert (record["domain"], record["group"]) == ("things", "drawn-thing-0")


def test_stickers_show_every_emotion_in_every_split(tmp_path: Path) -> None:
    records = drawn_stickers(80, tmp_path, 16)
    assert set(records["domain"]) == {"drawn"} and set(records["style"]) == {"sticker"}
    assert records["group"][:2] == ["sticker-16", "sticker-17"]
    wanted = draw_sticker(17, "awe")
    assert records["emotion"][1] == "awe" and records["caption"][1] == wanted.plain
    assert records["image"][1].tobytes() == wanted.image.tobytes()
    found = Counter(zip(records["split"], records["emotion"], strict=True))
    assert found == {
        (split, emotion): count
        for split, count in (("train", 7), ("val", 1), ("test", 2))
        for emotion in MIKELS_8.labels
    }


def test_drawing_says_how_far_it_is(tmp_path, capsys):
    drawn_pictures(2, tmp_path)
    assert "2/2" in capsys.readouterr().err
    drawn_pictures(2, tmp_path)
    assert not capsys.readouterr().err, "what is there is not drawn again"
