"""The pyramid against a slow reading of eq. 5, its scale, its gradients and its errors."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional as F

from kcdp.perception.denoiser import Denoiser
from kcdp.perception.pyramid import FeaturePyramid

CHANNELS, TOKENS = (8, 16, 32), 6


def make_inputs() -> tuple[list[torch.Tensor], list[torch.Tensor | None]]:
    features = [10.0**i * torch.randn(2, width, 16 // 2**i, 16 // 2**i) for i, width in enumerate(CHANNELS)]
    attention = [torch.rand(2, TOKENS, 16, 16).softmax(1), torch.rand(2, TOKENS, 8, 8).softmax(1), None]
    return features, attention


@pytest.fixture
def pyramid() -> FeaturePyramid:
    return FeaturePyramid(CHANNELS, (0, TOKENS, 0), out_channels=12)


def test_value_against_a_slow_reading(pyramid: FeaturePyramid) -> None:
    features, attention = make_inputs()
    fine, middle, coarse = features
    low = pyramid.lateral[2](pyramid.feature_norms[2](coarse))
    joined = torch.cat([pyramid.feature_norms[1](middle), pyramid.attention_norms[1](attention[1])], 1)
    mid = pyramid.lateral[1](joined) + low.repeat_interleave(2, 2).repeat_interleave(2, 3)
    top = pyramid.lateral[0](pyramid.feature_norms[0](fine)) + mid.repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = [F.silu(smooth(x)).flatten(2).mean(2) for smooth, x in zip(pyramid.smooth, (top, mid, low), strict=True)]
    torch.testing.assert_close(pyramid(features, attention), torch.cat(expected, 1))


def test_features_are_normalised_in_groups_and_attention_as_one() -> None:
    """Which tokens were looked at more than others is kept: a map of one token has no mean of its own."""
    pyramid = FeaturePyramid((64, 16, 32), (0, TOKENS, 0), out_channels=12)
    maps, wide = torch.rand(2, TOKENS, 8, 8).softmax(1), 5 * torch.randn(2, 64, 8, 8) + 1
    for picture in range(2):
        one = maps[picture]
        expected = (one - one.mean()) / (one.var(correction=0) + 1e-5).sqrt()
        torch.testing.assert_close(pyramid.attention_norms[1](maps)[picture], expected)
        # 32 groups of two channels.
        for group in range(32):
            two = wide[picture, 2 * group : 2 * group + 2]
            expected = (two - two.mean()) / (two.var(correction=0) + 1e-5).sqrt()
            found = pyramid.feature_norms[0](wide)[picture, 2 * group : 2 * group + 2]
            torch.testing.assert_close(found, expected)


def test_shapes_of_stable_diffusion() -> None:
    with torch.device("meta"):
        pyramid = FeaturePyramid()
    assert pyramid.in_channels == (320, 794, 1434, 1280)
    assert [layer.in_channels for layer in pyramid.lateral] == [320, 794, 1434, 1280]
    features = [torch.empty(2, c, n, n, device="meta") for c, n in ((320, 64), (640, 32), (1280, 16), (1280, 8))]
    attention = [torch.empty(2, 154, n, n, device="meta") for n in (64, 32, 16, 8)]
    assert pyramid(features, attention).shape == (2, 1024)
    assert pyramid.visual_dim == 1024


def test_takes_what_the_denoiser_gives(tiny_unet: UNet2DConditionModel) -> None:
    denoiser = Denoiser(tiny_unet, attention_levels=(0,))
    pyramid = FeaturePyramid(denoiser.feature_channels, denoiser.attention_channels(10), out_channels=8)
    seen = denoiser(torch.randn(3, 8, 8, 8), torch.randn(3, 10, 32))
    v = pyramid(seen.features, seen.attention)
    assert v.shape == (3, pyramid.visual_dim) == (3, 16)
    optimizer = torch.optim.SGD(denoiser.trainable_parameters(), lr=0.1)
    v.square().sum().backward()
    optimizer.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in pyramid.parameters())
    v = pyramid(*vars(denoiser(torch.randn(3, 8, 8, 8), torch.randn(3, 10, 32))).values())
    gradients = torch.autograd.grad(v.square().sum(), denoiser.trainable_parameters())
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    tiny_unet.zero_grad(set_to_none=True)


def test_scale_of_a_level_does_not_matter(pyramid: FeaturePyramid) -> None:
    features, attention = make_inputs()
    louder = [features[0], 50 * features[1], features[2]]
    torch.testing.assert_close(pyramid(louder, attention), pyramid(features, attention), rtol=1e-3, atol=1e-4)


def test_attention_of_untaken_levels_is_left_aside(pyramid: FeaturePyramid) -> None:
    features, attention = make_inputs()
    other = [torch.rand(2, 99, 3, 3), attention[1], torch.rand(2, 4, 4, 4)]
    assert torch.equal(pyramid(features, attention), pyramid(features, other))
    attention[1] = attention[1].flip(1)
    assert not torch.allclose(pyramid(features, attention), pyramid(features, other))


def test_trains_on_what_a_frozen_denoiser_gives(tiny_unet: UNet2DConditionModel) -> None:
    denoiser = Denoiser(copy.deepcopy(tiny_unet).requires_grad_(False), tuning="frozen", attention_levels=(0, 1))
    pyramid = FeaturePyramid(denoiser.feature_channels, denoiser.attention_channels(6), out_channels=8)
    perception = denoiser(torch.randn(2, 8, 8, 8), torch.randn(2, 6, 32))
    # torch's own crash, should it come back, ends the process here.
    pyramid(perception.features, perception.attention).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in pyramid.parameters())


def test_odd_sizes_fit() -> None:
    pyramid = FeaturePyramid((8, 8), (0, 0), out_channels=4)
    assert pyramid([torch.randn(1, 8, 7, 9), torch.randn(1, 8, 4, 5)], [None, None]).shape == (1, 8)


def test_batch_says_the_same_as_single_pictures(pyramid: FeaturePyramid) -> None:
    features, attention = make_inputs()
    alone = [
        pyramid([f[i : i + 1] for f in features], [None if m is None else m[i : i + 1] for m in attention])
        for i in range(2)
    ]
    torch.testing.assert_close(pyramid(features, attention), torch.cat(alone))


def test_survives_saving(pyramid: FeaturePyramid, tmp_path: Path) -> None:
    pyramid.save_pretrained(tmp_path)
    loaded = FeaturePyramid.from_pretrained(tmp_path)
    assert loaded.in_channels == pyramid.in_channels
    inputs = make_inputs()
    assert torch.equal(loaded(*inputs), pyramid.eval()(*inputs))


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="There are 3 levels of features but 2 of attention"):
        FeaturePyramid(CHANNELS, (0, TOKENS))


@pytest.mark.parametrize("fault", ["tokens", "no map", "channels", "too few", "too many"])
def test_inputs_that_do_not_fit_are_refused(pyramid: FeaturePyramid, fault: str) -> None:
    features, attention = make_inputs()
    if fault == "tokens":
        attention[1] = torch.rand(2, TOKENS + 1, 8, 8)
    elif fault == "no map":
        attention[1] = None
    elif fault == "channels":
        features[0] = torch.randn(2, 9, 16, 16)
    elif fault == "too few":
        features, attention = features[:2], attention[:2]
    else:
        features, attention = [*features, features[-1]], [*attention, None]
    with pytest.raises(ValueError, match=r"This pyramid takes \(feature, attention\) channels"):
        pyramid(features, attention)


def test_a_path_over_the_latents_adds_its_maps_to_every_level() -> None:
    torch.manual_seed(0)
    pyramid = FeaturePyramid((8, 12), (0, 0), 16, latent_channels=4, path_channels=(6, 10)).eval()
    assert pyramid.in_channels == (14, 22)
    features, latents = [torch.randn(3, 8, 8, 8), torch.randn(3, 12, 4, 4)], torch.randn(3, 4, 8, 8)
    maps = pyramid.path(latents)
    assert [tuple(level.shape) for level in maps] == [(3, 6, 8, 8), (3, 10, 4, 4)]
    v = pyramid(features, [None, None], latents)
    assert v.shape == (3, 32)
    assert not torch.allclose(v, pyramid(features, [None, None], latents + 1))
    alone = [pyramid([f[i : i + 1] for f in features], [None, None], latents[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(v, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_a_latent_encoder_needs_a_width_for_each_level() -> None:
    with pytest.raises(ValueError, match="2 levels of features but 1 of the latent encoder"):
        FeaturePyramid((8, 12), (0, 0), 16, latent_channels=4, path_channels=(6,))
