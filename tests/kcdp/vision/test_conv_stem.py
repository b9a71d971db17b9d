import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModel

from kcdp.vision import ConvStemCLIPVisionConfig, ConvStemCLIPVisionModel

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(0)
    config = ConvStemCLIPVisionConfig(**SIZES, image_size=48, patch_size=16, code_channels=4, stem_widths=(8, 16, 24))
    return ConvStemCLIPVisionModel(config).eval()


@torch.no_grad()
def test_a_picture_becomes_one_token_a_patch_and_one_for_all(tower):
    pictures = torch.randn(2, 3, 48, 48)
    output = tower(pixel_values=pictures)
    assert output.last_hidden_state.shape == (2, 1 + 9, 32)
    assert output.pooler_output.shape == (2, 32)
    one_by_one = torch.cat([tower(pixel_values=picture[None]).last_hidden_state for picture in pictures])
    torch.testing.assert_close(output.last_hidden_state, one_by_one, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_patch_sees_its_neighbours(tower):
    """A plain strided convolution would not notice a change just outside of its patch."""
    pictures = torch.randn(1, 3, 48, 48)
    other = pictures.clone()
    other[..., 15] += 1
    stem = tower.embeddings.patch_embedding
    changed = (stem(pictures) - stem(other)).abs().amax(dim=(0, 1, 2))
    assert changed[1] > 1e-4
    assert F.conv2d(pictures - other, torch.ones(1, 3, 16, 16), stride=16)[..., 1:].abs().max() == 0


@torch.no_grad()
def test_the_library_finds_it_by_its_model_type(tower, tmp_path):
    tower.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is ConvStemCLIPVisionModel
    pictures = torch.randn(1, 3, 48, 48)
    torch.testing.assert_close(again(pictures).pooler_output, tower(pictures).pooler_output, rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [{"patch_size": 8}, {"stem_widths": (8,)}])
def test_patches_are_two_blocks_of_two_levels(wrong):
    config = ConvStemCLIPVisionConfig(**SIZES, **({"image_size": 48, "patch_size": 16} | wrong))
    with pytest.raises(
        ValueError, match=r"over blocks of 8 pixels cannot make patches of \d+; give two levels or more"
    ):
        ConvStemCLIPVisionModel(config)


@torch.no_grad()
def test_the_class_token_begins_as_the_mean_of_the_patches(tower):
    pictures = torch.randn(2, 3, 48, 48)
    embeddings = tower.embeddings
    tokens = embeddings(pictures)
    expected = embeddings.class_embedding + embeddings.position_embedding.weight[0] + tokens[:, 1:].mean(dim=1)
    torch.testing.assert_close(tokens[:, 0], expected)
