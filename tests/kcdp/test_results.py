"""Results as plain values: numbers keep four digits, and nothing changes its name or its place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kcdp.results import AttentionMap, AttributeMatch, FrameVerdict, KCDPOutput, Triplet, UniEmoOutput, VerdictOutput
from tests.fake_bundle import fake_output


def test_heat_is_written_with_four_digits() -> None:
    heat = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    item = AttentionMap("cat", "word", heat)
    assert item.to_dict() == {"text": "cat", "kind": "word"}
    written = np.array(json.loads(json.dumps(item.to_dict(heat=True)))["heat"])
    assert written.shape == (5, 7)
    assert 0 < np.abs(written - heat).max() <= 0.5e-4 + 1e-7
    np.testing.assert_allclose(written * 10_000, np.round(written * 10_000), atol=1e-2)


@pytest.mark.parametrize("heat", [False, True])
def test_a_reading_keeps_every_field_under_its_own_name(heat: bool) -> None:
    output = fake_output("fear", pseudo_label="awe", times=((0.0, 100.0), (100.0, 250.0)))
    plain = json.loads(json.dumps(output.to_dict(heat)))
    assert plain.keys() == {name for name in vars(output) if name not in ("visual", "knowledge")}
    for name in (
        "emotion",
        "probabilities",
        "caption",
        "similarities",
        "effects",
        "pseudo_label",
        "label_space",
    ):
        assert plain[name] == getattr(output, name)
    assert [(frame["time"], frame["duration"], frame["emotion"]) for frame in plain["frames"]] == [
        (0.0, 0.1, "fear"),
        (0.1, 0.25, "fear"),
    ]
    assert plain["frames"][1]["probabilities"] == output.probabilities
    assert plain["emotion"] == "fear" and plain["pseudo_label"] == "awe"
    assert [(e["expert"], e["weight"], e["chosen"]) for e in plain["experts"]] == [
        (e.expert, e.weight, e.chosen) for e in output.experts
    ]
    assert [("heat" in item, item["kind"]) for item in plain["attention"]] == [
        (heat, item.kind) for item in output.attention
    ]


def test_scene_and_object_keep_their_places() -> None:
    scene, thing = (AttributeMatch(name, 0.3, {"awe": share}) for name, share in (("beach", 0.2), ("cat", 0.9)))
    seen = UniEmoOutput("awe", {"awe": 1.0}, scene, thing, (), "Mikels-8")
    plain = json.loads(json.dumps(seen.to_dict()))
    assert plain["scene"] == {"name": "beach", "cosine": 0.3, "coefficients": {"awe": 0.2}}
    assert plain["object"]["name"] == "cat"
    frame = FrameVerdict(1.5, 0.5, None, "awe", {"awe": 1.0})
    triplets = (Triplet("a", "b", "c"),)
    verdict = VerdictOutput(None, "awe", {"awe": 1.0}, "Mikels-8", "a cat", triplets, (frame,), None, seen)
    written = json.loads(json.dumps(verdict.to_dict()))
    assert written["frames"] == [
        {"time": 1.5, "duration": 0.5, "emotion": None, "leaning": "awe", "probabilities": {"awe": 1.0}}
    ]
    assert (written["emotion"], written["leaning"], written["kcdp"]) == (None, "awe", None)
    assert written["uniemo"] == plain and written["triplets"] == [["a", "b", "c"]]


def test_features_are_written_where_there_are_some() -> None:
    fields = vars(fake_output()) | {"visual": np.array([0.5, 1.5]), "knowledge": np.eye(2)}
    plain = KCDPOutput(**fields).to_dict()
    assert (plain["visual"], plain["knowledge"]) == ([0.5, 1.5], [[1.0, 0.0], [0.0, 1.0]])
