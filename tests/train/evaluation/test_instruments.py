from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from kcdp.imaging import to_pictures, to_tensor
from train.core.clip import FrozenCLIP, zero_shot_head
from train.evaluation.domains import Domains
from train.evaluation.instruments import instruments
from train.evaluation.judge import Judge
from train.evaluation.resnet import build_resnet

NAMES = ["cat", "dog", "house"]


@pytest.fixture
def judge(domains: Domains) -> Judge:
    return Judge(build_resnet(domains.emotions, (4, 4, 4, 4)), {})


@torch.no_grad()
def test_a_head_is_clips_own_softmax_over_names(clip: FrozenCLIP, domains: Domains) -> None:
    # Of 8 bits, as pictures on disk are.
    pictures = to_tensor(to_pictures(domains.test("emoji").plain(torch.arange(4))), 32)
    tokens = clip.tokenizer([f"a picture of a {name}" for name in NAMES], padding=True, return_tensors="pt")
    expected = clip.model(pixel_values=pictures, **tokens).logits_per_image.softmax(1)
    found = zero_shot_head(clip, NAMES, "a picture of a {name}")(pictures)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    # It does tell the names apart.
    assert found.std(dim=1).min() > 1e-3


def test_embeddings_are_those_of_the_dataset(clip: FrozenCLIP, domains: Domains) -> None:
    dataset = domains.test("emoji")
    found = clip.embed(dataset.plain(torch.arange(len(dataset))))
    np.testing.assert_allclose(found.numpy(), clip.pictures(dataset), atol=1e-5)


def test_one_name_is_no_choice(clip: FrozenCLIP) -> None:
    with pytest.raises(ValueError, match="there is 1"):
        zero_shot_head(clip, ["cat"])


def test_all_of_them_answer_and_are_told_apart(clip: FrozenCLIP, judge: Judge, domains: Domains) -> None:
    tools = instruments(judge, clip, NAMES, ["beach", "street"])
    pictures = domains.test("emoji").plain(torch.arange(2))
    assert tools.emotions == domains.emotions
    assert tools.judge(pictures).shape == (2, 8)
    assert (tools.scenes(pictures).shape, tools.objects(pictures).shape) == ((2, 3), (2, 2))
    assert (tools.embeddings(pictures).shape, tools.features(pictures).shape) == ((2, 32), (2, 4))
    assert [level.shape[1] for level in tools.levels(pictures)] == [4] * 5
    # Other names, another CLIP or another judge measure otherwise.
    assert instruments(judge, clip, NAMES, ["beach", "street"]).key == tools.key
    others = dataclasses.replace(clip, model=copy.deepcopy(clip.model))
    with torch.no_grad():
        others.model.logit_scale.add_(1)
    another = Judge(build_resnet(domains.emotions, (4, 4, 4, 4)), {})
    keys = {
        tools.key,
        instruments(judge, clip, NAMES, ["beach", "road"]).key,
        instruments(judge, others, NAMES, ["beach", "street"]).key,
        instruments(another, clip, NAMES, ["beach", "street"]).key,
    }
    assert len(keys) == 4
