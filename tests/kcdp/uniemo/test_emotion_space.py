"""The emotion space: its numbers by hand, draws that lie as the pictures lie and depend on their own seed alone."""

import pytest
import torch

from kcdp.uniemo.emotion_space import EmotionSpace

WIDTH, CLASSES = 5, 3


@pytest.fixture
def pictures():
    features = torch.randn(40, 3, WIDTH) * 2 + 1
    return features, torch.arange(40) % (CLASSES + 1) - 1, torch.rand(40, 2)


@pytest.fixture
def space(pictures):
    return EmotionSpace.fit(*pictures, CLASSES)


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_mean_and_deviation_are_those_of_an_emotions_own_pictures(space, pictures):
    features, labels, alphas = pictures
    for emotion in range(CLASSES):
        own = [row for row in range(40) if labels[row] == emotion]
        mean = sum(features[row] for row in own) / len(own)
        variance = sum((features[row] - mean).square() for row in own) / len(own)
        torch.testing.assert_close(space.mean[emotion], mean)
        torch.testing.assert_close(space.std[emotion], variance.sqrt())
        torch.testing.assert_close(space.alphas[emotion], sum(alphas[row] for row in own) / len(own))


def test_draws_lie_as_the_pictures_lie(space):
    drawn = space.sample(torch.ones(20_000, dtype=torch.long))
    torch.testing.assert_close(drawn.mean(0), space.mean[1], atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.std(0), space.std[1], atol=0.1, rtol=0)


def test_a_draw_depends_on_its_own_seed_alone(space):
    emotions = torch.tensor([2, 0, 2])
    together = space.sample(emotions, seeded(3, 4, 5))
    for row, seed in enumerate((3, 4, 5)):
        assert torch.equal(space.sample(emotions[row : row + 1], seeded(seed))[0], together[row])
    assert not torch.equal(together[0], together[2])


def test_spread_scales_the_way_from_the_mean(space):
    emotions = torch.tensor([0, 1])
    still, half, whole = (space.sample(emotions, seeded(1, 2), spread) for spread in (0.0, 0.5, 1.0))
    assert torch.equal(still, space.mean[emotions])
    torch.testing.assert_close(half - still, (whole - still) / 2)


def test_one_picture_is_enough_and_always_drawn_again():
    space = EmotionSpace.fit(torch.ones(1, 3, WIDTH), torch.tensor([0]), torch.tensor([[0.2, 0.4]]), 1)
    assert torch.equal(space.sample(torch.tensor([0])), torch.ones(1, 3, WIDTH))


def test_saving_and_loading_changes_nothing(space, tmp_path):
    space.save_pretrained(tmp_path)
    loaded = EmotionSpace.from_pretrained(tmp_path)
    emotions = torch.tensor([0, 1, 2])
    assert torch.equal(loaded.sample(emotions, seeded(1, 2, 3)), space.sample(emotions, seeded(1, 2, 3)))
    assert torch.equal(loaded.alphas, space.alphas)
    smaller = EmotionSpace.from_pretrained(tmp_path, dtype=torch.bfloat16)
    near = smaller.sample(emotions, seeded(1, 2, 3))
    assert near.dtype == torch.bfloat16
    torch.testing.assert_close(near.float(), space.sample(emotions, seeded(1, 2, 3)), atol=0.1, rtol=0.02)


def test_errors(space, pictures):
    features, labels, alphas = pictures
    with pytest.raises(ValueError, match="40 features, 39 labels and 40 alphas"):
        EmotionSpace.fit(features, labels[1:], alphas, CLASSES)
    with pytest.raises(ValueError, match="Emotion 3 has no picture"):
        EmotionSpace.fit(features, labels, alphas, CLASSES + 1)
    with pytest.raises(ValueError, match="2 emotions but 1 generators"):
        space.sample(torch.tensor([0, 1]), seeded(1))
    with pytest.raises(ValueError, match="spread must be 0 or above, not -1"):
        space.sample(torch.tensor([0]), spread=-1)
