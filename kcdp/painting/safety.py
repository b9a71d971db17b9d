"""The safety checker of a published text-to-image model, which withholds pictures that not everybody wants to see."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.offload import execution_device

# It logs that it blackens a picture and what to do, which is not what happens here.
logging.getLogger(StableDiffusionSafetyChecker.__module__).setLevel(logging.ERROR)

#: Colour of what stands in the place of a picture that is withheld.
_GREY = (128, 128, 128)


@torch.no_grad()
def objected(
    checker: StableDiffusionSafetyChecker, processor: CLIPImageProcessorPil, pictures: Sequence[Image.Image]
) -> tuple[bool, ...]:
    """For each RGB picture whether the checker objects to it, as diffusers' StableDiffusionPipeline asks it."""
    weight = next(checker.parameters())
    pixels = processor(list(pictures), return_tensors="pt").pixel_values.to(execution_device(checker), weight.dtype)
    # It blackens what it is given in place: something that nobody sees.
    _, found = checker(clip_input=pixels, images=[np.zeros((1, 1, 3)) for _ in pictures])
    return tuple(map(bool, found))


def withheld_picture(picture: Image.Image) -> Image.Image:
    """A grey one of the same size."""
    return Image.new("RGB", picture.size, _GREY)
