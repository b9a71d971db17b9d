"""Where a picture begins: the noise of a seed, the noise of its emotion, and the emotion's own numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.imaging import load_frames, to_tensor
from kcdp.pipelines.uniemo import UniEmoPipeline
from tests.image_files import animated
from tests.tiny_pipeline import SIZE

#: What a picture's seed and its emotion's seed are apart.
APART = 0x9E3779B97F4A7C15
EMOTIONS: list[Any] = ["awe", "fear", {"awe": 0.5, "sadness": 0.5}]


@pytest.fixture
def moving(picture: Any) -> bytes:
    return animated([picture(40, color=color) for color in ("gold", "red", "blue")], "GIF")


def noise_of(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@contextmanager
def given_to(module: torch.nn.Module) -> Iterator[list[tuple[torch.Tensor, ...]]]:
    given: list[tuple[torch.Tensor, ...]] = []
    hook = module.register_forward_pre_hook(lambda module, args: given.append(args))
    yield given
    hook.remove()


def test_a_seed_begins_with_the_same_noise_for_every_emotion(
    pipeline: UniEmoPipeline, faces: list[Image.Image]
) -> None:
    """Of a row or a grid: two seeds, and every emotion, two together and one of a picture."""
    for emotion in [*EMOTIONS, faces[0]]:
        with given_to(pipeline.unet) as given:
            pipeline(emotion, "a cat", seed=[3, 8], num_inference_steps=1, guidance_scale=1.0)
        for latents, seed in zip(given[0][0], (3, 8), strict=True):
            torch.testing.assert_close(latents, noise_of(seed, latents.shape))


def test_an_emotion_is_drawn_with_its_seeds_noise_whatever_else_is_drawn(pipeline: UniEmoPipeline) -> None:
    """Slow reference: mean and deviation of the emotion's own row, one noise for all, and its own mean alphas."""
    space = pipeline.space
    for emotion in EMOTIONS:
        with given_to(pipeline.fusion) as fused:
            pipeline(emotion, "a cat", seed=[3, 8], num_inference_steps=1)
        names = [emotion] if isinstance(emotion, str) else list(emotion)
        assert len(fused) == len(names)
        for name, (*features, alpha_scene, alpha_object) in zip(names, fused, strict=True):
            row = MIKELS_8.labels.index(name)
            for number, seed in enumerate((3, 8)):
                noise = noise_of((seed + APART) % 2**63, (3, space.config.width))
                for part in range(3):
                    expected = space.mean[row, part] + space.std[row, part] * noise[part]
                    torch.testing.assert_close(features[part][number], expected)
                drawn = torch.stack([alpha_scene[number], alpha_object[number]])
                torch.testing.assert_close(drawn, space.alphas[row])


def test_every_emotion_of_the_page_is_in_the_label_spaces_order(pipeline: UniEmoPipeline) -> None:
    with given_to(pipeline.fusion) as fused:
        pipeline({"sadness": 1, "awe": 3}, "", seed=3, num_inference_steps=1)
    first = pipeline.space.alphas[MIKELS_8.labels.index("awe")]
    torch.testing.assert_close(torch.stack([fused[0][3][0], fused[0][4][0]]), first)


@torch.no_grad()
def test_latents_are_painted_as_they_were_scaled(pipeline: UniEmoPipeline, faces: list[Image.Image]) -> None:
    z = pipeline.vae.encode(to_tensor([faces[0]], SIZE)).latent_dist.mean
    expected = ((pipeline.vae.decode(z).sample[0] + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy() * 255
    found = np.asarray(pipeline.decode(0.7 * z)[0], dtype=np.float32)
    np.testing.assert_allclose(found, expected, atol=0.51)


@torch.no_grad()
def test_the_emotion_of_an_animation_is_of_all_its_frames(pipeline: UniEmoPipeline, moving: bytes) -> None:
    out = pipeline.chain(pipeline.vision, to_tensor(load_frames(moving), SIZE))
    with given_to(pipeline.fusion) as fused:
        pipeline(moving, seed=1, num_inference_steps=1)
    cls, scene, objects, *alphas = fused[0]
    for found, frames in ((cls, out.cls), (scene, out.scene.mean(1)), (objects, out.object.mean(1))):
        torch.testing.assert_close(found[0], sum(frames) / 3)
        assert not torch.allclose(found[0], frames[0], atol=1e-4)
    table, weights = pipeline.correlation, out.logits.softmax(1)
    for found, embeds, own in zip(alphas, (out.scene_embeds, out.object_embeds), (range(3), range(3, 7)), strict=True):
        nearest = [max(own, key=lambda row, one=one: float(one @ table.embeds[row])) for one in embeds]
        expected = sum(table.coefficients[row] @ weights[frame] for frame, row in enumerate(nearest)) / 3
        torch.testing.assert_close(found[0], expected)


@torch.no_grad()
def test_scene_and_object_of_an_animation_are_nearest_to_the_mean_of_its_frames(
    pipeline: UniEmoPipeline, moving: bytes
) -> None:
    out, table = pipeline.chain(pipeline.vision, to_tensor(load_frames(moving), SIZE)), pipeline.correlation
    seen = pipeline.understand(moving)
    for match, embeds, own in (
        (seen.scene, out.scene_embeds, slice(0, 3)),
        (seen.object, out.object_embeds, slice(3, 7)),
    ):
        mean = sum(embeds) / 3
        cosines = F.cosine_similarity(mean[None], table.embeds[own])
        assert match.cosine == pytest.approx(cosines.max().item(), abs=1e-5)
        assert match.name == table.config.attributes[own][int(cosines.argmax())]
        first = (embeds[0] @ table.embeds[own].T).max().item()
        assert match.cosine != pytest.approx(first, abs=1e-5)


@torch.no_grad()
def test_the_scenes_map_is_where_scene_queries_looked_and_the_objects_where_object_queries_did(
    pipeline: UniEmoPipeline, faces: list[Image.Image]
) -> None:
    out = pipeline.chain(pipeline.vision, to_tensor([faces[0]], SIZE), attention=True)
    expected = {}
    for kind, weights in (("scene", out.scene_attention[0]), ("object", out.object_attention[0])):
        side = math.isqrt(weights.numel())
        heat = F.interpolate(weights.view(1, 1, side, side), size=(SIZE, SIZE), mode="bilinear")[0, 0]
        expected[kind] = ((heat - heat.min()) / (heat.max() - heat.min())).numpy()
    assert np.abs(expected["scene"] - expected["object"]).max() > 0.1
    for item in pipeline.understand(faces[0]).attention:
        np.testing.assert_allclose(item.heat, expected[item.kind], atol=1e-3)


def test_guidance_is_the_papers_where_nobody_says() -> None:
    defaults = {name: one.default for name, one in signature(UniEmoPipeline.__init__).parameters.items()}
    assert (defaults["guidance_scale"], defaults["guidance_rescale"]) == (7.5, 0.0)
