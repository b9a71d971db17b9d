"""The denoiser sees without touching the UNet it shares, whatever is tuned, and what it reports is what was computed."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from kcdp.perception.denoiser import Denoiser, Perception, level_modules, share_unet
from kcdp.perception.heat import heat_map
from tests.tiny_denoiser import TOKENS, WIDTH, assert_same, build, objective


def test_shared_unet_has_the_very_same_parameters_and_follows_a_move(unet: UNet2DConditionModel) -> None:
    base = copy.deepcopy(unet)
    view = share_unet(base)
    assert list(view.state_dict()) == list(base.state_dict())
    assert all(a is b for a, b in zip(view.parameters(), base.parameters(), strict=True))
    assert not {id(m) for m in view.modules()} & {id(m) for m in base.modules()}
    base.to(torch.float64)
    assert view.dtype == torch.float64
    view.to(torch.float32)
    assert base.dtype == torch.float32
    assert all(a is b for a, b in zip(view.parameters(), base.parameters(), strict=True))


def test_shared_buffers_stay_the_same_objects() -> None:
    base = nn.BatchNorm1d(3)
    view = share_unet(base)
    assert all(a is b for a, b in zip(view.buffers(), base.buffers(), strict=True))


def test_levels_run_from_high_to_low_resolution(unet: UNet2DConditionModel, inputs: tuple) -> None:
    denoiser = build(unet)
    seen = denoiser(*inputs)
    assert [tuple(f.shape) for f in seen.features] == [(3, 16, 16, 16), (3, 32, 8, 8), (3, 48, 4, 4)]
    assert [tuple(m.shape) for m in seen.attention] == [(3, TOKENS, 16, 16), (3, TOKENS, 8, 8), (3, TOKENS, 4, 4)]
    assert denoiser.feature_channels == (16, 32, 48)
    assert denoiser.attention_channels(TOKENS) == (TOKENS, TOKENS, 0)
    for maps in seen.attention:
        torch.testing.assert_close(maps.sum(dim=1), torch.ones_like(maps[:, 0]))


@pytest.mark.parametrize("pooled", [False, True])
def test_the_encoder_s_features_are_those_of_a_whole_pass(
    unet: UNet2DConditionModel, inputs: tuple, pooled: bool
) -> None:
    """Also where the words, pooled, join the timestep."""
    latents, states = inputs
    if pooled:
        added = {"addition_embed_type": "text", "addition_embed_type_num_heads": 2}
        unet = UNet2DConditionModel.from_config({**unet.config, **added}).eval()
    denoiser = build(unet, features="encoder", timestep=3)
    kept = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: kept.append(output))
        for module in level_modules(unet, "encoder")
    ]
    unet(latents, 3, states)
    for hook in hooks:
        hook.remove()
    seen = denoiser(latents, states)
    expected = [output[0] if isinstance(output, tuple) else output for output in kept]
    torch.testing.assert_close(list(seen.features), expected)
    assert [tuple(f.shape) for f in seen.features] == [(3, 16, 16, 16), (3, 32, 8, 8), (3, 48, 4, 4)]
    assert [tuple(m.shape) for m in seen.attention] == [(3, TOKENS, 16, 16), (3, TOKENS, 8, 8), (3, TOKENS, 4, 4)]


def test_what_the_encoder_s_pass_tunes_is_all_reached(unet: UNet2DConditionModel, inputs: tuple) -> None:
    denoiser = build(copy.deepcopy(unet).requires_grad_(False), features="encoder", lora_rank=2)
    objective(denoiser(*inputs)).backward()
    assert [1 for parameter in denoiser.trainable_parameters() if parameter.grad is None] == []


def test_level_without_cross_attention_has_no_map() -> None:
    bare = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        mid_block_type="UNetMidBlock2D",
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=WIDTH,
        norm_num_groups=8,
    )
    seen = Denoiser(bare, attention_levels=(0,))(torch.randn(2, 4, 8, 8), torch.randn(2, TOKENS, WIDTH))
    assert seen.attention[1] is None
    assert len(seen.attention_of(1)) == 1
    with pytest.raises(ValueError, match="Level 1 of this UNet has no cross-attention"):
        Denoiser(bare, attention_levels=(0, 1))


def test_stable_diffusion_arithmetic() -> None:
    """The published pyramid inputs: 320, 640 + 154, 1280 + 154, 1280; on the meta device nothing is computed."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
        latents, states = torch.empty(2, 4, 64, 64), torch.empty(2, 154, 768)
    denoiser = Denoiser(unet)
    seen = denoiser(latents, states)
    assert [tuple(f.shape[1:]) for f in seen.features] == [(320, 64, 64), (640, 32, 32), (1280, 16, 16), (1280, 8, 8)]
    assert [tuple(m.shape[1:]) for m in seen.attention] == [(154, n, n) for n in (64, 32, 16, 8)]
    taken = zip(denoiser.feature_channels, denoiser.attention_channels(154), strict=True)
    assert [sum(both) for both in taken] == [320, 794, 1434, 1280]


def test_features_are_the_decoders_last_words(unet: UNet2DConditionModel, inputs: tuple) -> None:
    """Against hooks on a plain copy with the library's own attention, at the configured timestep."""
    plain, kept = copy.deepcopy(unet), []
    lasts = (plain.up_blocks[2].attentions[-1], plain.up_blocks[1].attentions[-1], plain.up_blocks[0].resnets[-1])
    for last in lasts:
        last.register_forward_hook(lambda m, i, out: kept.append(out[0] if isinstance(out, tuple) else out))
    plain(inputs[0], 7, inputs[1])
    seen = build(unet, tuning="frozen", timestep=7)(*inputs)
    torch.testing.assert_close(list(seen.features), kept[::-1], rtol=1e-4, atol=1e-5)


def test_maps_are_the_mean_over_heads_and_layers(unet: UNet2DConditionModel, inputs: tuple) -> None:
    """The 16 x 16 level recomputed slowly, from what each cross-attention layer was given."""
    denoiser = build(unet, tuning="frozen")
    layers = [denoiser.unet.down_blocks[0].attentions[0], *denoiser.unet.up_blocks[2].attentions]
    given: list[torch.Tensor] = []
    for layer in layers:
        attention = layer.transformer_blocks[0].attn2
        attention.register_forward_pre_hook(
            lambda m, args, kwargs: given.append(args[0] if args else kwargs["hidden_states"]), with_kwargs=True
        )
    maps = denoiser(*inputs).attention[0]
    expected = torch.zeros_like(maps)
    for layer, hidden in zip(layers, given, strict=True):
        attention = layer.transformer_blocks[0].attn2
        for picture in range(3):
            query, key = attention.to_q(hidden[picture]), attention.to_k(inputs[1][picture])
            for q, k in zip(query.chunk(attention.heads, -1), key.chunk(attention.heads, -1), strict=True):
                probabilities = (q @ k.T / q.shape[-1] ** 0.5).softmax(-1)
                expected[picture] += probabilities.T.reshape(TOKENS, 16, 16) / attention.heads / len(layers)
    torch.testing.assert_close(maps, expected)


def test_batch_says_the_same_as_single_pictures(unet: UNet2DConditionModel, inputs: tuple) -> None:
    denoiser = build(unet)
    together = denoiser(*inputs)
    for i in range(3):
        alone = denoiser(inputs[0][i : i + 1], inputs[1][i : i + 1])
        for levels, single in ((together.features, alone.features), (together.attention, alone.attention)):
            for level, expected in zip(levels, single, strict=True):
                torch.testing.assert_close(level[i : i + 1], expected, rtol=1e-4, atol=1e-5)


def test_threads_do_not_see_each_other(unet: UNet2DConditionModel) -> None:
    """Perception of different pictures and token counts, and generation with the base, all at once."""
    denoiser = build(unet)
    generator = torch.Generator().manual_seed(2)
    jobs = [
        (torch.randn(1, 4, 16, 16, generator=generator), torch.randn(1, 3 + i, WIDTH, generator=generator))
        for i in range(4)
    ]

    def see(job: tuple[torch.Tensor, torch.Tensor]) -> Perception:
        with torch.no_grad():
            return denoiser(*job)

    def denoise(job: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            return unet(job[0], 9, job[1]).sample

    alone, made_alone = [see(job) for job in jobs], [denoise(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        seen, made = pool.map(see, jobs * 2), pool.map(denoise, jobs * 2)
        for result, expected in zip(seen, alone * 2, strict=True):
            assert_same(result, expected, rtol=0, atol=0)
        assert all(torch.equal(result, expected) for result, expected in zip(made, made_alone * 2, strict=True))


def test_offload_hook_of_the_base_is_asked_first(unet: UNet2DConditionModel, inputs: tuple) -> None:
    """A pipeline's CPU offload brings the base in when the base is called; the view is called in its stead."""
    base, calls = copy.deepcopy(unet), []

    class Hook:
        def pre_forward(self, module: nn.Module) -> None:
            calls.append(module)

    denoiser = build(base)
    base._hf_hook = Hook()
    denoiser(*inputs)
    assert calls == [base]


@pytest.mark.parametrize(
    ("latents", "states", "sentence"),
    [
        ((2, 3, 16, 16), (2, 5, WIDTH), r"Latents must be \(B, 4, H, W\)"),
        ((4, 16, 16), (2, 5, WIDTH), "Latents must be"),
        ((2, 4, 16, 16), (2, 5, WIDTH + 1), "States must be"),
        ((2, 4, 16, 16), (5, WIDTH), "States must be"),
        ((2, 4, 16, 16), (3, 5, WIDTH), "There are 2 latents but 3 states"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    unet: UNet2DConditionModel, latents: tuple[int, ...], states: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(unet)(torch.zeros(latents), torch.zeros(states))


def test_what_it_saw_of_one_picture_is_drawn(unet: UNet2DConditionModel, inputs: tuple) -> None:
    seen = build(unet)(*inputs)
    assert heat_map(seen.attention_of(1), [0, 2], (20, 30)).shape == (20, 30)
