"""The published architectures beside the plain library call: what of KCDP and UniEmo costs beside their networks."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from peft import LoraConfig

from kcdp.painting.prompt import PromptEncoder
from kcdp.painting.sampling import Guidance, denoise
from kcdp.perception.denoiser import share_unet
from kcdp.results import Triplet
from train.benchmarks.timing import Row, Stopwatch
from train.full_size import SCHEDULER, FullSize


def full_shapes(full: FullSize, count: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Latents (B, 4, 64, 64) and k (B, 154, 768) of `count` pictures, and what has which shape, line by line."""
    triplets = [Triplet("a man", "hugs", "a woman"), Triplet("a woman", "smiles at", "a man")]
    with torch.no_grad():
        states = full.encoder.encode(["a man hugs a woman"] * count, [triplets] * count).states
        side = full.unet.config.sample_size
        latents = torch.randn(count, full.unet.config.in_channels, side, side).to(states)
        visual = full.visual(latents, states)
    learned = sum(parameter.numel() for parameter in full.denoiser.trainable_parameters())
    return (
        latents,
        states,
        [
            f"Denoiser {sum(parameter.numel() for parameter in full.unet.parameters()) / 1e6:.1f} M parameters, "
            f"KGCA {learned} of them on top (LoRA).",
            f"k {tuple(states.shape)}, the pyramid's inputs {full.pyramid.in_channels} channels, v {tuple(visual.shape)}; "
            f"all finite: {bool(visual.isfinite().all())}.",
        ],
    )


def measure_full(
    full: FullSize, latents: torch.Tensor, states: torch.Tensor, stopwatch: Stopwatch, steps: int
) -> list[Row]:
    """The rows of `--full`: one pass, one step of training, expert queries on the vision tower, and painting."""
    count = len(latents)
    several = f"{count} picture{'s' * (count > 1)}"
    plain = share_unet(full.unet)
    plain.add_adapter(LoraConfig(r=8, lora_alpha=8, target_modules=["attn2.to_k", "attn2.to_v"]))
    size = full.vision.config.image_size
    pixels = torch.randn(count, 3, size, size, device=latents.device, dtype=latents.dtype)

    def plain_pass(unet: torch.nn.Module) -> torch.Tensor:
        return unet(latents, 1, encoder_hidden_states=states, return_dict=False)[0]

    with torch.no_grad():
        seen = stopwatch.row(
            f"v of {several}, beside the plain UNet",
            lambda: full.visual(latents, states),
            lambda: plain_pass(full.unet),
            count,
        )
        queried = stopwatch.row(
            f"emotion, scene and object of {several}, beside the plain vision tower",
            lambda: full.chain(full.vision, pixels),
            lambda: full.vision(pixels),
            count,
        )
        painted = stopwatch.row(
            f"{several} painted in {steps} step{'s' * (steps > 1)}, beside Stable Diffusion's pipeline",
            lambda: painted_by_ours(full, count, steps),
            lambda: painted_by_library(full, count, steps),
            count,
        )
    learned = stopwatch.row(
        f"v of {several} and back, beside the plain UNet with the same LoRA",
        lambda: full.visual(latents, states).float().mean().backward(),
        lambda: plain_pass(plain).float().mean().backward(),
        count,
    )
    return [seen, learned, queried, painted]


#: How far painting at full size follows its prompt, as in UniEmo's experiments.
GUIDANCE = 7.5


def painted_by_ours(full: FullSize, count: int, steps: int) -> torch.Tensor:
    """Pixels (B, 3, 512, 512) of prompts with an emotion's vector among their words."""
    prompts = PromptEncoder((full.text_encoder,), (full.encoder.tokenizer,), full.vae.config.sample_size)
    emotion = torch.randn(full.text_encoder.config.hidden_size, device=full.unet.device, dtype=full.unet.dtype)
    latents = denoise(
        full.unet,
        DDIMScheduler(**SCHEDULER),
        prompts.with_emotions(["a cat"] * count, [[(emotion, 1.0)]] * count),
        range(count),
        steps,
        lambda number, timestep, latents: latents,
        prompts.nothing(),
        Guidance(GUIDANCE),
    )
    return full.vae.decode(latents / full.vae.config.scaling_factor, return_dict=False)[0]


def painted_by_library(full: FullSize, count: int, steps: int) -> torch.Tensor:
    """`count` pictures of plain prompts, painted by diffusers' own pipeline on these networks: (B, 3, H, W)."""
    library = StableDiffusionPipeline(
        vae=full.vae,
        unet=full.unet,
        text_encoder=full.text_encoder,
        tokenizer=full.encoder.tokenizer,
        scheduler=DDIMScheduler(**SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    library.set_progress_bar_config(disable=True)
    settings = {"num_inference_steps": steps, "guidance_scale": GUIDANCE, "output_type": "pt"}
    return library(["an awe cat"] * count, **settings).images
