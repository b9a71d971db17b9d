"""The report on published data sets before training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.train.data.sets.layouts import LAYOUTS
from train.validate import main, report, validate


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_sound_set_has_nothing_to_mend(tmp_path: Path, name: str) -> None:
    LAYOUTS[name](tmp_path)
    found = validate(name, tmp_path)
    assert not found["unreadable"] and not found["unknown"] and not found["lost"]
    assert found["pictures"] == sum(sum(row.values()) for row in found["counts"].values()) > 0


def test_everything_wrong_is_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emoset, stickers = tmp_path / "emoset", tmp_path / "ser30k"
    LAYOUTS["emoset"](emoset)
    LAYOUTS["ser30k"](stickers)
    (emoset / "image/amusement/amusement_00000.jpg").unlink()
    (emoset / "annotation/sadness/sadness_00001.json").write_text("{")
    index = stickers / "Annotations/image-level/train.json"
    index.write_text(index.read_text().replace('"anno": 7', '"anno": 9'))
    main(["--sets", f"emoset={emoset}", f"ser30k={stickers}", "--output_dir", str(tmp_path / "report")])
    found = json.loads((tmp_path / "report/sets.json").read_text())
    assert found["emoset"]["unreadable"] == [["image/amusement/amusement_00000.jpg", "is missing"]]
    assert found["emoset"]["lost"] == ["annotation/sadness/sadness_00001.json"]
    assert found["emoset"]["counts"]["amusement"] == {"train": 1, "val": 2, "test": 2}
    assert found["emoset"]["bare"] == {"caption": 11, "scene": 7, "object": 7}
    assert found["ser30k"]["unknown"] == {"9": ["Images/cat topic/train_6.png"]}
    assert found["ser30k"]["counts"][""] == {"train": 1, "val": 1, "test": 1}
    assert found["ser30k"]["spaces"] == ["KCDP-6", "SER-7"]
    text = (tmp_path / "report/sets.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    for line in (
        "| amusement | 1 | 2 | 2 | 5 |",
        "| all | 3 | 4 | 4 | 11 |",
        "- `image/amusement/amusement_00000.jpg` is missing",
        "Of the readable pictures, 11 without caption, 7 without scene, 7 without object.",
        "- '9': Images/cat topic/train_6.png",
        "| no label | 1 | 1 | 1 | 3 |",
    ):
        assert line in text


def test_long_lists_are_cut_in_markdown(tmp_path: Path) -> None:
    LAYOUTS["fi"](tmp_path)
    for path in tmp_path.rglob("*.jpg"):
        path.write_bytes(b"")
    found = validate("fi", tmp_path)
    assert len(found["unreadable"]) == 24 and found["pictures"] == 0
    assert "Pictures that cannot be read: 24" in report(found) and "- and 4 more, in sets.json" in report(found)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("emoset", "'emoset' says no folder; write name=folder"),
        ("imagenet=.", "'imagenet' is no data set that can be read"),
        ("emoset=nowhere", "There is no folder .*nowhere"),
        ("ser30k={}", "There is no index file .*train.json"),
    ],
)
def test_what_stops_the_report_is_one_sentence(tmp_path: Path, asked: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        main(["--sets", asked.format(tmp_path), "--output_dir", str(tmp_path)])
