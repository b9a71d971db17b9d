from __future__ import annotations

from statistics import mean

import pytest

from kcdp.emotions import LABEL_SPACES
from train.data.records import domains
from train.evaluation.generators import GENERATORS
from train.evaluation.methods import ABLATIONS, METHODS
from train.evaluation.published import TABLES, PublishedTable, pair_name, published_beside
from train.evaluation.variants import UNDERSTANDINGS, VARIANTS

ROWS = {
    "adaptation": METHODS,
    "ablations": ABLATIONS,
    "understanding": UNDERSTANDINGS,
    "generation": GENERATORS,
    "variants": VARIANTS,
}
MEASURES = {"understanding", "fid", "lpips", "emo_a", "sem_c", "sem_d"}


def named(name: str) -> PublishedTable:
    return next(table for table in TABLES if table.name == name)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.score}")
def test_every_table_stands_beside_rows_and_columns_that_there_are(table: PublishedTable) -> None:
    assert table.space in LABEL_SPACES
    columns = {column for row in table.rows for column in row.values} - {"mean"}
    pairs = {pair_name(source, target) for source in domains() for target in domains()}
    assert columns <= (MEASURES if table.report in ("generation", "variants") else pairs)
    ours = [name for row in table.rows for name in row.ours]
    assert ours and set(ours) <= set(ROWS[table.report])
    assert len({row.title for row in table.rows}) == len(table.rows)


def test_shares_are_per_cent_and_averages_are_those_of_their_row() -> None:
    for table in TABLES:
        for row in table.rows:
            shares = {name: value for name, value in row.values.items() if name not in MEASURES - {"emo_a"}}
            assert all(10 < value < 100 for value in shares.values())
    rows = {row.title: dict(row.values) for row in named("KCDP, table 1").rows}
    # As printed; the mean of its six numbers is another.
    assert rows.pop("PADCLIP")["mean"] == 30.01
    for values in rows.values():
        printed = values.pop("mean")
        assert printed == pytest.approx(mean(values.values()), abs=0.011)


def test_what_two_tables_say_of_one_model_agrees() -> None:
    last = {row.ours: row.values for row in named("KCDP, table 1").rows if row.ours}[("kcdp-da",)]
    whole = {row.ours: row.values for row in named("KCDP, table 3").rows}[("kcdp-da",)]
    assert dict(whole).items() <= dict(last).items()
    fed = [row.values for table in TABLES for row in table.rows if "feedback" in row.ours]
    assert len(fed) == 3 and fed[0] == fed[1] == fed[2]
    (joint,) = (row.values for row in named("UniEmo, table V").rows if "joint" in row.ours)
    assert all(joint.items() <= row.values.items() for table in TABLES for row in table.rows if "joint" in row.ours)


def test_tables_are_found_by_space_row_and_column() -> None:
    pairs = [pair_name("emoset", "ser30k"), pair_name("emoset", "artphoto")]

    def names(space: str, chosen: list[str], columns: list[str] = pairs) -> list[str]:
        return [table.name for table in published_beside("adaptation", space, chosen, columns)]

    assert names("KCDP-6", ["kcdp-da"]) == ["KCDP, table 1"]
    assert names("KCDP-6", ["kcdp-da", "kcdp-uc"]) == ["KCDP, table 1", "KCDP, table 2"]
    assert names("Mikels-8", ["kcdp-da"]) == names("KCDP-6", ["cnn"]) == []
    assert names("KCDP-6", ["kcdp-da"], [pair_name("emoji", "photos")]) == []


def test_table_4_is_that_of_our_denoiser() -> None:
    def titles(**denoiser: str) -> list[str]:
        tables = published_beside("generation", "Mikels-8", ["uniemo", "text-to-image"], ["fid"], **denoiser)
        return [row.title for table in tables for row in table.rows if "uniemo" in row.ours]

    assert titles() == titles(denoiser="SD 1.5") == ["UniEmo, SD 1.5"]
    assert titles(denoiser="SD XL") == ["UniEmo, SDXL"]
