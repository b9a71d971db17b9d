"""Random prompts such as people write for a painter of emotions: an emotion alone, a thing or a scene with it, several emotions at any weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from train.data.neutral import without_feelings
from train.data.stickers import THING_NAMES
from train.english import indefinite_article
from train.stages.painter_denoiser import Conditioner

#: Shares of prompts: no words, a thing; the others are captions.
NO_WORDS, THING = 0.25, 0.4
#: Probability of each number of emotions in one prompt.
EMOTIONS = {1: 0.65, 2: 0.27, 3: 0.05, 8: 0.03}
#: The space is drawn from a little more widely than the pipeline does, in half of the prompts: a student stays right when
#: the chain and its space are trained again.
WIDE_SPREAD = 1.25


@dataclass(frozen=True)
class PromptSampler:
    """Draws prompts and emotions; `captions` are of pictures, without what they say of feelings."""

    conditioner: Conditioner
    captions: Sequence[str]

    def _words(self, draws: Sequence[float], picks: Sequence[float]) -> list[str]:
        things, prompts = THING_NAMES, []
        for draw, pick in zip(draws, picks, strict=True):
            if draw < NO_WORDS or (not self.captions and draw >= NO_WORDS + THING):
                prompts.append("")
            elif draw < NO_WORDS + THING:
                thing = things[int(pick * len(things))]
                prompts.append(f"{indefinite_article(thing)} {thing}")
            else:
                caption = self.captions[int(pick * len(self.captions))]
                prompts.append(without_feelings(caption, expressions=True))
        return prompts

    def __call__(self, size: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """`size` prompts with emotions, as `Conditioner.condition` takes them, but for `drop`."""
        space = self.conditioner.space
        draws, picks, wider = torch.rand(3, size, generator=generator)
        ids, places = self.conditioner.prompts.tokens(self._words(draws.tolist(), picks.tolist()))
        kinds, shares = list(EMOTIONS), torch.tensor(list(EMOTIONS.values()))
        several = torch.tensor(kinds)[torch.multinomial(shares, size, replacement=True, generator=generator)]
        order = torch.rand(size, len(space.mean), generator=generator).argsort(dim=1).argsort(dim=1)
        weights = 0.05 + torch.rand(order.shape, generator=generator)
        noise = torch.randn(size, *space.mean.shape[1:], generator=generator)
        return {
            "ids": ids,
            "places": places,
            "weights": weights * (order < several[:, None]),
            "emotion_noise": noise * torch.where(wider < 0.5, WIDE_SPREAD, 1.0)[:, None, None],
        }
