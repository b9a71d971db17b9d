import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel

from kcdp.uniemo.query_chain import tower_pixels
from kcdp.vision import TrunkVisionConfig, TrunkVisionModel
from kcdp.vision.trunk_tower import WordTags

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(0)
    tower = TrunkVisionModel(TrunkVisionConfig(**SIZES, image_size=64)).eval()
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
    return tower


@torch.no_grad()
def test_a_token_sees_its_place_in_both_maps(tower):
    patches = tower.embeddings.patch_embedding
    pictures = torch.randn(2, 3, 64, 64)
    fine, last = patches.trunk(pictures)
    found = patches(pictures)
    assert found.shape == (2, 32, 4, 4)
    row, column = 3, 1
    at_fine = patches.fine.weight[:, :, 0, 0] @ fine[1, :, row, column]
    at_last = patches.coarse.weight[:, :, 0, 0] @ last[1, :, row // 2, column // 2] + patches.coarse.bias
    torch.testing.assert_close(found[1, :, row, column], at_fine + at_last, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_the_class_token_begins_as_the_mean_of_the_patches(tower):
    embeddings = tower.embeddings
    tokens = embeddings(torch.randn(2, 3, 64, 64))
    expected = embeddings.class_embedding + embeddings.position_embedding.weight[0] + tokens[:, 1:].mean(dim=1)
    torch.testing.assert_close(tokens[:, 0], expected)


def test_its_configuration_says_how_pixels_are_normalised(tower):
    bytes_ = torch.tensor([0.0, 127.0, 255.0])
    pictures = (bytes_ / 127.5 - 1)[None, :, None, None].expand(1, 3, 64, 64)
    found = tower_pixels(tower, pictures)[0, :, 0, 0]
    torch.testing.assert_close(found, (bytes_ - 127) / 128, rtol=0, atol=1e-6)


@torch.no_grad()
def test_the_library_finds_it_by_its_model_type(tower, tmp_path):
    tower.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is TrunkVisionModel
    pictures = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(again(pictures).pooler_output, tower(pictures).pooler_output, rtol=0, atol=0)


def test_it_learns_while_its_statistics_stay(tower):
    tower.train()
    loss = F.mse_loss(tower(pixel_values=torch.randn(2, 3, 64, 64)).pooler_output, torch.ones(2, 32))
    loss.backward()
    trunk = tower.embeddings.patch_embedding.trunk
    assert trunk.stem[0].weight.grad.abs().max() > 0
    assert not any(module.training for module in trunk.modules() if isinstance(module, nn.BatchNorm2d))


@pytest.mark.parametrize("wrong", [{"patch_size": 32}, {"image_size": 48}])
def test_patches_are_those_of_the_finer_map(wrong):
    with pytest.raises(ValueError, match="patches of 16 pixels of pictures whose side is a multiple of 32"):
        TrunkVisionModel(TrunkVisionConfig(**SIZES, **({"image_size": 64} | wrong)))


def test_reading_gives_what_forward_does_and_the_mean_of_the_last_map():
    tower = TrunkVisionModel(TrunkVisionConfig(**SIZES, image_size=64)).eval()
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean, hidden, pooled = tower.read(pixels)
        expected = tower(pixel_values=pixels)
        last = tower.embeddings.patch_embedding.trunk(pixels)[1]
    torch.testing.assert_close(hidden, expected.last_hidden_state)
    torch.testing.assert_close(pooled, expected.pooler_output)
    torch.testing.assert_close(mean, last.flatten(2).sum(2) / last[0, 0].numel())


def test_tags_are_the_likeliest_words_with_how_likely_they_are():
    torch.manual_seed(0)
    tags = WordTags(6, 4, num_words=5, num_tags=2)
    mean = torch.randn(1, 6)
    chances = (tags.words.weight @ mean[0] + tags.words.bias).log_softmax(0).tolist()
    first, second = sorted(range(5), key=chances.__getitem__)[:-3:-1]
    expected = [tags.embedding.weight[word] + tags.certainty(torch.tensor([chances[word]])) for word in (first, second)]
    torch.testing.assert_close(tags(mean)[0], torch.stack(expected))
