"""Which stickers a painter learns from: numbers, pairs, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kcdp.emotions import MIKELS_8
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from train.data.stickers import HELD_OUT, PAIRS, paired_sticker, sticker, sticker_latents, sticker_pixels
from train.drawn import draw_sticker


def test_every_emotion_comes_in_turn() -> None:
    assert all(MIKELS_8.labels[number % 8] in sticker(number, 16).emotions or not sticker(number, 16).attributes["face"]
               for number in range(16))  # fmt: skip


def test_a_pair_is_one_character_with_two_feelings_and_nobody_else() -> None:
    for number in (0, 2, 4, 10):
        first, second = paired_sticker(number, 16), paired_sticker(number + 1, 16)
        assert first.attributes["noun"] == second.attributes["noun"]
        assert first.emotions.keys().isdisjoint(second.emotions) and first.svg != second.svg
    # No sticker that is not of a pair has its number, for training or for validation.
    (emotion,) = paired_sticker(2, 16).emotions
    assert paired_sticker(2, 16).svg == draw_sticker(PAIRS + 1, emotion, None, 16, "character").svg
    assert HELD_OUT < PAIRS


@torch.no_grad()
def test_latents_and_words_are_those_of_the_stickers_from_the_first_on(tmp_path: Path) -> None:
    vae = StickerAutoencoder(latent_channels=4, factor=4, patch_size=4, width=16, blocks=1, sample_size=16)
    vae.register_to_config(scaling_factor=0.5)
    data = sticker_latents(vae.eval(), 3, 16, tmp_path, first=7)
    drawn = [sticker(number, 16) for number in (7, 8, 9)]
    expected = 0.5 * vae.encode(sticker_pixels(drawn)).latent_dist.mode()
    np.testing.assert_allclose(data.latents, expected, atol=2e-2)
    assert [list(texts) for texts in data.texts] == [[one.plain, one.caption] for one in drawn]
    weights = [[one.emotions.get(label, 0.0) for label in MIKELS_8.labels] for one in drawn]
    torch.testing.assert_close(data.weights, torch.tensor(weights))
    assert data.prompts([0, 1, 2], [0.05, 0.3, 0.9], silent=0.1, plain=0.5) == ["", drawn[1].plain, drawn[2].caption]
