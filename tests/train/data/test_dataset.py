import copy
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.perception.autoencoder import PatchAutoencoderKL
from train.data.augment import AugmentConfig
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset

SIZE = 32
#: domain, emotion, how many.
KINDS = (("emoji", "awe", 6), ("emoji", "fear", 2), ("emoji", None, 2), ("photos", "awe", 3), ("folder", None, 5))


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    return to_dataset(
        make_record(
            Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 4), dtype=np.uint8)),
            [f"{domain} {number}", f"a picture of {emotion}", "third"],
            domain=domain,
            style="s",
            group=f"{domain}{emotion}{number}",
            license="CC0-1.0",
            emotion=emotion,
        )
        for domain, emotion, count in KINDS
        for number in range(count)
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("dataset")


@pytest.fixture
def make(records, cache):
    return lambda **options: PictureDataset(records, cache, MIKELS_8.labels, size=SIZE, **options)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def chances(dataset):
    """Chance of each domain, and of each (domain, label)."""
    weights = (dataset.weights / dataset.weights.sum()).tolist()
    totals = {}
    for domain, label, weight in zip(dataset.domains, dataset.labels.tolist(), weights, strict=True):
        for key in (domain, (domain, label)):
            totals[key] = totals.get(key, 0) + weight
    return totals


def test_without_shares_every_picture_is_as_likely(make):
    dataset = make()
    assert len(dataset) == 18
    assert dataset.weights.unique().numel() == 1
    assert dataset.labels.tolist() == [1] * 6 + [6] * 2 + [-1] * 2 + [1] * 3 + [-1] * 5


@pytest.mark.parametrize("unit", [1, 100])
def test_domains_are_drawn_by_their_shares_in_any_unit(make, unit):
    found = chances(make(shares={"emoji": 0.5 * unit, "photos": 0.3 * unit, "folder": 0.2 * unit}))
    assert [found[name] for name in ("emoji", "photos", "folder")] == pytest.approx([0.5, 0.3, 0.2])
    assert found["emoji", 1] == pytest.approx(0.5 * 6 / 10)


def test_a_domain_without_a_share_counts_as_the_others_on_average(make):
    found = chances(make(shares={"emoji": 3, "photos": 1}))
    assert [found[name] for name in ("emoji", "photos", "folder")] == pytest.approx([3 / 6, 1 / 6, 2 / 6])


def test_shares_of_absent_domains_leave_the_others_in_proportion(make):
    found = chances(make(shares={"emoji": 0.2, "photos": 0.1, "folder": 0.1, "cartoons": 0.6}))
    assert [found[name] for name in ("emoji", "photos", "folder")] == pytest.approx([0.5, 0.25, 0.25])


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_balance_draws_rare_emotions_more_often_within_their_domain(make, balance):
    found = chances(make(shares={"emoji": 1, "photos": 1, "folder": 1}, balance=balance))
    parts = np.array([6.0, 2.0, 2.0]) ** (1 - balance)
    assert [found["emoji", label] for label in (1, 6, -1)] == pytest.approx(list(parts / parts.sum() / 3))
    assert found["photos"] == pytest.approx(1 / 3)


def test_samples_follow_the_weights_and_the_generator(make):
    dataset = make(shares={"emoji": 0.6, "photos": 0.4, "folder": 0})
    rows = dataset.sample(4000, seeded())
    assert torch.equal(rows, dataset.sample(4000, seeded()))
    assert not torch.equal(rows, dataset.sample(4000, seeded(1)))
    counts = {
        domain: sum(dataset.domains[row] == domain for row in rows.tolist()) / 4000 for domain in set(dataset.domains)
    }
    assert counts["folder"] == 0
    assert counts["emoji"] == pytest.approx(0.6, abs=0.03)


def test_captions_are_the_record_s_and_half_of_the_labelled_say_the_feeling(make):
    dataset = make()
    rows = torch.zeros(600, dtype=torch.long)
    texts = dataset.captions(rows, seeded())
    assert texts == dataset.captions(rows, seeded())
    # The second caption says the emotion already.
    assert set(texts) == {"emoji 0", "emoji 0, showing awe", "a picture of awe", "third", "third, showing awe"}
    assert 0.4 < sum("showing" in text for text in texts) / sum("picture" not in text for text in texts) < 0.6
    assert set(dataset.captions(torch.full((50,), 9), seeded())) == {"emoji 1", "a picture of None", "third"}


def test_texts_are_every_caption_once_and_every_emotion(make):
    texts = make().texts()
    assert len(texts) == len(set(texts))
    assert texts[0] == "emoji 0"
    assert [text for text in texts if "showing" in text] == [f", showing {label}" for label in MIKELS_8.labels]


def test_views_are_in_range_and_decided_by_the_generator(make):
    dataset = make()
    rows = torch.tensor([3, 0, 17])
    views = dataset.augmented(rows, seeded())
    assert views.shape == dataset.plain(rows).shape == (3, 3, SIZE, SIZE)
    assert views.abs().max() <= 1
    assert torch.equal(views, dataset.augmented(rows, seeded()))
    assert not torch.equal(views, dataset.augmented(rows, seeded(1)))
    assert torch.equal(dataset.plain(rows)[1:2], dataset.plain(torch.tensor([0])))


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return PatchAutoencoderKL(
        block_out_channels=(16, 16), latent_channels=4, sample_size=SIZE, scaling_factor=0.5
    ).eval()


@torch.no_grad()
def test_latents_of_plain_pictures_are_the_scaled_modes(make, vae):
    dataset = make()
    (found,) = dataset.latents(vae, 0, batch_size=5)
    assert found.shape == (18, 4, 4, 4)
    assert found.dtype == np.float16
    expected = 0.5 * vae.encode(dataset.plain(torch.arange(18))).latent_dist.mode()
    torch.testing.assert_close(torch.from_numpy(found.copy()).float(), expected, rtol=2e-3, atol=2e-3)


def test_latents_are_computed_once_for_each_encoder_and_augmentation(make, vae, monkeypatch):
    dataset = make()
    first = dataset.latents(vae, 2)
    assert [view.shape for view in first] == [(18, 4, 4, 4)] * 2
    assert not np.array_equal(first[0], first[1])
    calls = []
    monkeypatch.setattr(type(vae), "encode", lambda *_: calls.append(1) or pytest.fail("encoded again"))
    assert np.array_equal(dataset.latents(vae, 2), first)
    assert np.array_equal(dataset.latents(vae, 1)[0], first[0])
    calm = make(augmentation=dataclasses.replace(AugmentConfig(), rotate=0.0))
    with pytest.raises(pytest.fail.Exception):
        calm.latents(vae, 2)
    with torch.no_grad():
        vae.linear_encoder.bias += 1
    with pytest.raises(pytest.fail.Exception):
        dataset.latents(vae, 2)
    with torch.no_grad():
        vae.linear_encoder.bias -= 1
    assert len(calls) == 2


def test_a_part_of_a_dataset_reads_the_latents_that_are_there(make, records, vae, monkeypatch):
    dataset = make()
    whole = dataset.latents(vae, 1)
    monkeypatch.setattr(type(vae), "encode", lambda *_: pytest.fail("encoded again"))
    rows = [11, 2, 5]
    part = PictureDataset(records.select(rows), dataset.cache_dir, MIKELS_8.labels, size=SIZE)
    (found,) = part.latents(vae, 1)
    assert (found.shape, found.dtype, len(found)) == ((3, 4, 4, 4), np.float16, 3)
    assert np.array_equal(found, whole[0][rows])
    assert np.array_equal(found[1], whole[0][2]) and np.array_equal(found[np.array([2, 0])], whole[0][[5, 11]])


def test_as_many_pictures_at_once_as_their_size_allows(train_dataset):
    dataset = copy.copy(train_dataset)
    for size, most in ((32, 64), (512, 64), (768, 28), (1024, 16), (8192, 1)):
        dataset.size = size
        assert dataset.at_once(64) == most


def test_half_of_the_labelled_captions_say_the_emotion_unless_the_dataset_has_none(make):
    dataset, rows = make(), torch.arange(18).repeat(40)
    texts = dataset.captions(rows, seeded())
    said = [text.rpartition(", showing ")[2] for text in texts if ", showing " in text]
    labelled = int((dataset.labels[rows] >= 0).sum())
    # Those that name it already ("a picture of awe") do not say it again.
    assert 0.2 < len(said) / labelled < 0.5 and set(said) == {"awe", "fear"}
    assert not any("showing" in text for text in dataset.captions(rows, seeded(), feelings=False))
    assert any("showing awe" in text for text in dataset.texts())
    neutral = make(feelings=False)
    assert neutral.captions(rows, seeded()) == dataset.captions(rows, seeded(), feelings=False)
    assert not any("showing" in text for text in neutral.texts())
