"""Pictures that a model makes for emotions, each kept on disk under its seed: what is there is never made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from kcdp.imaging import load_frames, to_tensor
from train.core.processes import distributed_map
from train.files import write_picture


class Request(NamedTuple):
    """What one call of a model makes: pictures of an emotion and a prompt, one of each seed."""

    emotion: str
    seeds: list[int]
    prompt: str = ""


@dataclass(frozen=True)
class GeneratedPicture:
    """Where a generated picture is, and the emotion and prompt it was made for."""

    path: Path
    emotion: str
    prompt: str


def generate(
    folder: Path, requests: Sequence[Request], paint: Callable[[Request], Sequence[Image.Image]], name: str
) -> list[GeneratedPicture]:
    """The pictures of all requests, as `folder/<emotion>/<seed>.png`; `paint` makes those that are not there yet.

    All processes make them together, and have to ask for the same: of a request whose pictures are partly there, `paint` is
    given the seeds that are missing. Raises ValueError when it makes another number of pictures; `name` is what paints.
    """

    def make(request: Request) -> list[GeneratedPicture]:
        paths = {seed: folder / request.emotion / f"{seed:08d}.png" for seed in request.seeds}
        missing = [seed for seed, path in paths.items() if not path.exists()]
        made = paint(request._replace(seeds=missing)) if missing else ()
        if len(made) != len(missing):
            raise ValueError(
                f"'{name}' was asked for {len(missing)} pictures of {request.emotion} and made {len(made)}."
            )
        for seed, picture in zip(missing, made, strict=True):
            write_picture(paths[seed], picture)
        return [GeneratedPicture(path, request.emotion, request.prompt) for path in paths.values()]

    return [one for some in distributed_map(requests, make, name) for one in some]


def read_pictures(paths: Sequence[Path], size: int) -> torch.Tensor:
    """Generated pictures (N, 3, size, size) in [-1, 1]."""
    return to_tensor([load_frames(path)[0] for path in paths], size)
