"""What people ask a painter of emotions for: an emotion alone, a thing or a scene with it, several emotions at any weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from train.data.neutral import without_feelings
from train.data.stickers import THING_NAMES
from train.english import indefinite_article
from train.stages.painter_denoiser import Told

#: Shares of prompts: no words, a thing; the others are captions.
SILENT, THING = 0.25, 0.4
#: How many emotions are asked for at once, and how often.
EMOTIONS = {1: 0.65, 2: 0.27, 3: 0.05, 8: 0.03}
#: The space is drawn from a little more widely than the pipeline does, in half of the questions: a student stays right when
#: the chain and its space are trained again.
WIDER = 1.25


@dataclass(frozen=True)
class Questions:
    """Draws prompts and emotions; `captions` are of pictures, without what they say of feelings."""

    told: Told
    captions: Sequence[str]

    def _words(self, draws: Sequence[float], picks: Sequence[float]) -> list[str]:
        things, prompts = THING_NAMES, []
        for draw, pick in zip(draws, picks, strict=True):
            if draw < SILENT or (not self.captions and draw >= SILENT + THING):
                prompts.append("")
            elif draw < SILENT + THING:
                thing = things[int(pick * len(things))]
                prompts.append(f"{indefinite_article(thing)} {thing}")
            else:
                caption = self.captions[int(pick * len(self.captions))]
                prompts.append(without_feelings(caption, expressions=True))
        return prompts

    def __call__(self, size: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """`size` questions, as `Told.condition` takes them, but for `drop`."""
        space = self.told.space
        draws, picks, wider = torch.rand(3, size, generator=generator)
        ids, places = self.told.prompts.tokens(self._words(draws.tolist(), picks.tolist()))
        kinds, shares = list(EMOTIONS), torch.tensor(list(EMOTIONS.values()))
        several = torch.tensor(kinds)[torch.multinomial(shares, size, replacement=True, generator=generator)]
        order = torch.rand(size, len(space.mean), generator=generator).argsort(dim=1).argsort(dim=1)
        weights = 0.05 + torch.rand(order.shape, generator=generator)
        noise = torch.randn(size, *space.mean.shape[1:], generator=generator)
        return {
            "ids": ids,
            "places": places,
            "weights": weights * (order < several[:, None]),
            "emotion_noise": noise * torch.where(wider < 0.5, WIDER, 1.0)[:, None, None],
        }
