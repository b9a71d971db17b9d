"""The student of a denoiser, distilled to few steps: weights of its own, or a low-rank change of its teacher's (LoRA).

The latter takes a tenth of the room (Hu et al. 2021; for few steps: Luo et al. 2023, LCM-LoRA).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig
from torch import nn

#: File of a low-rank change in a student's folder; without it the folder has all weights.
ADAPTER_FILE = "pytorch_lora_weights.safetensors"


def add_adapter(unet: UNet2DConditionModel, rank: int) -> None:
    """Give every matrix and kernel of `unet` a low-rank change, which begins as none; nothing else is trained from then on."""
    names = [name for name, module in unet.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=names))


def save_student(unet: UNet2DConditionModel, folder: Path) -> None:
    """Write what `load_student` reads: the low-rank change of one that has it, or else all weights."""
    if getattr(unet, "peft_config", None):
        unet.save_lora_adapter(folder, weight_name=ADAPTER_FILE)
    else:
        unet.save_pretrained(folder)


def load_student(
    folder: Path, teacher: Callable[[], UNet2DConditionModel], dtype: torch.dtype = torch.float32
) -> UNet2DConditionModel:
    """The student in `folder`, any change put into the weights of its teacher, which becomes the student.

    `teacher` is called only where there is such a change.

    Raises what the libraries raise for files that cannot be read.
    """
    if not (folder / ADAPTER_FILE).is_file():
        return UNet2DConditionModel.from_pretrained(folder, dtype=dtype)
    # In 32 bits: half precision loses a change that is small beside its weight.
    unet = teacher().float()
    unet.load_lora_adapter(folder, prefix=None, weight_name=ADAPTER_FILE)
    unet.fuse_lora()
    unet.unload_lora()
    return unet.to(dtype)
