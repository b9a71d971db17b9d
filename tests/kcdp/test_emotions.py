"""An emotion set is a label space and one line: a pipeline speaks it, whatever its labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from transformers import CLIPTokenizer

from kcdp.emotions import LABEL_SPACES, MIKELS_8, LabelSpace, to_kcdp_6
from tests.temporary_module import added_module
from tests.tiny_pipeline import tiny_pipeline

SPACE = """
    from kcdp.emotions import LabelSpace

    SPACE = LabelSpace("Plutchik-3", ("trust", "anticipation", "surprise"))
"""


def test_a_label_space_that_is_added_is_spoken(
    tiny_tokenizer: CLIPTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = added_module(tmp_path, "plutchik", SPACE).SPACE
    monkeypatch.setitem(LABEL_SPACES, space.name, space)
    pipeline = tiny_pipeline(tiny_tokenizer, label_space=space.name)
    assert pipeline.labels == space.labels
    output = pipeline(Image.new("RGB", (32, 32), "red"))
    assert tuple(output.probabilities) == space.labels and sum(output.probabilities.values()) == pytest.approx(1)


def test_spaces_have_names_of_their_own_and_no_label_twice() -> None:
    for name, space in LABEL_SPACES.items():
        assert space.name == name and len(set(space.labels)) == len(space)
        assert [space.index(label) for label in space.labels] == list(range(len(space)))
    with pytest.raises(ValueError, match="'joy' is not one of the Mikels-8 labels"):
        LABEL_SPACES["Mikels-8"].index("joy")


def test_mikels_8_merges_into_kcdp_6() -> None:
    merged = [to_kcdp_6(label) for label in LABEL_SPACES["Mikels-8"].labels]
    assert merged == ["happy", "surprise", "happy", "surprise", "anger", "disgust", "fear", "sad"]
    assert to_kcdp_6("neutral") is None
    with pytest.raises(ValueError, match="'pride' is in no known label space"):
        to_kcdp_6("pride")


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_names_in_any_case(space: LabelSpace) -> None:
    for number, label in enumerate(space.labels):
        assert [space.index(name) for name in (label, label.upper(), f" {label.title()}\n")] == [number] * 3


@pytest.mark.parametrize("name", ["joy", "", "awe!", None, 3])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not one of the Mikels-8 labels: amusement, awe"):
        MIKELS_8.index(name)
