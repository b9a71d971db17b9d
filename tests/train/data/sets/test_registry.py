"""A data set is one reader in a file of its own and one line: it is a domain with splits, a protocol's tests and an evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kcdp.emotions import LABEL_SPACES
from tests.temporary_module import added_module
from train.core.datasets import load_records, training_record
from train.core.recipe import Recipe
from train.data.records import domains
from train.data.sets import SETS
from train.data.sets.labels import MERGES
from train.data.splits import parts, select
from train.evaluation.domains import Domains
from train.validate import validate

READER = """
    from collections.abc import Iterator
    from pathlib import Path

    from kcdp.emotions import LabelSpace
    from train.data.sets.entry import Entry, PictureSet, pictures_below, with_test

    #: Four of Ekman's emotions.
    SPACE = LabelSpace("Ekman-4", ("fear", "joy", "anger", "sorrow"))
    #: What they are in Mikels-8; joy has no one place there.
    TO_MIKELS_8 = {"fear": "fear", "joy": None, "anger": "anger", "sorrow": "sadness"}


    def read(root: Path) -> Iterator[Entry]:
        for path in pictures_below(root):
            yield Entry(path=path, label=path.stem.split("-")[0], split=with_test(path.name), group=path.name)


    SET = PictureSet("Faces", SPACE, read)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 80 pictures of a set that nobody knew, with a label space of its own."""
    module = added_module(tmp_path, "faces", READER)
    monkeypatch.setitem(LABEL_SPACES, module.SPACE.name, module.SPACE)
    monkeypatch.setitem(MERGES, (module.SPACE.name, "Mikels-8"), module.TO_MIKELS_8)
    monkeypatch.setitem(SETS, "faces", module.SET)
    root = tmp_path / "pictures"
    root.mkdir()
    for number in range(20):
        for place, label in enumerate(module.SPACE.labels):
            Image.new("RGB", (8, 8), (12 * number, 60 * place, 0)).save(root / f"{label}-{number}.png")
    return root


def test_a_set_that_is_added_can_be_looked_through_trained_and_tested(root: Path, tmp_path: Path) -> None:
    assert domains()[-1] == "faces" and "test-faces" in parts("benchmark")
    assert validate("faces", root)["spaces"] == ["Mikels-8", "Ekman-4"]
    recipe = Recipe(drawn=0, size=8, sets={"faces": str(root)}, output_dir=str(tmp_path / "run"), label_space="Ekman-4")
    records = load_records(recipe)
    assert len(records) == 80
    train, test = (set(select(records, "benchmark", part).tolist()) for part in ("train", "test-faces"))
    assert train and test and not train & test
    evaluated = Domains(recipe, records)
    assert evaluated.names == ["faces"] and evaluated.emotions == ("fear", "joy", "anger", "sorrow")
    assert {rule.domain for rule in training_record(recipe).trained} == {"faces"}


def test_its_labels_are_merged_as_its_file_says(root: Path, tmp_path: Path) -> None:
    recipe = Recipe(drawn=0, size=8, sets={"faces": str(root)}, output_dir=str(tmp_path / "run"))
    emotions = load_records(recipe)["emotion"][:]
    assert len(emotions) == 60 and set(emotions) == {"fear", "anger", "sadness"}
