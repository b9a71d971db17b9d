"""Heat maps against slow ones: which layer's attention, of which token, belongs to which word and triplet."""

from __future__ import annotations

import math
from inspect import signature

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import CLIPTokenizer

from kcdp.imaging import to_tensor
from kcdp.knowledge.propositions import Proposition
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.results import Triplet
from tests.tiny_pipeline import LENGTH, SIZE, tiny_pipeline

CAPTION = "a man hugs a cat"
#: Of "man", "hugs" and "cat".
WORDS = {"man": (2, 5), "hugs": (6, 10), "cat": (13, 16)}
TRIPLET = Triplet("man", "has", "cat")


@pytest.fixture(scope="module")
def pipeline(tiny_tokenizer: CLIPTokenizer) -> KCDPPipeline:
    pipeline = tiny_pipeline(tiny_tokenizer)
    # At random weights most places look alike; a tenfold picture tells them apart.
    pipeline.vae.register_to_config(scaling_factor=7.0)
    return pipeline


def states_of(pipeline: KCDPPipeline, text: str) -> torch.Tensor:
    padded = pipeline.tokenizer(text, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    return pipeline.text_encoder(padded.input_ids).last_hidden_state


def slow_attention(pipeline: KCDPPipeline, picture: Image.Image) -> dict[int, list[torch.Tensor]]:
    """By side of a level, what each of its cross-attentions gives: (tokens, side, side), heads one by one."""
    z = pipeline.vae.encode(to_tensor([picture], SIZE)).latent_dist.mean * 7.0
    k = torch.cat([states_of(pipeline, CAPTION), states_of(pipeline, " ".join(TRIPLET))], dim=1)
    unet, found, hooks = pipeline.denoiser.unet, {}, []

    def keep(attention, args, kwargs):
        hidden = (args[0] if args else kwargs["hidden_states"])[0]
        side = math.isqrt(len(hidden))
        matrix = attention.to_k.base_layer.weight
        # Rank 2 and alpha 4: equation 4 with the update counted twice.
        matrix = matrix + 4 / 2 * attention.to_k.lora_B["default"].weight @ attention.to_k.lora_A["default"].weight
        queries, keys, heads = attention.to_q(hidden), k[0] @ matrix.T, []
        for query, key in zip(queries.chunk(attention.heads, 1), keys.chunk(attention.heads, 1), strict=True):
            heads.append((query @ key.T / math.sqrt(query.shape[1])).softmax(1).T.reshape(-1, side, side))
        found.setdefault(side, []).append(sum(heads) / len(heads))

    for name, module in unet.named_modules():
        if name.endswith("attn2"):
            hooks.append(module.register_forward_pre_hook(keep, with_kwargs=True))
    # Each level's features come from the encoder's, middle's and decoder's layers of one pass at timestep 1.
    unet(z, 1, k)
    for hook in hooks:
        hook.remove()
    return found


def slow_heat(attention: dict[int, list[torch.Tensor]], tokens: list[int]) -> np.ndarray:
    total = torch.zeros(SIZE, SIZE)
    for layers in attention.values():
        level = sum(layer[token] for layer in layers for token in tokens)
        level = level / len(layers) / len(tokens) / len(attention)
        total += F.interpolate(level[None, None], size=(SIZE, SIZE), mode="bilinear")[0, 0]
    return ((total - total.min()) / (total.max() - total.min())).numpy()


@torch.no_grad()
def test_a_heat_map_is_that_of_its_words_own_tokens(
    pipeline: KCDPPipeline, faces: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two pictures, so that neither the first one nor a mirror image can be taken for it."""
    proposition = Proposition(TRIPLET, (WORDS["man"], WORDS["cat"]))
    monkeypatch.setattr(pipeline.parser, "propositions", lambda captions: [[proposition]] * len(captions))
    offsets = pipeline.tokenizer(CAPTION, return_offsets_mapping=True).offset_mapping
    tokens = {
        word: [place for place, (start, end) in enumerate(offsets) if span[0] <= start < end <= span[1]]
        for word, span in WORDS.items()
    }
    tokens[str(TRIPLET)] = [*tokens["man"], *tokens["cat"]]
    expected = {}
    for face in (faces[2], faces[1]):
        attention = slow_attention(pipeline, face)
        assert sorted(attention) == [2, 4]
        expected = {text: slow_heat(attention, places) for text, places in tokens.items()}
    seen = pipeline([faces[2], faces[1]], caption=[CAPTION, CAPTION])[1]
    found = {item.text: (item.kind, item.heat) for item in seen.attention}
    assert [kind for kind, _ in found.values()] == ["word", "word", "word", "triplet"]
    assert found.keys() == expected.keys()
    for text, heat in expected.items():
        np.testing.assert_allclose(found[text][1], heat, atol=2e-3)
        others = [other for name, other in expected.items() if name != text]
        assert all(np.abs(heat - other).max() > 0.05 for other in others)
    mirrored = slow_heat(slow_attention(pipeline, faces[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT)), tokens["man"])
    assert np.abs(mirrored - expected["man"]).max() > 0.05


@torch.no_grad()
@pytest.mark.parametrize("scale_latents", [True, False])
def test_the_denoiser_is_given_latents_scaled_or_as_the_autoencoder_says(
    tiny_tokenizer: CLIPTokenizer, faces: list[Image.Image], scale_latents: bool
) -> None:
    pipeline = tiny_pipeline(tiny_tokenizer, scale_latents=scale_latents, timestep=3)
    given = []
    unet = pipeline.denoiser.unet
    unet.register_forward_pre_hook(lambda module, args: given.append(args[:2]))
    pipeline(faces[0], caption=CAPTION, attention=False)
    latents = pipeline.vae.encode(to_tensor([faces[0]], SIZE)).latent_dist.mean
    torch.testing.assert_close(given[0][0][:1], (0.7 if scale_latents else 1.0) * latents)
    assert int(given[0][1]) == 3


def test_defaults_are_the_papers() -> None:
    defaults = {name: one.default for name, one in signature(KCDPPipeline.__init__).parameters.items()}
    assert (defaults["timestep"], defaults["tuning"], defaults["attention_levels"]) == (1, "lora", (1, 2))
    assert (defaults["condition"], defaults["features"], defaults["scale_latents"]) == ("both", "decoder", True)
