"""Greedy captions, beside what transformers' own `generate` writes with the same weights."""

from __future__ import annotations

import pytest
import torch
from transformers import VisionEncoderDecoderModel

from kcdp.knowledge.captioner import Captioner
from kcdp.knowledge.greedy import _pack, _product, fits, greedy
from tests.tiny_vlm import blip, vision_encoder_decoder


def _random_model(seed: int) -> VisionEncoderDecoderModel:
    """Wide enough weights that captions differ, end at different lengths and repeat themselves."""
    model, _ = vision_encoder_decoder()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return model.eval()


@pytest.mark.parametrize("halved", [True, False])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "options",
    [
        {"min_new_tokens": 1, "max_new_tokens": 12, "repetition_penalty": 1.1},
        {"min_new_tokens": 6, "max_new_tokens": 20, "repetition_penalty": 1.0},
        {"min_new_tokens": 3, "max_new_tokens": 20, "repetition_penalty": 5.0},
    ],
)
def test_writes_what_generate_writes(seed: int, options: dict, halved: bool) -> None:
    model = _random_model(seed)
    if halved:  # as the weights of a bundle, which are written in 16 bits
        model.half().float()
    # What ends a caption is made likely, so that some of the batch end before others.
    model.decoder.cls.predictions.decoder.bias.data[model.generation_config.eos_token_id] += 6
    pixels = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    expected = model.generate(pixel_values=pixels, num_beams=1, do_sample=False, **options)
    assert greedy(model, pixels, **options).tolist() == expected.tolist()


def test_weights_are_packed_where_they_lose_nothing_and_anew_when_they_change() -> None:
    linear, rows = torch.nn.Linear(16, 24).eval().requires_grad_(False), torch.randn(3, 16)
    assert _product(linear) is linear
    linear.half().float()
    packed = _product(linear)
    assert packed is not linear or _pack(linear) is None
    torch.testing.assert_close(packed(rows), linear(rows), rtol=0, atol=1e-5)
    linear.weight.mul_(2)
    torch.testing.assert_close(_product(linear)(rows), linear(rows), rtol=0, atol=1e-5)


def test_the_captioner_asks_it_and_generate_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("generate was called")

    model, processor = vision_encoder_decoder()
    monkeypatch.setattr(model, "generate", refuse)
    pixels = {"pixel_values": torch.zeros(1, 3, 16, 16)}
    assert len(Captioner(model, processor)._generate(pixels)) == 1
    with pytest.raises(AssertionError, match="generate was called"):
        Captioner(model, processor, num_beams=2)._generate(pixels)


def test_other_models_and_settings_are_left_to_generate() -> None:
    model, _ = vision_encoder_decoder()
    assert fits(model)
    assert not fits(blip()[0])
    model.generation_config.no_repeat_ngram_size = 2
    assert not fits(model)
