import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kcdp.vision.efficientnet import CACHED_PICTURES, STAGES, EfficientNetLite, SameConv2d


@torch.no_grad()
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2), (1, 1)])
def test_padding_keeps_the_map_as_large_as_the_stride_says(kernel, stride):
    """TensorFlow's SAME: ceil(side / stride) outputs, of the padding the smaller half in front."""
    convolution = SameConv2d(2, 3, kernel, stride)
    maps = torch.randn(1, 2, 8, 8)
    total = (8 // stride - 1) * stride + kernel - 8
    padded = F.pad(maps, [total // 2, total - total // 2] * 2) if total > 0 else maps
    expected = F.conv2d(padded, convolution.weight, stride=stride)
    found = convolution(maps)
    assert found.shape[-2:] == (8 // stride, 8 // stride)
    torch.testing.assert_close(found, expected)


def test_batch_norms_keep_their_statistics_in_training():
    trunk = EfficientNetLite()
    before = {name: value.clone() for name, value in trunk.named_buffers() if "running" in name}
    trunk(torch.randn(2, 3, 32, 32))[1].sum().backward()
    assert trunk.training and all(
        torch.equal(value, before[name]) for name, value in trunk.named_buffers() if name in before
    )
    assert trunk.stages[3][0].layers[1].weight.grad is not None


def test_blocks_have_residuals_where_shapes_allow():
    blocks = [block for stage in EfficientNetLite().stages for block in stage]
    assert len(blocks) == sum(stage.blocks for stage in STAGES) == 16
    # All but the first of each stage: 16 blocks in 7 stages.
    assert sum(block.residual for block in blocks) == 9
    assert sum(isinstance(module, nn.ReLU6) for block in blocks for module in block.layers) == 31


def test_sides_that_would_be_padded_otherwise_are_refused():
    with pytest.raises(ValueError, match="make both sides multiples of 32"):
        EfficientNetLite()(torch.zeros(1, 3, 48, 64))


def test_the_largest_maps_are_made_of_few_pictures_at_a_time_and_are_the_same():
    """Without gradients, on a CPU; with them all pictures go together."""
    torch.manual_seed(0)
    network = EfficientNetLite().eval()
    pixels, sizes = torch.randn(CACHED_PICTURES + 2, 3, 64, 32), []
    network.stem.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    network.head.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    together = network(pixels)
    with torch.no_grad():
        apart = network(pixels)
    assert sizes == [CACHED_PICTURES + 2, CACHED_PICTURES + 2, CACHED_PICTURES, 2, CACHED_PICTURES + 2]
    for one, other in zip(apart, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
