"""The knowledge encoder against the definition: one text-encoder call for every single text, then sums."""

from __future__ import annotations

import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.results import Triplet

CAPTIONS = ["a man hugs a woman", "sorry", "a sad girl holds a broken heart", "a man hugs a woman"]
TRIPLETS = [
    [Triplet("man", "hugs", "woman")],
    [],
    [Triplet("girl", "is", "sad"), Triplet("girl", "holds", "heart"), Triplet("heart", "is", "broken")],
    [Triplet("man", "hugs", "woman"), Triplet("girl", "is", "sad"), Triplet("girl", "is", "sad")],
]


@pytest.fixture
def encoder(tiny_text_encoder: CLIPTextModel, tiny_tokenizer: CLIPTokenizer) -> KnowledgeEncoder:
    return KnowledgeEncoder(tiny_text_encoder, tiny_tokenizer)


@torch.no_grad()
def one_text(encoder: KnowledgeEncoder, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Token states (L, D) and end-of-text state (D), straight from the library."""
    tokens = encoder.tokenizer([text], padding="max_length", truncation=True, return_tensors="pt").input_ids
    states = encoder.text_encoder(tokens).last_hidden_state[0]
    end = tokens[0].tolist().index(encoder.tokenizer.eos_token_id)
    return states, states[end]


def test_equals_one_call_for_every_text(encoder: KnowledgeEncoder) -> None:
    knowledge = encoder.encode(CAPTIONS, TRIPLETS)
    length, width = encoder.length, encoder.text_encoder.config.hidden_size
    assert knowledge.states.shape == (4, 2 * length, width)
    assert knowledge.pooled.shape == (4, 2, width)
    for row, (caption, found) in enumerate(zip(CAPTIONS, TRIPLETS, strict=True)):
        c, c_end = one_text(encoder, caption)
        parts = [one_text(encoder, str(triplet)) for triplet in found] or [(c, c_end)]
        t, t_end = sum(states for states, _ in parts), sum(end for _, end in parts)
        torch.testing.assert_close(knowledge.states[row], torch.cat([c, t]), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(knowledge.pooled[row], torch.stack([c_end, t_end]), atol=1e-5, rtol=1e-5)


def test_batch_does_not_matter(encoder: KnowledgeEncoder) -> None:
    together = encoder.encode(CAPTIONS, TRIPLETS)
    for row in range(len(CAPTIONS)):
        alone = encoder.encode(CAPTIONS[row : row + 1], TRIPLETS[row : row + 1])
        torch.testing.assert_close(together.states[row], alone.states[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.pooled[row], alone.pooled[0], atol=1e-5, rtol=1e-5)
    assert torch.equal(together.states, encoder.encode(CAPTIONS, TRIPLETS).states)


def test_one_call_and_every_text_once(encoder: KnowledgeEncoder) -> None:
    shapes: list[tuple[int, ...]] = []
    hook = encoder.text_encoder.register_forward_pre_hook(lambda module, inputs: shapes.append(tuple(inputs[0].shape)))
    encoder.encode(CAPTIONS, TRIPLETS)
    hook.remove()
    # Three different captions and four different triplets.
    assert shapes == [(7, encoder.length)]


@pytest.mark.parametrize(("condition", "half"), [("caption", 0), ("triplets", 1)])
def test_one_half_alone(encoder: KnowledgeEncoder, condition: str, half: int) -> None:
    both = encoder.encode(CAPTIONS, TRIPLETS)
    one = encoder.encode(CAPTIONS, TRIPLETS, condition)
    torch.testing.assert_close(one.states, both.states.chunk(2, dim=1)[half], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.pooled[:, half], both.pooled[:, half], atol=1e-5, rtol=1e-5)
    assert one.pooled.shape == both.pooled.shape
    assert (one.pooled[:, 1 - half] == 0).all()


def test_prompts(encoder: KnowledgeEncoder) -> None:
    states, pooled = encoder.encode_prompts(["A fear photo of", "A sadness photo of"])
    expected, end = one_text(encoder, "A sadness photo of")
    torch.testing.assert_close(states[1], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(pooled[1], end, atol=1e-5, rtol=1e-5)


def test_long_texts_are_cut_and_kept_free_of_gradients(encoder: KnowledgeEncoder) -> None:
    knowledge = encoder.encode(["a sad girl " * 50], [[]])
    assert knowledge.states.shape[1] == 2 * encoder.length
    assert not knowledge.states.requires_grad


def test_tokenizer_without_a_limit_takes_the_models(tiny_text_encoder: CLIPTextModel) -> None:
    blank = CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])
    encoder = KnowledgeEncoder(tiny_text_encoder, blank)
    assert encoder.length == tiny_text_encoder.config.max_position_embeddings


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [[]], "neither"), "Unknown condition 'neither'"),
        ((["a", "b"], [[]]), "2 captions but triplets for 1"),
        (([], []), "No caption to encode"),
    ],
)
def test_errors(encoder: KnowledgeEncoder, arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoder.encode(*arguments)


@torch.no_grad()
def test_words_are_the_sum_of_a_texts_different_embeddings(encoder: KnowledgeEncoder) -> None:
    """Word by word from the embedding table; the states are those of whole sentences all the same."""
    knowledge, sentences = (encoder.encode(CAPTIONS, TRIPLETS, pooling=name) for name in ("words", "sentence"))
    table, tokenizer = encoder.text_encoder.get_input_embeddings().weight, encoder.tokenizer

    def words(text: str) -> torch.Tensor:
        tokens = tokenizer(text, add_special_tokens=False).input_ids[: encoder.length - 2]
        return sum((table[token] for token in set(tokens)), torch.zeros(table.shape[1]))

    for row, (caption, found) in enumerate(zip(CAPTIONS, TRIPLETS, strict=True)):
        triplets = sum(words(str(triplet)) for triplet in found) if found else words(caption)
        torch.testing.assert_close(knowledge.pooled[row], torch.stack([words(caption), triplets]))
    assert torch.equal(knowledge.states, sentences.states)
    assert not torch.allclose(knowledge.pooled, sentences.pooled)


def test_words_have_no_order_and_count_once(encoder: KnowledgeEncoder) -> None:
    plain, turned, again, none = encoder.encode_words(["a man hugs", "hugs a man", "a man hugs hugs a man", ""])
    torch.testing.assert_close(plain, turned)
    torch.testing.assert_close(plain, again)
    assert (none == 0).all() and (plain != 0).any()


def test_an_unknown_pooling_is_refused(encoder: KnowledgeEncoder) -> None:
    with pytest.raises(ValueError, match="Unknown pooling 'mean'; choose one of sentence, words"):
        encoder.encode(CAPTIONS, TRIPLETS, pooling="mean")
