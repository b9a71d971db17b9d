"""The perceptual distance, against a slow one."""

import pytest
import torch

from kcdp.vision.efficientnet import EfficientNetLite
from train.losses.perceptual import PerceptualLoss


@pytest.fixture(scope="module")
def loss():
    torch.manual_seed(0)
    return PerceptualLoss(EfficientNetLite(), depth=2)


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_distances_equal_slow_ones(loss, pictures):
    targets = pictures.flip(2)
    total = torch.zeros(2, dtype=torch.double)
    # Of bytes, as the trunk was trained: (x - 127) / 128.
    maps = [loss.trunk.stem(((x + 1) * 127.5 - 127) / 128) for x in (pictures, targets)]
    for stage in loss.trunk.stages[:2]:
        maps = [stage(x) for x in maps]
        height, width = maps[0].shape[2:]
        for row in range(2):
            for y in range(height):
                for x in range(width):
                    one, other = (m[row, :, y, x].double() for m in maps)
                    total[row] += ((one / one.norm() - other / other.norm()) ** 2).sum() / (height * width)
    torch.testing.assert_close(loss(pictures, targets).double(), total, rtol=1e-4, atol=1e-5)


def test_three_stages_are_looked_at_unless_others_are_asked_for(pictures):
    assert [maps.shape[3] for maps in PerceptualLoss(EfficientNetLite()).features(pictures)] == [32, 16, 8]


def test_the_same_picture_is_at_no_distance_and_more_blur_further_away(loss, pictures):
    assert loss(pictures, pictures).max().item() == pytest.approx(0, abs=1e-6)
    blurred = [torch.nn.functional.avg_pool2d(pictures, size, 1, size // 2) for size in (3, 5)]
    near, far = (loss(picture, pictures) for picture in blurred)
    assert (near > 0).all()
    assert far.sum() > near.sum()


def test_gradients_reach_the_pictures_and_neither_targets_nor_trunk(loss, pictures):
    moved = (pictures * 0.5).requires_grad_()
    targets = pictures.clone().requires_grad_()
    loss(moved, targets).sum().backward()
    assert moved.grad.abs().max() > 0
    assert targets.grad is None
    assert all(value.grad is None for value in loss.parameters())
