"""Prompts with an emotion in them, against the text encoder's own reading of ids."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from transformers import CLIPTextModelWithProjection

from kcdp.painting.prompt import PLACEHOLDER, Condition, PromptEncoder, blend, token_ids
from tests.conftest import TEXT_LENGTH, WIDTH
from tests.tiny_diffusion import text_config


def encode_prompts(text_encoder, tokenizer, prompts, tokens):
    """States (B, L, T) by the text side of a Stable Diffusion."""
    found = PromptEncoder((text_encoder,), (tokenizer,), size=64).with_emotions(prompts, tokens)
    assert not found.added
    return found.states


def word(text_encoder, tokenizer, text):
    """Id and embedding (T,) of a word that is one token."""
    (token,) = tokenizer(text, add_special_tokens=False).input_ids
    return token, text_encoder.embeddings.token_embedding.weight[token]


@torch.no_grad()
def plain(text_encoder, tokenizer, text):
    """States (L, T) straight from the library."""
    ids = tokenizer(
        [text], padding="max_length", truncation=True, max_length=TEXT_LENGTH, return_tensors="pt"
    ).input_ids
    return text_encoder(ids).last_hidden_state[0]


@torch.no_grad()
@pytest.mark.parametrize(
    ("prompt", "same"),
    [
        ("a {} cat sits", "a happy cat sits"),
        ("{} bench", "happy bench"),
        ("bench", "happy bench"),
        ("a cat looks {}", "a cat looks happy"),
        ("a cat looks{}", "a cat looks happy"),
        ("", "happy"),
        ("a cat, {}, a ball", "a cat, happy, a ball"),
    ],
)
def test_an_ordinary_words_vector_reads_as_the_word(tiny_text_encoder, tiny_tokenizer, prompt, same):
    vector = word(tiny_text_encoder, tiny_tokenizer, "happy")[1]
    found = encode_prompts(tiny_text_encoder, tiny_tokenizer, [prompt.format(PLACEHOLDER)], [[(vector, 1.0)]])
    assert found.shape == (1, TEXT_LENGTH, WIDTH)
    torch.testing.assert_close(found[0], plain(tiny_text_encoder, tiny_tokenizer, same), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_batch_is_its_prompts_one_by_one(tiny_text_encoder, tiny_tokenizer):
    prompts = [f"a {PLACEHOLDER} cat", "a dog runs in the park", f"the moon {PLACEHOLDER}"]
    tokens = [
        [(torch.randn(WIDTH), 1.0)],
        [(torch.randn(WIDTH), 2.0), (torch.randn(WIDTH), 1.0)],
        [(torch.ones(WIDTH), 1)],
    ]
    together = encode_prompts(tiny_text_encoder, tiny_tokenizer, prompts, tokens)
    for row in range(3):
        alone = encode_prompts(tiny_text_encoder, tiny_tokenizer, [prompts[row]], [tokens[row]])
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)
    # What comes before the emotion has not heard of it.
    assert torch.equal(together[0, :2], plain(tiny_text_encoder, tiny_tokenizer, "a cat")[:2])


def test_several_emotions_are_a_direction_between_them_as_long_as_they_are():
    first, second = torch.randn(WIDTH), torch.randn(WIDTH)
    second = second / second.norm() * 3
    found = blend([(first, 3.0), (second, 1.0)])
    assert found.norm().item() == pytest.approx(0.75 * first.norm().item() + 0.25 * 3, rel=1e-5)
    mean = 0.75 * first + 0.25 * second
    torch.testing.assert_close(found / found.norm(), mean / mean.norm())
    torch.testing.assert_close(blend([(first, 0.6), (second, 0.2)]), blend([(second, 1.0), (first, 3.0)]))
    assert torch.equal(blend([(first, 0.3)]), first)
    assert torch.equal(blend([(first, 2.0), (second, 0.0)]), first)


def test_an_equal_blend_of_two_is_the_middle_of_their_arc():
    first, second = torch.eye(WIDTH)[:2] * 0.4
    torch.testing.assert_close(blend([(first, 1.0), (second, 1.0)]), (first + second) / 2**0.5)


def test_each_text_encoders_part_of_a_blend_keeps_its_own_length():
    vectors = [torch.randn(10), torch.randn(10)]
    vectors = [torch.cat([one[:4] / one[:4].norm(), 7 * one[4:] / one[4:].norm()]) for one in vectors]
    found = blend([(vectors[0], 1.0), (vectors[1], 2.0)], (4, 6))
    assert found[:4].norm().item() == pytest.approx(1, rel=1e-5)
    assert found[4:].norm().item() == pytest.approx(7, rel=1e-5)


def test_long_prompts_keep_the_emotion_and_the_end(tiny_tokenizer):
    long = "cat " * 40
    prompts = [
        f"{PLACEHOLDER} {long}",
        f"{long} {PLACEHOLDER}",
        f"{long} {PLACEHOLDER} {long}",
        f"a {PLACEHOLDER} {long}",
    ]
    ids, places = token_ids(tiny_tokenizer, prompts, 8)
    assert ids.shape == (4, 8)
    assert places.tolist() == [1, 6, 6, 2]
    assert (ids[:, 0] == tiny_tokenizer.bos_token_id).all()
    assert (ids[:, -1] == tiny_tokenizer.eos_token_id).all()
    cat = tiny_tokenizer("cat", add_special_tokens=False).input_ids[0]
    assert [(row == cat).sum().item() for row in ids] == [5, 5, 5, 4]


def test_gradients_reach_the_vectors_by_their_weights(tiny_text_encoder, tiny_tokenizer):
    first, second = torch.randn(WIDTH, requires_grad=True), torch.randn(WIDTH, requires_grad=True)
    states = encode_prompts(tiny_text_encoder, tiny_tokenizer, ["a cat"], [[(first, 3.0), (second, 1.0)]])
    states.square().cos().sum().backward()
    assert first.grad.abs().min() > 0
    assert first.grad.norm() > 2 * second.grad.norm()
    # Numerically, along one direction.
    direction, values = torch.randn(WIDTH), []
    for step in (-1e-2, 1e-2):
        moved = encode_prompts(
            tiny_text_encoder, tiny_tokenizer, ["a cat"], [[(first.detach() + step * direction, 3.0), (second, 1.0)]]
        )
        values.append(moved.square().cos().sum().item())
    assert (values[1] - values[0]) / 2e-2 == pytest.approx((first.grad @ direction).item(), rel=0.05)


def test_the_text_encoder_stays_as_it_was(tiny_text_encoder, tiny_tokenizer):
    before = copy.deepcopy(tiny_text_encoder.state_dict())
    expected = plain(tiny_text_encoder, tiny_tokenizer, "a cat")
    encode_prompts(tiny_text_encoder, tiny_tokenizer, ["a cat"], [[(torch.randn(WIDTH), 1.0)]])
    assert torch.equal(plain(tiny_text_encoder, tiny_tokenizer, "a cat"), expected)
    for name, value in tiny_text_encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


@torch.no_grad()
def test_threads_do_not_mix_their_prompts(tiny_text_encoder, tiny_tokenizer):
    work = [(f"a {PLACEHOLDER} " + "cat " * (number % 5), torch.randn(WIDTH)) for number in range(24)]

    def encode(pair):
        prompt, vector = pair
        return encode_prompts(tiny_text_encoder, tiny_tokenizer, [prompt], [[(vector, 1.0)]])

    expected = [encode(pair) for pair in work]
    with ThreadPoolExecutor(4) as threads:
        for found, wanted in zip(threads.map(encode, work), expected, strict=True):
            assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    ("prompts", "tokens", "message"),
    [
        (["a", "b"], [[(torch.ones(WIDTH), 1.0)]], "2 prompts but emotions for 1"),
        ([f"{PLACEHOLDER} or {PLACEHOLDER}"], [[(torch.ones(WIDTH), 1.0)]], "can have <emotion> only once"),
        (["a"], [[]], "needs emotions with weights of 0 or above"),
        (["a"], [[(torch.ones(WIDTH), 0.0)]], r"not all of them 0; the weights are \[0.0\]"),
        (["a"], [[(torch.ones(WIDTH), 2.0), (torch.ones(WIDTH), -1.0)]], "weights of 0 or above"),
    ],
)
def test_errors(tiny_text_encoder, tiny_tokenizer, prompts, tokens, message):
    with pytest.raises(ValueError, match=message):
        encode_prompts(tiny_text_encoder, tiny_tokenizer, prompts, tokens)


@pytest.fixture(scope="module")
def two_encoders(tiny_text_encoder, tiny_tokenizer):
    """The text side of an SDXL of 64 px, of widths 32 and 24."""
    torch.manual_seed(4)
    second = CLIPTextModelWithProjection(text_config(tiny_tokenizer, 24, projection_dim=20)).eval()
    return PromptEncoder((tiny_text_encoder, second), (tiny_tokenizer, tiny_tokenizer), size=64)


@torch.no_grad()
@pytest.mark.parametrize(
    "prompt", ["a {} on a red sofa", "{}", "a man hugs a woman under a big umbrella and a {} too long"]
)
def test_two_text_encoders_say_what_they_say_of_a_word(two_encoders, tiny_tokenizer, prompt):
    """The second pools at the end of the sentence, not at the emotion, whose place has the same id."""
    (cat,) = tiny_tokenizer("cat", add_special_tokens=False).input_ids
    vector = torch.cat([encoder.get_input_embeddings().weight[cat] for encoder in two_encoders.text_encoders])
    found = two_encoders.with_emotions([prompt.format(PLACEHOLDER)], [[(vector, 1.0)]])
    expected = two_encoders.plain([prompt.format("cat")])
    torch.testing.assert_close(found.states, expected.states)
    assert found.added.keys() == expected.added.keys() == {"text_embeds", "time_ids"}
    for name, value in found.added.items():
        torch.testing.assert_close(value, expected.added[name])
    assert found.states.shape[2] == 56 and found.added["text_embeds"].shape == (1, 20)
    assert found.added["time_ids"].tolist() == [[64, 64, 0, 0, 64, 64]]


def test_gradients_reach_the_part_of_either_encoder(two_encoders):
    vector = torch.randn(56, requires_grad=True)
    two_encoders.with_emotions(["a cat"], [[(vector, 1.0)]]).states.square().sum().backward()
    assert all(part.abs().sum() > 0 for part in vector.grad.split(two_encoders.widths))


def test_nothing_is_zeros_for_two_encoders_and_the_empty_prompt_for_one(
    two_encoders, tiny_text_encoder, tiny_tokenizer
):
    assert two_encoders.nothing().states.abs().sum() == two_encoders.nothing().added["text_embeds"].abs().sum() == 0
    assert two_encoders.nothing().added["time_ids"].tolist() == [[64, 64, 0, 0, 64, 64]]
    one = PromptEncoder((tiny_text_encoder,), (tiny_tokenizer,), size=64)
    assert torch.equal(one.nothing().states, one.plain([""]).states) and not one.nothing().added


def test_conditions_stand_one_before_the_other():
    alone = Condition(torch.zeros(1, 2, 3), {"text_embeds": torch.zeros(1, 4)})
    three = Condition(torch.ones(3, 2, 3), {"text_embeds": torch.ones(3, 4)})
    joined = Condition.joined([alone.repeated(3), three])
    assert joined.states[:, 0, 0].tolist() == joined.added["text_embeds"][:, 0].tolist() == [0, 0, 0, 1, 1, 1]
