from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from train.core.efficientnet import imagenet_weights
from train.core.trainer import LoopConfig, run_stage
from train.data.augment import AugmentConfig
from train.evaluation.domains import Domains
from train.evaluation.imagenet import FrozenImageNet, ImageNetNetwork, ImageNetStage
from train.evaluation.result_cache import read_predictions


def test_features_are_those_whose_classifier_imagenet_trained(domains: Domains) -> None:
    dataset, weights = domains.test("emoji"), imagenet_weights()
    frozen = FrozenImageNet()
    found = frozen.pictures(dataset)
    assert found.shape == (len(dataset), 1280)
    # Bytes as (x - 127) / 128, which is what the published network takes.
    pixels = ((dataset.plain(torch.arange(2)) + 1) * 127.5 - 127) / 128
    expected = frozen.network.trunk(pixels)[1].mean(dim=(2, 3))
    np.testing.assert_allclose(found[:2], expected.numpy(), rtol=2e-2, atol=2e-2)
    assert torch.equal(frozen.network.trunk.stem[0].weight, weights["_conv_stem.weight"])


def test_it_says_nothing_before_it_is_tuned_and_its_loss_is_the_cross_entropy() -> None:
    network = ImageNetNetwork(5).eval()
    pictures, labels = torch.randn(2, 3, 64, 64).clamp(-1, 1), torch.tensor([1, 4])
    with torch.no_grad():
        network.classifier.bias.copy_(torch.arange(5.0))
        out = network(pictures, labels)
    torch.testing.assert_close(out.logits, torch.arange(5.0).repeat(2, 1))
    torch.testing.assert_close(out.loss, F.cross_entropy(out.logits, labels))


@pytest.mark.parametrize("target", ["cartoons"])
def test_tuning_learns_what_colours_tell(domains: Domains, tmp_path: Path, target: str) -> None:
    source = copy.copy(domains.source("emoji"))
    source.augmentation = AugmentConfig(strength=0.3)
    tests = {target: domains.test(target)}
    loop = LoopConfig(steps=12, batch_size=8, learning_rate=1e-3, warmup_steps=2, validate_every=12)
    metrics = run_stage(ImageNetStage(source, tests), loop, tmp_path)
    assert metrics["accuracy"] >= 0.8
    predictions = read_predictions(tmp_path / "best")
    assert predictions[target].eq(tests[target].labels).float().mean() == metrics["accuracy"]
