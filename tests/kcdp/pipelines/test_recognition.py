"""What UniEmo's pipeline recognises in pictures; what it paints is in test_uniemo.py."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.imaging import load_frames, to_tensor
from kcdp.results import UniEmoOutput
from kcdp.uniemo.correlation import EmotionalCorrelation
from tests.image_files import animated
from tests.tiny_pipeline import SIZE
from tests.tiny_uniemo import OBJECTS, SCENES, tiny_uniemo


def test_what_is_understood_is_complete_and_consistent(pipeline, faces):
    seen = pipeline.understand(faces[0])
    assert isinstance(seen, UniEmoOutput)
    assert tuple(seen.probabilities) == MIKELS_8.labels
    assert sum(seen.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert seen.emotion == max(seen.probabilities, key=seen.probabilities.get)
    assert seen.scene.name in SCENES
    assert seen.object.name in OBJECTS
    for match in (seen.scene, seen.object):
        assert -1 <= match.cosine <= 1
        assert tuple(match.coefficients) == MIKELS_8.labels
        assert sum(match.coefficients.values()) == pytest.approx(1, abs=1e-5)
    assert [(item.kind, item.text) for item in seen.attention] == [
        ("scene", seen.scene.name),
        ("object", seen.object.name),
    ]
    for item in seen.attention:
        assert item.heat.shape == (SIZE, SIZE)
        assert item.heat.dtype == np.float32
        assert item.heat.min() >= 0
        assert item.heat.max() <= 1
    [frame] = seen.frames
    assert (frame.time, frame.duration, frame.emotion, frame.probabilities) == (0, 0, seen.emotion, seen.probabilities)


@torch.no_grad()
def test_understanding_equals_a_slow_reference(pipeline, faces):
    seen = pipeline.understand(faces[0])
    out = pipeline.chain(pipeline.vision, to_tensor([faces[0]], SIZE))
    assert list(seen.probabilities.values()) == pytest.approx(out.logits[0].softmax(0).tolist(), abs=1e-6)
    names = pipeline.correlation.config.attributes
    for match, embeds, own in ((seen.scene, out.scene_embeds, SCENES), (seen.object, out.object_embeds, OBJECTS)):
        cosines = {
            name: float(F.cosine_similarity(embeds[0], vector, dim=0))
            for name, vector in zip(names, pipeline.correlation.embeds, strict=True)
            if name in own
        }
        assert match.name == max(cosines, key=cosines.get)
        assert match.cosine == pytest.approx(cosines[match.name], abs=1e-5)
        row = pipeline.correlation.coefficients[names.index(match.name)]
        assert list(match.coefficients.values()) == pytest.approx(row.tolist())


@torch.no_grad()
def test_the_tower_gets_pixels_in_its_own_measure(kcdp, faces):
    pipeline = tiny_uniemo(kcdp)
    pipeline.vision.config.update({"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]})
    pixels = to_tensor([faces[0]], SIZE) / 2 + 0.5
    pixels = (pixels - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / torch.tensor([0.5, 0.6, 0.7])[:, None, None]
    expected = pipeline.chain(pipeline.vision, pixels).logits[0].softmax(0)
    found = list(pipeline.understand(faces[0]).probabilities.values())
    assert found == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_list_is_understood_as_each_alone(pipeline, faces):
    together = pipeline.understand(faces)
    for face, found in zip(faces, together, strict=True):
        alone = pipeline.understand(face)
        assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
        assert (found.scene.name, found.object.name) == (alone.scene.name, alone.object.name)
    assert isinstance(pipeline.understand([faces[0]]), list)
    assert pipeline.understand([]) == []


def test_an_animation_is_understood_as_the_mean_of_its_frames(pipeline, picture):
    moving = animated([picture(40, color=color) for color in ("gold", "red", "blue")], "GIF")
    frames = load_frames(moving)
    assert len(frames) == 3
    found, apart = pipeline.understand(moving), pipeline.understand(frames)
    assert [(frame.time, frame.duration) for frame in found.frames] == [(0, 0.04), (0.04, 0.04), (0.08, 0.04)]
    for frame, one in zip(found.frames, apart, strict=True):
        assert frame.probabilities == pytest.approx(one.probabilities, abs=1e-5)
        assert frame.emotion == one.emotion
    expected = np.mean([list(one.probabilities.values()) for one in apart], axis=0)
    assert list(found.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    np.testing.assert_allclose(found.attention[0].heat, apart[1].attention[0].heat, atol=1e-3)
    still = pipeline.understand([frames[0], moving])
    assert still[0].probabilities == pytest.approx(apart[0].probabilities, abs=1e-5)
    assert still[1].probabilities == pytest.approx(found.probabilities, abs=1e-5)


def test_without_queries_there_is_an_emotion_and_no_attribute(kcdp, faces):
    blind = tiny_uniemo(kcdp, strategy="none")
    seen = blind.understand(faces[0])
    assert seen.scene is seen.object is None
    assert seen.attention == ()
    assert sum(seen.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert json.loads(json.dumps(seen.to_dict()))["scene"] is None
    for emotion in ("awe", faces[0]):
        made = blind(emotion, seed=1, num_inference_steps=2, output_type="pt")
        assert made.images[0].isfinite().all()


def test_an_attribute_too_far_off_is_not_named(kcdp, faces):
    pipeline = tiny_uniemo(kcdp)
    known = pipeline.correlation
    pipeline.correlation = EmotionalCorrelation.of(
        known.config.attributes, known.embeds, known.coefficients, len(SCENES), threshold=1.0
    )
    seen = pipeline.understand(faces[0])
    assert seen.scene is seen.object is None
    assert [item.text for item in seen.attention] == ["scene", "object"]


def test_a_result_is_clean_json(pipeline, faces):
    seen = pipeline.understand(faces[0])
    read = json.loads(json.dumps(seen.to_dict(heat=True), allow_nan=False))
    assert read["scene"]["name"] == seen.scene.name
    assert read["probabilities"] == seen.probabilities
    assert np.array(read["attention"][1]["heat"]).shape == (SIZE, SIZE)
    assert seen.to_dict()["attention"][0] == {"text": seen.attention[0].text, "kind": "scene"}


def test_without_attention_everything_else_stays(pipeline, faces, monkeypatch):
    full = pipeline.understand(faces[0])
    monkeypatch.setattr("kcdp.pipelines.recognition.heat_map", lambda *_: pytest.fail("a heat map was computed"))
    lean = pipeline.understand(faces[0], attention=False)
    assert lean.attention == () and lean.scene == full.scene
    assert lean.probabilities == pytest.approx(full.probabilities, abs=1e-6)
