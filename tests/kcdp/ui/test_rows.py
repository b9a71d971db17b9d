from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from kcdp.batch import PictureResult
from kcdp.decoded import DecodedPicture
from kcdp.ui import rows
from kcdp.ui.rows import SORTS, ResultRow, chosen_rows, export, mean_probabilities, row_of, summary_card, table
from tests.fake_bundle import fake_output, fake_verdict


def row(name: str, emotion: str = "awe", confidence: float = 0.8, caption: str = "a cat") -> ResultRow:
    return ResultRow(
        {
            "path": name,
            "emotion": emotion,
            "caption": caption,
            "probabilities": {"awe": 1 - confidence, "fear": 1 - confidence} | {emotion: confidence},
        }
    )


BROKEN = ResultRow({"path": "d", "error": "It is damaged."})
ROWS = [row("b", "awe", 0.6), row("a", "fear", 0.9), row("c", "awe", 0.7), BROKEN]


def names(found: list[ResultRow]) -> str:
    return "".join(one.name for one in found)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (((), 0.0, SORTS[0]), "bacd"),
        ((("awe",), 0.0, SORTS[0]), "bc"),
        (((), 0.65, SORTS[0]), "ac"),
        (((), 0.0, SORTS[1]), "acbd"),
        (((), 0.0, SORTS[2]), "dbca"),
        (((), 0.0, SORTS[3]), "abcd"),
    ],
)
def test_rows_are_filtered_and_sorted(choice: tuple, expected: str) -> None:
    assert names(chosen_rows(ROWS, *choice)) == expected


def test_mean_is_of_those_that_were_read() -> None:
    assert mean_probabilities(ROWS) == pytest.approx({"awe": (0.6 + 0.1 + 0.7) / 3, "fear": (0.4 + 0.9 + 0.3) / 3})
    assert mean_probabilities([BROKEN]) == {} and summary_card([BROKEN]) == ""
    card = summary_card(ROWS)
    assert "On average, over 3 pictures that were read, they lean to" in card and "could not be read: 1;" in card
    assert "Pictures by what they make people feel: awe 2 and fear 1." in card


def test_a_blank_picture_has_no_say() -> None:
    """Its probabilities are all alike: they are no reading, and no confidence."""
    blank = ResultRow({"path": "e", "emotion": None, "leaning": None, "probabilities": {"awe": 0.5, "fear": 0.5}})
    unsure = ResultRow({"path": "f", "emotion": None, "leaning": "awe", "probabilities": {"awe": 0.6, "fear": 0.4}})
    assert blank.confidence == 0 and unsure.confidence == 0.6
    assert mean_probabilities([*ROWS, blank]) == mean_probabilities(ROWS)
    assert mean_probabilities([blank, unsure]) == {"awe": 0.6, "fear": 0.4} and summary_card([blank]) == ""
    card = summary_card([*ROWS, blank])
    assert "over 3 pictures that were read" in card and "cannot be told: 1." in card and "could not be read: 1;" in card


def test_table_has_pages_and_escapes_what_users_and_models_write(monkeypatch: pytest.MonkeyPatch) -> None:
    page = table([row("<script>", caption="<b>"), BROKEN])
    assert "&lt;script&gt;" in page and "&lt;b&gt;" in page and "<script>" not in page and "It is damaged." in page
    monkeypatch.setattr(rows, "PAGE_ROWS", 2)
    assert table(ROWS, 2).count("<tr>") == 1 + 2 and "It is damaged." in table(ROWS, 2)
    assert "Pictures 1 to 2 of 4." in table(ROWS) and "Pictures 3 to 4 of 4." in table(ROWS, 2)
    assert table(ROWS, 9) == table(ROWS, 2)
    assert "No picture fits" in table([])


def test_what_cannot_be_told_is_a_result_of_its_own() -> None:
    unclear = ResultRow(dict(row("e").record) | {"emotion": None, "leaning": "awe"})
    assert unclear.was_read and unclear.confidence == pytest.approx(0.8)
    assert "cannot tell, perhaps awe" in table([unclear]) and "of which it cannot be told: 1." in summary_card(
        [unclear]
    )
    assert chosen_rows([unclear], ["awe"]) == []


def test_a_row_has_a_thumbnail_of_its_picture() -> None:
    picture = DecodedPicture.load(Image.new("RGB", (200, 100), "gold"))
    found = row_of(PictureResult("a", fake_verdict(fake_output()), picture=picture))
    assert found.emotion == "contentment" and found.confidence == pytest.approx(0.57) and found.thumbnail
    assert "data:image/png;base64," in table([found]) and row_of(PictureResult("b", error="No.")).thumbnail is None


def test_exports_hold_every_row_and_nothing_that_a_spreadsheet_runs(tmp_path: Path) -> None:
    found = [*ROWS, row("=1+1", caption="@cat"), replace(row("ünd"))]
    for name in ("csv", "json", "jsonl", "parquet"):
        export(found, tmp_path / f"results.{name}")
    assert json.loads((tmp_path / "results.json").read_text()) == [dict(one.record) for one in found]
    assert [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()][3] == dict(
        BROKEN.record
    )
    for frame in (pd.read_csv(tmp_path / "results.csv"), pd.read_parquet(tmp_path / "results.parquet")):
        assert list(frame["path"]) == ["b", "a", "c", "d", "'=1+1", "ünd"] and frame["caption"][4] == "'@cat"
        assert frame["p_awe"][0] == pytest.approx(0.6) and frame["error"][3] == "It is damaged."
