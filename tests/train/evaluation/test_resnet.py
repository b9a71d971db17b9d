from __future__ import annotations

import copy
from pathlib import Path

import torch

from train.core.trainer import LoopConfig, run_stage
from train.data.augment import AugmentConfig
from train.evaluation.domains import Domains
from train.evaluation.resnet import ResNetStage, build_resnet
from train.evaluation.result_cache import read_predictions

EMOTIONS = tuple("abcdefgh")


def test_resnet_18_has_its_size() -> None:
    # torchvision's ResNet-18 has 11,689,512 parameters with a head of 1000 classes, 513,000 of them in the head.
    network = build_resnet(EMOTIONS)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_689_512 - 513_000 + 513 * 8
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) + 1 == 18 + 3  # three shortcuts change the width
    assert tuple(network.config.id2label.values()) == EMOTIONS


def test_the_network_learns_what_colours_tell(domains: Domains, tmp_path: Path) -> None:
    source = copy.copy(domains.source("emoji"))
    source.augmentation = AugmentConfig(strength=0.3)
    tests = {name: domains.test(name) for name in ("cartoons", "photos")}
    stage = ResNetStage(source, tests, widths=(8, 8, 16, 16))
    loop = LoopConfig(
        steps=40, batch_size=16, learning_rate=5e-3, warmup_steps=5, validate_every=40, checkpoint_minutes=9
    )
    metrics = run_stage(stage, loop, tmp_path / "cnn")
    assert metrics["accuracy"] >= 0.8
    predictions = read_predictions(tmp_path / "cnn" / "best")
    assert predictions["cartoons"].eq(tests["cartoons"].labels).float().mean() == metrics["accuracy"]
    assert predictions["photos"].eq(tests["photos"].labels).float().mean() >= 0.8
