"""Where the networks of a pipeline are: on one device, or on the CPU until they are needed."""

from __future__ import annotations

from typing import Literal

import torch
from accelerate import cpu_offload
from diffusers import DiffusionPipeline
from torch import nn

#: "model": each network comes to the GPU when it is its turn. "sequential": each layer; slower by far, in the least memory.
Offload = Literal["model", "sequential"]

#: Components that are mostly convolutions. On a CPU these take less time, in batches a quarter less, when the channels of a
#: position lie side by side; so do the maps between them then, which attention over positions reads as they are.
_CONVOLUTIONAL = ("vae", "unet", "pyramid", "upscaler")


def execution_device(network: nn.Module) -> torch.device:
    """Where a network computes: where its weights are or, when it is offloaded, where accelerate's hooks bring them."""
    weight = next(network.parameters())
    # Of a network that is brought layer by layer the weights are nowhere, and a layer knows; others are not walked through.
    asked = network.modules() if weight.device.type == "meta" else [network]
    for module in asked:
        device = getattr(getattr(module, "_hf_hook", None), "execution_device", None)
        if device is not None:
            return torch.device(device)
    return weight.device


def bring(network: nn.Module) -> None:
    """Bring an offloaded network whole, for whoever asks it for something other than its `forward`; else do nothing."""
    hook = getattr(network, "_hf_hook", None)
    if hook is not None:
        hook.pre_forward(network)


def place(pipeline: DiffusionPipeline, device: str | torch.device, offload: Offload | None) -> None:
    """Put a pipeline's networks on `device`, or have them brought there by diffusers' own switches.

    On a CPU the kernels of convolutions are laid out as those are fastest; what is saved of them stays as it is.
    """
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)
        denoiser = getattr(pipeline, "denoiser", None)
        if denoiser is not None:
            # The view on the UNet is no component, and the layers of both hold the same weights.
            cpu_offload(denoiser.unet, torch.device(device), offload_buffers=True)
    else:
        pipeline.to(device)
        if torch.device(device).type == "cpu":
            for name in _CONVOLUTIONAL:
                network = getattr(pipeline, name, None)
                if network is not None:
                    network.to(memory_format=torch.channels_last)
