"""A sheet of what the foundation's denoiser makes of words: a row a prompt, a column a seed."""

from __future__ import annotations

from accelerate import PartialState
from diffusers.utils import make_image_grid

from train.core.runs import load_foundation, load_scheduler
from train.evaluation.measure import Measure
from train.evaluation.run import EvaluationRun
from train.evaluation.text_to_image import PROMPTS, decode, sample_latents
from train.files import write_picture

SEEDS = range(8)


def run(evaluation: EvaluationRun) -> None:
    """Write the sheet; the main process does."""
    if not PartialState().is_main_process:
        return
    foundation, scheduler = load_foundation(evaluation.recipe), load_scheduler(evaluation.recipe)
    pictures = []
    for prompt in PROMPTS:
        condition = foundation.prompts.plain([prompt] * len(SEEDS))
        pictures += decode(foundation, sample_latents(foundation, scheduler, condition, list(SEEDS)))
    path = evaluation.folder / "paintings.png"
    write_picture(path, make_image_grid(pictures, len(PROMPTS), len(SEEDS)))
    print(f"Text to image, a row for each of {', '.join(PROMPTS)}: {path}", flush=True)


MEASURE = Measure(run, "a sheet of text to image by the foundation")
