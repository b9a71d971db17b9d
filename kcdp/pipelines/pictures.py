"""Decoding pictures and animations for the pipelines, and encoding them as latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.imaging import to_tensor
from kcdp.offload import execution_device
from kcdp.painting.opacity import add_opacity
from kcdp.painting.sampling import finite
from kcdp.perception.sticker_autoencoder import Autoencoder, StickerAutoencoder
from kcdp.results import FrameReading

#: A picture: decoded, a path, or the bytes of a file.
Picture = DecodedPicture | Image.Image | str | Path | bytes


@dataclass(frozen=True)
class Clips:
    """The frames of one picture or several; a still has one.

    `clip_index` (F,) int64 says for each of the F frames in `flat`, clip by clip, whose it is. `times` are, for each frame,
    when it shows first and for how long it stands, in milliseconds.
    """

    pictures: list[DecodedPicture]
    single: bool

    @property
    def frames(self) -> list[list[Image.Image]]:
        """Those of each picture."""
        return [list(picture.frames) for picture in self.pictures]

    @property
    def times(self) -> list[tuple[tuple[float, float], ...]]:
        """Those of each picture's frames."""
        return [picture.times for picture in self.pictures]

    def tensor(self, size: int) -> torch.Tensor:
        """All frames as `to_tensor` gives them, (F, 3, size, size); do not change it in place."""
        return torch.cat([picture.tensor(size) for picture in self.pictures])

    @property
    def flat(self) -> list[Image.Image]:
        """All frames in one list."""
        return [frame for clip in self.frames for frame in clip]

    @property
    def clip_index(self) -> torch.Tensor:
        """(F,) int64: for each frame in `flat`, the number of the picture that it is of."""
        return torch.tensor([number for number, clip in enumerate(self.frames) for _ in clip])

    @property
    def middles(self) -> list[Image.Image]:
        """The frame of each picture that stands for it."""
        return [clip[len(clip) // 2] for clip in self.frames]

    def readings(self, number: int, probabilities: torch.Tensor, labels: Sequence[str]) -> tuple[FrameReading, ...]:
        """The reading of each frame of picture `number`, of `probabilities` (F, K) of its frames, one column a label."""
        return tuple(
            FrameReading(
                start / 1000,
                duration / 1000,
                labels[int(mine.argmax())],
                dict(zip(labels, mine.tolist(), strict=True)),
            )
            for (start, duration), mine in zip(self.times[number], probabilities, strict=True)
        )

    def rows(self, number: int) -> torch.Tensor:
        """Where in `flat` the frames of picture `number` are, int64."""
        return (self.clip_index == number).nonzero().flatten()


def load_clips(image: Picture | Sequence[Picture]) -> Clips:
    """Read one picture or a list of them; raises ImageError with one sentence when one cannot be read."""
    single = not isinstance(image, (list, tuple))
    given: list[Picture] = list(image) if isinstance(image, (list, tuple)) else [cast(Picture, image)]
    found = [DecodedPicture.load(picture) for picture in given]
    return Clips(found, single)


def safe_vae(vae: Autoencoder) -> Autoencoder:
    """SDXL's autoencoder, whose numbers are too large for float16, from now on in 32 bits if it says so."""
    return vae.to(torch.float32) if vae.dtype == torch.float16 and vae.config.get("force_upcast") else vae


def encode_pictures(vae: Autoencoder, frames: Sequence[Image.Image]) -> torch.Tensor:
    """Latents z (B, C, h, w) of RGB pictures; see `encode_pixels`."""
    return encode_pixels(vae, to_tensor(frames, vae.config.sample_size))


def encode_pixels(vae: Autoencoder, pixels: torch.Tensor) -> torch.Tensor:
    """Latents z (B, C, h, w) of pixels (B, 3, H, W) in [-1, 1]: the posterior's mode, scaled as the denoiser was trained.

    For an autoencoder with opacity, white that reaches in from a picture's rim is clear.
    """
    pixels = pixels.to(execution_device(vae), vae.dtype)
    if isinstance(vae, StickerAutoencoder):
        pixels = add_opacity(pixels)
    return finite(vae.encode(pixels).latent_dist.mode()) * vae.config.scaling_factor
