"""Vectors for a prompt, drawn for emotions and computed from pictures; their noise is in test_uniemo_noise.py."""

from __future__ import annotations

import pytest
import torch
from transformers import CLIPTokenizer

from kcdp.painting.emotion_tokens import EmotionTokens
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.fusion import pooled_features
from tests.tiny_pipeline import SIZE, tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo

SEEDS = [3, 8]


@pytest.fixture(scope="module")
def pipeline(tiny_tokenizer: CLIPTokenizer) -> UniEmoPipeline:
    return tiny_uniemo(tiny_pipeline(tiny_tokenizer))


@pytest.fixture(scope="module")
def tokens(pipeline: UniEmoPipeline) -> EmotionTokens:
    return pipeline.emotion_tokens


@torch.no_grad()
def test_every_emotion_of_a_blend_is_as_it_is_alone_with_its_weight(tokens: EmotionTokens) -> None:
    blend = tokens.sample({"awe": 0.25, "fear": 0.75}, SEEDS)
    awe, fear = (tokens.sample({name: 1.0}, SEEDS) for name in ("awe", "fear"))
    assert len(blend) == len(SEEDS)
    for row, pair in enumerate(blend):
        assert [weight for _, weight in pair] == [0.25, 0.75]
        for (vector, _), alone in zip(pair, (awe, fear), strict=True):
            torch.testing.assert_close(vector, alone[row][0][0])
    assert not torch.allclose(blend[0][0][0], blend[1][0][0], atol=1e-3)


@torch.no_grad()
def test_an_emotion_of_weight_0_is_none_of_them(tokens: EmotionTokens) -> None:
    assert [len(row) for row in tokens.sample({"awe": 1.0, "fear": 0.0}, SEEDS)] == [1, 1]


@torch.no_grad()
def test_of_an_animation_features_and_alphas_are_averaged_before_they_are_fused(
    pipeline: UniEmoPipeline, tokens: EmotionTokens
) -> None:
    output = pipeline.chain(pipeline.vision, torch.rand(3, 3, SIZE, SIZE) * 2 - 1)
    found = tokens.of_picture(output, 2)
    weights = output.logits.softmax(dim=-1)
    alphas = sum(pipeline.correlation.alphas(output, weights)) / 3
    features = sum(pooled_features(output)) / 3
    expected = pipeline.fusion(*features[:, None], *alphas[:, None])[0]
    assert len(found) == 2
    for ((vector, weight),) in found:
        assert weight == 1.0
        torch.testing.assert_close(vector, expected)
