"""Understanding and joint training on the networks of the Hub: a plain CLIP, and a denoiser that predicts the noise."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, CLIPVisionModel
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from kcdp.knowledge.triplets import TripletParser
from kcdp.painting.prompt import Condition
from kcdp.uniemo.query_chain import ExpertQueryChain
from tests.tiny_diffusion import clip_vision, stable_diffusion, text_config
from tests.train.conftest import SIZE
from train.core.foundation import PARSER
from train.core.trainer import LoopConfig, run_stage
from train.stages.understanding import UnderstandingConfig, UnderstandingStage, stem_tokens
from train.stages.unet import denoising_loss

SETTINGS = UnderstandingConfig(num_queries=2, head_dim=16, dropout=0.0, min_count=2, views=1)


@pytest.fixture(scope="module")
def clip(tiny_tokenizer) -> CLIPModel:
    """CLIP in OpenAI's layout, for pictures of 28 px."""
    torch.manual_seed(0)
    vision, text = clip_vision().config, text_config(tiny_tokenizer, 16)
    return CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=12)).eval()


@pytest.fixture(scope="module")
def stage(thing_datasets, clip, tiny_tokenizer) -> UnderstandingStage:
    return UnderstandingStage(SETTINGS, *thing_datasets, clip, tiny_tokenizer, TripletParser.from_pretrained(PARSER))


@torch.no_grad()
def test_a_plain_clip_sees_pictures_of_its_own_size_and_scale(stage, clip, thing_datasets):
    dataset, size = thing_datasets[0], clip.config.vision_config.image_size
    assert size != SIZE
    pixels = F.interpolate(dataset.plain(torch.arange(len(dataset))), size=(size, size), mode="bicubic", antialias=True)
    mean, std = (torch.tensor(given)[:, None, None] for given in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    expected = clip.vision_model.embeddings((pixels.clamp(-1, 1) / 2 + 0.5 - mean) / std)
    found = torch.from_numpy(stem_tokens(dataset, stage.vision, 0)[0][:]).float()
    torch.testing.assert_close(found, clip.vision_model.pre_layrnorm(expected), atol=1e-2, rtol=1e-2)
    other = copy.deepcopy(stage.vision)
    other.config.image_mean = [0.5, 0.5, 0.5]
    assert not np.allclose(stem_tokens(dataset, other, 0)[0][:], found.numpy(), atol=1e-2)


def test_its_tokens_are_not_kept_and_augmented_anew_for_every_batch(stage, thing_datasets):
    dataset, kept = thing_datasets[0], set(thing_datasets[0].cache_dir.iterdir())
    plain, view = stem_tokens(dataset, stage.vision, 1)
    assert len(plain) == len(view) == len(dataset)
    rows = np.array([3, 0, 7])
    np.testing.assert_allclose(plain[rows], plain[:][rows], atol=1e-2)
    np.testing.assert_array_equal(view[rows], view[rows])
    assert not np.allclose(view[rows][0], view[rows[:1]][0], atol=0.05)
    assert set(dataset.cache_dir.iterdir()) == kept
    # A batch is as the pictures were drawn, each with its own label.
    batch = dataclasses.replace(stage.data, views=[plain]).draw(
        torch.from_numpy(rows), torch.Generator().manual_seed(0)
    )
    np.testing.assert_allclose(batch["tokens"].numpy(), plain[rows].astype(np.float32), atol=1e-2)
    assert torch.equal(batch["labels"], dataset.labels[rows])


def test_the_chain_learns_on_a_plain_clip_and_the_run_can_be_loaded(stage, tmp_path):
    metrics = run_stage(stage, LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2), tmp_path)
    assert {"macro_f1", "scene_recall", "object_recall"} <= set(metrics)
    vision = CLIPVisionModel.from_pretrained(tmp_path / "best" / "vision").eval()
    chain = ExpertQueryChain.from_pretrained(tmp_path / "best" / "chain").eval()
    assert torch.equal(vision.embeddings.patch_embedding.weight, stage.vision.embeddings.patch_embedding.weight)
    with torch.no_grad():
        assert chain.forward_tokens(vision, torch.from_numpy(stage.held_out[:]).float()).logits.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_denoiser_that_predicts_noise_is_asked_for_noise(tiny_tokenizer, dtype):
    """One picture at a time."""
    parts = stable_diffusion(tiny_tokenizer)
    unet = parts["unet"].to(dtype)
    scheduler = DDPMScheduler.from_config(parts["scheduler"].config)
    latents, noise, states = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8), torch.randn(3, 16, 16)
    steps = torch.tensor([1, 300, 999])
    found = denoising_loss(unet, scheduler, latents, noise, steps, Condition(states))
    expected = 0.0
    for row, step in enumerate(steps.tolist()):
        kept = float(scheduler.alphas_cumprod[step])
        noisy = kept**0.5 * latents[row] + (1 - kept) ** 0.5 * noise[row]
        predicted = unet(noisy[None].to(dtype), step, states[row][None].to(dtype)).sample[0].float()
        expected += (predicted - noise[row]).square().mean().item() / 3
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=1e-4 if dtype is torch.float32 else 0.03)
