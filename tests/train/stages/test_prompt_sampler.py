"""The prompts that students are distilled under: words, emotions and noise, each as often as they should be."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from train.stages import prompt_sampler
from train.stages.prompt_sampler import PromptSampler

CAPTIONS = ("a sad robot in the rain", "a cat on a beach")


def sample(conditioner, captions=CAPTIONS, size=400):
    return PromptSampler(conditioner, captions)(size, torch.Generator().manual_seed(0))


def words(conditioner, captions=CAPTIONS, size=400):
    prompts = []
    encoder = SimpleNamespace(tokens=lambda texts: prompts.extend(texts) or conditioner.prompts.tokens(texts))
    sample(dataclasses.replace(conditioner, prompts=encoder), captions, size)
    return prompts


def test_one_emotion_most_often_and_now_and_then_all_of_them(conditioner):
    assert {1, len(conditioner.space.mean)} <= set(prompt_sampler.EMOTIONS)
    weights = sample(conditioner)["weights"]
    for count, share in prompt_sampler.EMOTIONS.items():
        assert ((weights > 0).sum(dim=1) == count).float().mean().item() == pytest.approx(share, abs=0.07)
    assert weights[weights > 0].min() >= 0.05
    # Every emotion comes as often as another.
    assert (weights > 0).float().mean(dim=0).std() < 0.05


def test_half_of_the_noise_is_wider_and_none_is_shifted(conditioner):
    noise = sample(conditioner, size=4000)["emotion_noise"].flatten(1)
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    both = (1 + prompt_sampler.WIDE_SPREAD**2) / 2
    assert noise.square().mean().item() == pytest.approx(both, rel=0.03)


def test_words_are_none_a_thing_or_a_caption_without_its_feelings(conditioner):
    prompts = words(conditioner)
    assert prompts.count("") / 400 == pytest.approx(prompt_sampler.NO_WORDS, abs=0.07)
    assert {"a bench", "an umbrella", "a street lamp", "a robot in the rain", "a cat on a beach"} <= set(prompts)
    assert not any("sad" in prompt for prompt in prompts)
    alone = words(conditioner, captions=(), size=100)
    assert "a cat on a beach" not in alone and "" in alone and "a bench" in words(conditioner, captions=())
