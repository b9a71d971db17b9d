import json

import pyarrow.parquet as pq
import pytest

from train.data.build_cartoons import COLUMNS, expression_of, main, split_of
from train.data.parquet import load_parquet

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="30" height="40" fill="{}"/></svg>'
LINES = [
    {
        "file_name": "0.svg",
        "style": "toon-head",
        "options": {"eyebrows": ["angry"], "eyes": ["happy"], "mouth": ["sad"], "hair": ["bun"]},
        "subject": "a cartoon person with a hair bun",
    },
    {"file_name": "1.svg", "style": "dylan", "options": {"mood": "sad", "mouth": "ignored"}},
    {"file_name": "2.svg", "style": "bottts", "options": {"eyes": ["unheard"], "mouth": ["of"], "face": ["round01"]}},
    {"file_name": "0.svg", "style": "dylan", "options": {"mood": "sad"}},
]


@pytest.fixture
def renders(tmp_path):
    for number, colour in enumerate(("red", "green", "blue")):
        (tmp_path / f"{number}.svg").write_text(SVG.format(colour))
    return tmp_path


def run(renders, lines):
    (renders / "renders.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    main(["--renders", str(renders), "--out", str(renders / "cartoons.parquet")])
    return renders / "cartoons.parquet"


def test_labels_come_from_the_expression_and_equal_pictures_once(renders):
    out = run(renders, LINES)
    rows = pq.read_table(out).to_pylist()
    assert [(row["style"], row["expression"], row["emotion"], row["name"]) for row in rows] == [
        (
            "toon-head",
            "eyebrows=angry;eyes=happy;mouth=sad",
            "anger",
            "a cartoon person with a hair bun who looks angry",
        ),
        ("dylan", "mood=sad", "sadness", "a cartoon person who looks sad"),
        ("bottts", "eyes=unheard;mouth=of", None, "a cartoon robot"),
    ]
    assert pq.read_schema(out).names == ["image", *COLUMNS]
    assert load_parquet(out, "cartoons")["noun"][:] == ["person", "person", "robot"]


def test_splits_are_a_function_of_the_content():
    splits = [split_of(f"{number:016x}") for number in range(1000)]
    assert [splits.count(name) for name in ("train", "val", "test")] == [800, 100, 100]


def test_parts_are_those_of_the_style():
    assert expression_of("open-peeps", {"face": ["calm"], "mouth": ["x"]}) == "face=calm"
    assert expression_of("micah", {"hair": ["full"]}) == ""


@pytest.mark.parametrize(
    "line",
    [{"file_name": "0.svg", "style": "oil", "options": {}}, {"style": "micah", "options": {}}, "text", {"style": []}],
)
def test_wrong_lines_end_with_one_sentence(renders, line, capsys):
    with pytest.raises(SystemExit):
        run(renders, [LINES[0], line])
    assert "Line 2 of" in capsys.readouterr().err


def test_a_missing_list_ends_with_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--renders", str(tmp_path), "--out", str(tmp_path / "x.parquet")])
    assert "renders.jsonl; write one line a picture" in capsys.readouterr().err
