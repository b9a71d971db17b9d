"""The chain of expert queries against a slow one: picture by picture, stage by stage, head by head (eq. 1 to 3)."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel

from kcdp.uniemo.query_chain import (
    LOGIT_SCALE,
    ChainOutput,
    ExpertQueryChain,
    InteractiveBlock,
    InteractiveLayer,
    tower_pixels,
)

WIDTH, HEADS, LAYERS, EMBED, CLASSES, QUERIES = 24, 3, 4, 10, 5, 3
SIZES = {
    "width": WIDTH,
    "num_heads": HEADS,
    "num_layers": LAYERS,
    "scene_layer": 1,
    "object_layer": 3,
    "num_queries": QUERIES,
    "embed_dim": EMBED,
    "num_classes": CLASSES,
    "head_dim": 7,
}
ASKING = ("multi-stage", "single-step")


def tower(width: int = WIDTH, layers: int = LAYERS) -> CLIPVisionModel:
    """Pictures (B, 3, 16, 16) to 1 + 16 tokens."""
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        image_size=16,
        patch_size=4,
    )
    return CLIPVisionModel(config).eval()


@pytest.fixture(scope="module")
def vision() -> CLIPVisionModel:
    torch.manual_seed(1)
    return tower()


def build(**options: object) -> ExpertQueryChain:
    """A chain whose queries and block matter: at the size they begin with, a slip in them would not show."""
    chain = ExpertQueryChain(**{**SIZES, **options}).eval()
    with torch.no_grad():
        for name, parameter in chain.named_parameters():
            if "queries" in name or name.endswith("beta"):
                parameter.normal_()
    return chain


def pictures(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16)


def slow_layer(layer: InteractiveLayer, queries: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, list]:
    """Queries (M, W) and tokens (n, W) of one picture -> refined queries, and a map (M, n) for each head."""
    attention, size = layer.attention, WIDTH // HEADS
    weights, biases = attention.in_proj_weight.split(WIDTH), attention.in_proj_bias.split(WIDTH)
    asked, given = layer.norm_queries(queries), layer.norm_tokens(tokens)
    q, k, v = (F.linear(x, w, b) for x, w, b in zip((asked, given, given), weights, biases, strict=True))
    found, maps = [], []
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        maps.append((q[:, own] @ k[:, own].T / math.sqrt(size)).softmax(dim=1))
        found.append(maps[-1] @ v[:, own])
    queries = queries + attention.out_proj(torch.cat(found, dim=1))
    return queries + layer.mlp(layer.norm_mlp(queries)), maps


def slow_block(
    chain: ExpertQueryChain, block: InteractiveBlock, queries: torch.Tensor, tokens: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries after their block, and the map (4, 4)."""
    keys = tokens if chain.config.block_keys == "all" else tokens[1:]
    refined, maps = queries, []
    for layer in block.layers:
        refined, maps = slow_layer(layer, refined, keys)
    mean = sum(one.sum(dim=0) for one in maps) / (HEADS * len(queries))
    mean = mean[-16:]
    if chain.config.beta is not None:
        refined = queries + block.beta * refined
    return refined, (mean / mean.sum()).view(4, 4)


def slow(chain: ExpertQueryChain, vision: CLIPVisionModel, picture: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the chain should make of one picture (3, H, W), by three plain loops over the tower's layers."""
    config, strategy = chain.config, chain.config.strategy
    tokens = vision.pre_layrnorm(vision.embeddings(picture[None]))
    n = tokens.shape[1]
    states = tokens
    found = {}
    if strategy != "none":
        states = torch.cat([states, chain.scene_queries[None]], dim=1)
    if strategy == "single-step":
        states = torch.cat([states, chain.object_queries[None]], dim=1)
    for layer in vision.encoder.layers[: config.scene_layer]:
        states = layer(states, attention_mask=None)
    end = n + QUERIES
    if strategy != "none":
        scene, found["scene_attention"] = slow_block(chain, chain.scene_block, states[0, n:end], states[0, :n])
        found["scene_embeds"] = F.normalize(chain.scene_projection(scene.mean(0)), dim=0)
        states = torch.cat([states[:, :n], scene[None], states[:, end:]], dim=1)
    if strategy == "multi-stage":
        states = torch.cat([states, chain.object_queries[None]], dim=1)
    for layer in vision.encoder.layers[config.scene_layer : config.object_layer]:
        states = layer(states, attention_mask=None)
    if strategy != "none":
        objects, found["object_attention"] = slow_block(chain, chain.object_block, states[0, end:], states[0, :n])
        found["object_embeds"] = F.normalize(chain.object_projection(objects.mean(0)), dim=0)
        states = torch.cat([states[:, :end], objects[None]], dim=1)
    for layer in vision.encoder.layers[config.object_layer :]:
        states = layer(states, attention_mask=None)
    found["cls"] = vision.post_layernorm(states[0, 0])
    found["scene"], found["object"] = states[0, n:end], states[0, end:]
    first, _, _, last = chain.head
    found["logits"] = last(F.relu(first(found["cls"])))
    return found


@torch.no_grad()
@pytest.mark.parametrize("strategy", [*ASKING, "none"])
@pytest.mark.parametrize(
    "block", [{}, {"block_layers": 1, "block_keys": "all", "beta": None}, {"object_layer": LAYERS}]
)
def test_values_against_loops(vision: CLIPVisionModel, strategy: str, block: dict) -> None:
    chain, given = build(strategy=strategy, **block), pictures()
    out = chain(vision, given)
    references = [slow(chain, vision, picture) for picture in given]
    for name in references[0]:
        expected = torch.stack([reference[name] for reference in references])
        torch.testing.assert_close(getattr(out, name), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strategy", ASKING)
def test_shapes(vision: CLIPVisionModel, strategy: str) -> None:
    out = build(strategy=strategy)(vision, pictures())
    assert out.cls.shape == (3, WIDTH) and out.logits.shape == (3, CLASSES)
    assert out.scene.shape == out.object.shape == (3, QUERIES, WIDTH)
    assert out.scene_embeds.shape == out.object_embeds.shape == (3, EMBED)
    assert out.scene_attention.shape == out.object_attention.shape == (3, 4, 4)
    for embeds in (out.scene_embeds, out.object_embeds):
        torch.testing.assert_close(embeds.norm(dim=1), torch.ones(3))


@torch.no_grad()
def test_without_queries_it_is_the_tower(vision: CLIPVisionModel) -> None:
    chain, given = build(strategy="none"), pictures()
    out = chain(vision, given)
    torch.testing.assert_close(out.cls, vision(given).pooler_output)
    assert out.scene.shape == out.object.shape == (3, 0, WIDTH)
    assert out.scene_embeds is out.object_embeds is out.scene_attention is out.object_attention is None
    assert all(name.startswith("head.") for name, _ in chain.named_parameters())


@torch.no_grad()
@pytest.mark.parametrize("block_keys", ["patches", "all"])
@pytest.mark.parametrize("strategy", ASKING)
def test_maps_sum_to_1_and_come_only_when_asked_for(vision: CLIPVisionModel, strategy: str, block_keys: str) -> None:
    chain, given = build(strategy=strategy, block_keys=block_keys), pictures()
    out = chain(vision, given)
    for found in (out.scene_attention, out.object_attention):
        torch.testing.assert_close(found.sum(dim=(1, 2)), torch.ones(3))
        assert (found >= 0).all()
    blind = chain(vision, given, attention=False)
    assert blind.scene_attention is None and blind.object_attention is None
    torch.testing.assert_close(blind.object, out.object)


@torch.no_grad()
def test_a_batch_equals_single_pictures_and_kept_tokens_the_pictures(vision: CLIPVisionModel) -> None:
    chain, given = build(), pictures()
    out, later = chain(vision, given), chain.forward_tokens(vision, chain.embed(vision, given))
    for number in range(3):
        single = chain(vision, given[number : number + 1])
        for name in vars(out):
            torch.testing.assert_close(getattr(single, name)[0], getattr(out, name)[number], rtol=1e-4, atol=1e-5)
    assert all(torch.equal(getattr(out, name), getattr(later, name)) for name in vars(out))


@torch.no_grad()
def test_object_queries_of_several_stages_know_nothing_of_the_first_layers(vision: CLIPVisionModel) -> None:
    """In one step they stand beside the scene queries from the start, so scenes depend on them; in several they cannot."""

    def scenes(strategy: str) -> list[torch.Tensor]:
        chain = build(strategy=strategy)
        before = chain(vision, given).scene_embeds
        chain.object_queries.normal_()
        return [before, chain(vision, given).scene_embeds]

    given = pictures()
    before, after = scenes("multi-stage")
    assert torch.equal(before, after)
    before, after = scenes("single-step")
    assert not torch.allclose(before, after, atol=1e-4)


def total(out: ChainOutput) -> torch.Tensor:
    """Something that depends on everything that a loss may read."""
    return out.logits.square().sum() + out.scene_embeds[:, 0].sum() + out.object_embeds[:, 1].sum()


@pytest.mark.parametrize("strategy", ASKING)
@pytest.mark.parametrize("beta", [1e-4, None])
def test_gradients_reach_queries_blocks_beta_and_the_tower(
    vision: CLIPVisionModel, strategy: str, beta: float | None
) -> None:
    chain, shared = ExpertQueryChain(**SIZES, strategy=strategy, beta=beta), copy.deepcopy(vision)
    given = pictures().requires_grad_(True)
    total(chain(shared, given)).backward()
    # The temperature is the contrastive loss's.
    silent = {name for name, p in chain.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent <= {"logit_scale"}
    assert (beta is not None) == any(name.endswith("beta") for name, _ in chain.named_parameters())
    assert given.grad.abs().sum() > 0
    assert all(p.grad is not None for p in shared.encoder.parameters())


def test_beta_is_a_weight_for_each_channel_that_begins_small() -> None:
    chain = ExpertQueryChain(**SIZES)
    torch.testing.assert_close(chain.scene_block.beta, torch.full((WIDTH,), 1e-4))
    queries, tokens = torch.randn(2, 3, WIDTH), torch.randn(2, 5, WIDTH)
    assert torch.allclose(chain.scene_block(queries, tokens)[0], queries, atol=1e-2)
    replaced = ExpertQueryChain(**SIZES, beta=None).scene_block(queries, tokens)[0]
    assert not torch.allclose(replaced, queries, atol=1e-2)


def test_a_large_picture_is_made_small_as_pillow_does() -> None:
    """Of every pixel, not of a few: a chequered picture is grey, and another one like Pillow's bicubic."""
    vision = tower()
    vision.config.update({"image_mean": [0.5] * 3, "image_std": [0.25] * 3})
    given = torch.rand(1, 3, 64, 64) * 2 - 1
    given[:, 0] = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 2.0 - 1
    found = tower_pixels(vision, given)[0]
    assert found.shape == (3, 16, 16)
    for channel in range(3):
        plane = Image.fromarray(given[0, channel].numpy(), "F").resize((16, 16), Image.Resampling.BICUBIC)
        expected = (torch.from_numpy(np.array(plane)).clamp(-1, 1) / 2 + 0.5 - 0.5) / 0.25
        torch.testing.assert_close(found[channel], expected, atol=1e-4, rtol=1e-4)


def test_small_pictures_are_enlarged_to_the_towers_size() -> None:
    config = CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_attention_heads=2, num_hidden_layers=1, image_size=16, patch_size=8
    )
    assert tower_pixels(CLIPVisionModel(config), torch.zeros(2, 3, 9, 9)).shape == (2, 3, 16, 16)


def test_without_sizes_it_is_the_papers_for_vit_l() -> None:
    with torch.device("meta"):
        config = ExpertQueryChain().config
    expected = {
        "width": 1024, "num_heads": 16, "num_layers": 24, "scene_layer": 8, "object_layer": 16, "num_queries": 32,
        "block_layers": 2, "embed_dim": 768, "num_classes": 8, "head_dim": 768,
    }  # fmt: skip
    assert {name: config[name] for name in expected} == expected
    assert math.exp(LOGIT_SCALE) == pytest.approx(1 / 0.07)


def test_the_emotion_head_is_two_layers_with_dropout_between() -> None:
    """Section IV of the paper: Linear(W, 768), ReLU, dropout of a half, Linear(768, K)."""
    chain = ExpertQueryChain(width=8, num_heads=2, num_layers=2, scene_layer=1, object_layer=2, num_classes=5)
    first, relu, dropout, last = chain.head
    assert (first.in_features, first.out_features, last.in_features, last.out_features) == (8, 768, 768, 5)
    assert isinstance(relu, torch.nn.ReLU) and dropout.p == 0.5
    assert build(dropout=0.3).head[2].p == 0.3


@torch.no_grad()
@pytest.mark.parametrize("options", [{}, {"strategy": "none"}, {"beta": None, "block_keys": "all"}])
def test_saved_and_loaded_it_is_the_same(vision: CLIPVisionModel, tmp_path: Path, options: dict) -> None:
    chain, given = build(**options), pictures()
    chain.save_pretrained(tmp_path)
    loaded = ExpertQueryChain.from_pretrained(tmp_path).eval()
    assert not list(tmp_path.glob("*.bin")) and dict(loaded.config)["beta"] == chain.config.beta
    first, second = chain(vision, given), loaded(vision, given)
    for name, value in vars(first).items():
        other = getattr(second, name)
        assert torch.equal(value, other) if value is not None else other is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scene_layer": 0}, "scene's layer must come before"),
        ({"scene_layer": 3}, "scene's layer must come before"),
        ({"object_layer": LAYERS + 1}, "from 1 to 4"),
        ({"num_heads": 5}, "must divide the width 24; 5 does not"),
        ({"block_keys": "queries"}, "Unknown block_keys 'queries'; choose one of patches, all"),
        ({"strategy": "two-step"}, "Unknown strategy 'two-step'"),
        ({"num_queries": 0}, "at least one query"),
    ],
)
def test_settings_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize("sizes", [{"width": 16}, {"layers": 2}])
def test_a_tower_that_does_not_fit(sizes: dict) -> None:
    with pytest.raises(ValueError, match="made for a tower of width 24 with 4 layers"):
        build()(tower(**sizes), pictures(1))
