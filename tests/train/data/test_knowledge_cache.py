import numpy as np
import pytest
import torch

from kcdp.imaging import to_pictures
from kcdp.results import Triplet
from train.data.knowledge import KnowledgeCache


@pytest.fixture(scope="module")
def cache(labelled_dataset, foundation):
    return KnowledgeCache(labelled_dataset, foundation, "both", 2)


def test_captions_are_the_captioner_s_own_and_triplets_the_parser_s(cache, labelled_dataset, foundation):
    pictures = to_pictures(labelled_dataset.plain(torch.arange(len(labelled_dataset))))
    captions = foundation.knowledge.captions(pictures)
    assert [row[0] for row in cache.described] == captions
    assert [[Triplet(*triplet) for triplet in row[1]] for row in cache.described] == foundation.parser(captions)


@pytest.mark.parametrize("condition", ["both", "caption", "triplets"])
def test_encodings_equal_those_computed_one_by_one(labelled_dataset, foundation, condition):
    cache = KnowledgeCache(labelled_dataset, foundation, condition, 0)
    rows = torch.tensor([5, 0, 5])
    batch = cache.view(0, rows)
    for position, row in enumerate(rows.tolist()):
        caption, triplets = cache.described[row]
        expected = foundation.knowledge.encode([caption], [[Triplet(*triplet) for triplet in triplets]], condition)
        torch.testing.assert_close(batch["states"][position], expected.states[0], rtol=2e-3, atol=2e-3)
        torch.testing.assert_close(batch["pooled"][position], expected.pooled[0], rtol=2e-3, atol=2e-3)
    states, pooled = cache.blank()
    assert states.shape[1:] == batch["states"].shape[1:]
    assert pooled.shape[1:] == batch["pooled"].shape[1:]


def test_drawn_views_are_those_that_the_generator_chooses(cache):
    rows = torch.tensor([1, 2, 3, 1])
    batch = cache.draw(rows, torch.Generator().manual_seed(0))
    again = cache.draw(rows, torch.Generator().manual_seed(0))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    for latent, row in zip(batch["latents"], rows.tolist(), strict=True):
        assert any(np.array_equal(latent.numpy(), cache.latents[view][row].astype(np.float32)) for view in range(3))


def test_a_second_cache_asks_no_model(cache, labelled_dataset, foundation, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("computed again")

    for network in (foundation.captioner, foundation.vae, foundation.text_encoder):
        monkeypatch.setattr(network, "forward", forbidden)
    monkeypatch.setattr(foundation.vae, "encode", forbidden)
    again = KnowledgeCache(labelled_dataset, foundation, "both", 2)
    assert list(again.described) == list(cache.described)
    assert np.array_equal(again.encodings, cache.encodings)
    with pytest.raises(AssertionError, match="computed again"):
        again.blank()


def test_another_parser_parses_anew(cache, labelled_dataset, foundation, monkeypatch):
    monkeypatch.setattr(type(foundation.parser), "version", "second word 2")
    monkeypatch.setattr(
        type(foundation.parser), "__call__", lambda self, captions: [[("it", "is", "new")] for _ in captions]
    )
    again = KnowledgeCache(labelled_dataset, foundation, "both", 2)
    assert all(row[1] == [["it", "is", "new"]] for row in again.described)


def test_other_weights_of_the_text_encoder_encode_anew(cache, labelled_dataset, foundation):
    weight = foundation.text_encoder.embeddings.position_embedding.weight
    with torch.no_grad():
        weight.mul_(2)
    try:
        other = KnowledgeCache(labelled_dataset, foundation, "both", 2)
    finally:
        with torch.no_grad():
            weight.div_(2)
    assert list(other.described) == list(cache.described)
    assert not np.array_equal(other.encodings, cache.encodings)


def test_words_and_the_captioners_view_are_kept_where_they_are_asked_for(cache, labelled_dataset, foundation):
    """Both are those of the plain pictures, and the sentences' vectors are not taken for words."""
    words = KnowledgeCache(labelled_dataset, foundation, "both", 0, "words", images=True)
    rows = torch.tensor([5, 0, 5])
    batch = words.view(0, rows)
    expected = foundation.knowledge.images(to_pictures(labelled_dataset.plain(rows)))
    torch.testing.assert_close(batch["images"], expected, rtol=2e-3, atol=2e-3)
    encoder = foundation.knowledge.encoder
    said = encoder.encode_words([words.described[row][0] for row in rows.tolist()])
    torch.testing.assert_close(batch["pooled"][:, 0], said, rtol=2e-3, atol=2e-3)
    assert torch.equal(batch["states"], cache.view(0, rows)["states"])
    assert words.blank()[1].abs().sum() == 0
    assert "images" not in cache.view(0, rows) and words.key != cache.key
